"""The option ``--suite`` and the resolutions that it chooses.

A test marked ``resolutions(default=…, full=…)`` is parametrised over both; the additional ones of ``full``
are deselected unless ``--suite=full`` is given, so that every session says that they exist.
"""

from __future__ import annotations

from typing import List

import pytest

SUITES = ("default", "full")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("experiments")
    group.addoption(
        "--suite",
        choices=SUITES,
        default=SUITES[0],
        help="default: what two cores measure in a few minutes; full: also what the published experiments measured",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "resolutions(default=(), full=()): side lengths of the input in pixels")
    config.addinivalue_line("markers", "full_suite: measured with --suite=full only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("resolutions")
    if marker is None:
        return
    default = marker.kwargs.get("default", ())
    full = [pytest.param(one, marks=pytest.mark.full_suite) for one in marker.kwargs.get("full", ())]
    metafunc.parametrize("resolution", [*default, *full])


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    # a conftest that is not of the command line's folders is read too late to add an option
    if config.getoption("suite", SUITES[0]) == "full":
        return
    left = [item for item in items if item.get_closest_marker("full_suite") is not None]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
