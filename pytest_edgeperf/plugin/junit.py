"""The file of ``--junit-xml``: properties of the suite, and of each test where the file's family allows them."""

from __future__ import annotations

from typing import Iterable, Tuple

import pytest
from _pytest.junitxml import xml_key

_WITH_PROPERTIES_OF_TESTS = ("xunit1", "legacy")


def is_written(config: pytest.Config) -> bool:
    """Whether ``--junit-xml`` was asked for; an xdist worker has its controller's options."""
    return bool(getattr(config.option, "xmlpath", None))


def allows_properties_of_tests(config: pytest.Config) -> bool:
    """Whether a test may have properties: always but in a file of the family xunit2, which they would break."""
    return not is_written(config) or config.getini("junit_family") in _WITH_PROPERTIES_OF_TESTS


def add_to_suite(config: pytest.Config, properties: Iterable[Tuple[str, str]]) -> None:
    """Add properties to the suite, as the fixture ``record_testsuite_property`` does, before the file is written."""
    xml = config.stash.get(xml_key, None)
    if xml is not None:
        for name, value in properties:
            xml.add_global_property(name, value)
