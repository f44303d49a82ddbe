"""The options of the experiments.

``--suite``: which benchmarks a session has, and the checklist that a paper's suite ends with. ``--data`` and
``--detector``: a labelled set, and a network for it, whose accuracy is measured. ``--networks``: networks of a user's.
``--weights``: trained weights of the networks here.

A test marked ``resolutions(default=…, paper=…, full=…)`` is parametrised over all of them. What a suite leaves out is
deselected, so that every session reports how much there is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List

import pytest
from suites import DEFAULT, FULL, PAPERS, SUITES, belongs, marked_for, papers_asked_for, values

from pytest_edgeperf import session_results

#: As in ``models.given_weights``, which imports numpy.
WEIGHTS_VARIABLE = "EDGEPERF_BENCHMARK_WEIGHTS"

if TYPE_CHECKING:
    from labelled.detection import LabelledSet
    from models.given import GivenDetector
    from models.own import OwnNetwork


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("experiments")
    group.addoption(
        "--suite",
        choices=SUITES,
        default=DEFAULT,
        help=f"default: a few minutes on two cores; {', '.join(PAPERS)}: the experiments of a paper, in small, "
        "and its findings as a checklist; full: also the networks and resolutions of the published experiments",
    )
    group.addoption(
        "--data",
        metavar="DIR",
        # a worker may run in another folder
        type=os.path.abspath,
        help="photographs with labelled objects, to measure accuracy on: a folder in the format of COCO "
        "(annotations/instances_*.json, or one of these files) or VisDrone-DET (images/*.jpg, annotations/*.txt)",
    )

    group.addoption(
        "--weights",
        metavar="DIR",
        type=os.path.abspath,
        help="trained weights: a state dict per network in a folder, <network>.pth, .pt or .safetensors; networks "
        "without a file keep seeded ones, and baselines of both are apart",
    )
    group.addoption(
        "--detector",
        metavar="FILE",
        type=os.path.abspath,
        help="an ONNX file of YOLOv3 or YOLOv3-tiny with raw heads as outputs, trained for the categories of --data",
    )

    group.addoption(
        "--networks",
        metavar="FILE",
        type=os.path.abspath,
        help="networks of your own, measured as those of the papers are, in every suite: a file in TOML with tables "
        '[networks.NAME], each with onnx = "FILE" and like = "NETWORK", whose pre- and post-processing it has; '
        "resolution and gflops are optional",
    )


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "resolutions(default=(), paper=(), full=()): side lengths of the input in pixels, by the smallest suite",
        "paper_suite: not in the default suite, but in those of its papers",
        "full_suite(*papers): measured with --suite=full only; with papers, in the suites of the others too",
        *(f"{marker}: an experiment of {paper}" for paper, marker in PAPERS.items()),
    ):
        config.addinivalue_line("markers", line)
    if not getattr(config.option, "edgeperf_published", None):
        # what was typed wins; the option is read after this
        suite, expression = config.getoption("suite", DEFAULT), config.getoption("markexpr", "")
        config.option.edgeperf_published = papers_asked_for(suite, expression or "")
    # an error in the file is one sentence here, and a traceback for each test at the collection
    _read_networks(config)
    _name_weights(config)


def _name_weights(config: pytest.Config) -> None:
    """Tell this process and those that it starts where the user's weights are, or that there are none."""
    os.environ.pop(WEIGHTS_VARIABLE, None)
    named = config.getoption("weights", None)
    if named is None:
        return
    if not os.path.isdir(named):
        raise pytest.UsageError(
            f"--weights {named}: is no folder; name one that holds a file per network, such as resnet50.pth"
        )
    os.environ[WEIGHTS_VARIABLE] = named


@pytest.fixture(scope="session")
def data(pytestconfig: pytest.Config) -> LabelledSet:
    """The labelled set of ``--data``; a benchmark that asks for it is skipped without."""
    named = pytestconfig.getoption("data", None)
    if named is None:
        pytest.skip("needs photographs with labelled objects: --data DIR, in the format of COCO or VisDrone-DET")
    # imports numpy, which only sessions with labels need
    from labelled.folder import open_set

    try:
        return open_set(named)
    except (ValueError, ModuleNotFoundError) as error:
        return pytest.fail(f"--data {error}", pytrace=False)


@pytest.fixture(scope="session")
def detector(pytestconfig: pytest.Config) -> GivenDetector:
    """The network of ``--detector``; a benchmark that asks for it is skipped without."""
    named = pytestconfig.getoption("detector", None)
    if named is None:
        pytest.skip("needs a detector that is trained for the categories of --data: --detector FILE.onnx")
    from models.given import given_detector

    try:
        return given_detector(named)
    except (ValueError, ModuleNotFoundError) as error:
        return pytest.fail(str(error), pytrace=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("resolutions")
    if marker is not None:
        metafunc.parametrize("resolution", values(**marker.kwargs))
    if "own_networks" in metafunc.fixturenames:
        own = _read_networks(metafunc.config)
        configurations = [
            value for name, network in own.items() for value in marked_for(PAPERS, (name, network.resolution))
        ]
        skipped = pytest.mark.skip(reason="needs networks of your own: --networks FILE.toml")
        without = pytest.param("none", 0, marks=[pytest.mark.full_suite, skipped])
        metafunc.parametrize(("network", "resolution"), configurations or [without])
    if metafunc.config.getoption("weights", None) and "timed_inference" in metafunc.fixturenames:
        # another benchmark: no baseline of seeded weights, nor of others, stands beside it
        from models import given_weights

        metafunc.fixturenames.append("weights")
        metafunc.parametrize("weights", [f"weights-{given_weights.digest()[:8]}"])


@pytest.fixture(scope="session")
def own_networks(pytestconfig: pytest.Config) -> Dict[str, OwnNetwork]:
    """The networks of ``--networks``, by name; a benchmark that asks for them is measured with each, in every suite."""
    return _read_networks(pytestconfig)


def _read_networks(config: pytest.Config) -> Dict[str, OwnNetwork]:
    named = config.getoption("networks", None)
    if named is None:
        return {}
    from models.own import read

    try:
        return read(named)
    except ValueError as error:
        raise pytest.UsageError(f"--networks {error}") from None


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    # a conftest that is not of the command line's folders is read too late to add an option
    suite = config.getoption("suite", DEFAULT)
    left = [item for item in items if not belongs(item, suite)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    if config.getoption("weights", None) and items and not config.getoption("collectonly"):
        from models import weights_check

        try:
            weights_check.verify()
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """End a paper's suite, and the full one, with what the runs say of each of its findings."""
    suite = config.getoption("suite", DEFAULT)
    measured = session_results(config)
    if suite == DEFAULT or measured is None:
        return
    # imports numpy, which only sessions with a checklist need
    from checklists import CHECKLISTS, render

    for paper in PAPERS if suite == FULL else (suite,):
        terminalreporter.section(f"checklist of {paper}")
        terminalreporter.write_line(render(CHECKLISTS[paper](measured), config.get_terminal_writer().fullwidth))
