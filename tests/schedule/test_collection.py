from __future__ import annotations

# pytester forgets what a session inside this process imported first, and numpy cannot be loaded twice.
import numpy  # noqa: F401
import pytest

from pytest_edgeperf.results.parameters import stored
from pytest_edgeperf.results.types import Benchmark, Results
from pytest_edgeperf.schedule.collection import CollectedTests
from pytest_edgeperf.settings import Settings

SUITE = """
import pytest

@pytest.mark.parametrize("size", [(64, 64), (512, 512)])
def test_net(timed_inference, size): ...

def test_lone(timed_inference): ...

def test_no_benchmark(): ...
"""


class Recorder:
    """What the plugin keeps during collection."""

    def __init__(self):
        self.items, self.nodes = [], []

    def pytest_itemcollected(self, item):
        self.items.append(item)

    def pytest_collectstart(self, collector):
        self.nodes.append(collector.nodeid)

    def tests(self):
        return CollectedTests(self.items, self.nodes)


@pytest.fixture
def collect(pytester):
    pytester.mkdir("benchmarks")
    pytester.makeini("[pytest]\n")
    pytester.path.joinpath("benchmarks", "test_a.py").write_text(SUITE)
    pytester.path.joinpath("benchmarks", "test_empty.py").write_text("")
    pytester.path.joinpath("elsewhere").mkdir()
    pytester.path.joinpath("elsewhere", "test_b.py").write_text(SUITE)

    def run(*arguments, settings=None):
        """What of a baseline of these ids is missing."""
        missing = []

        class Look(Recorder):
            def pytest_collection_finish(self, session):
                baseline = {name: Benchmark(stored(parameters), {}, ()) for name, parameters in BASELINE.items()}
                missing.append(self.tests().missing(baseline, session.config, settings or Settings()))

        outcome = pytester.inline_run("--collect-only", "-q", *arguments, plugins=[Look()])
        assert outcome.ret in (0, 5)
        return missing[0]

    return run


GONE = {
    "benchmarks/test_a.py::test_gone[torch-fp32]": {"framework": "torch", "precision": "fp32"},
    "benchmarks/test_a.py::test_net[size9]": {"size": (9, 9)},
    "benchmarks/test_a.py::test_no_benchmark": {},
    "benchmarks/test_empty.py::test_gone": {},
    "benchmarks/test_deleted.py::test_gone": {},
}
HERE = {
    "benchmarks/test_a.py::test_lone": {},
    "benchmarks/test_a.py::test_net[size1]": {"size": (64, 64)},
    "benchmarks/test_a.py::test_net[size0]": {"size": (512, 512)},
}
ELSEWHERE = {"elsewhere/test_b.py::test_gone": {}, "elsewhere/test_deleted.py::test_gone": {}}
BASELINE = {**HERE, **GONE, **ELSEWHERE}


def test_what_is_gone_from_files_that_were_collected_is_missing(collect):
    assert collect("benchmarks") == list(GONE)
    assert collect("benchmarks/test_a.py") == list(GONE)[:3]
    assert collect() == [*GONE, *ELSEWHERE]


@pytest.mark.parametrize(
    "arguments",
    [
        ("-k", "net"),
        ("-m", "not slow"),
        ("--deselect", "benchmarks/test_a.py::test_lone"),
        ("benchmarks/test_a.py::test_lone",),
        ("--lf",),
    ],
)
def test_a_selection_has_nothing_missing(collect, arguments):
    assert collect("benchmarks", *arguments) == []


def test_a_file_that_was_not_read_has_nothing_missing(collect):
    missing = collect("benchmarks", "--ignore=benchmarks/test_a.py")
    assert missing == list(GONE)[3:]


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        (Settings(frameworks=("onnxruntime",)), False),
        (Settings(frameworks=("onnxruntime", "torch")), True),
        (Settings(precisions=("int8",)), False),
        (Settings(), True),
    ],
)
def test_a_framework_or_precision_that_was_not_asked_for_is_not_missing(collect, settings, asked):
    name = "benchmarks/test_a.py::test_gone[torch-fp32]"
    assert (name in collect("benchmarks", settings=settings)) == asked


def test_ids_in_the_other_spelling_are_not_missing(pytester):
    pytester.makeini("[pytest]\n")
    pytester.path.joinpath("test_caf\xe9.py").write_text("def test_a(timed_inference): ...\n")
    baseline = {
        "test_cafe\u0301.py::test_a": Benchmark({}, {}, ()),
        "test_cafe\u0301.py::test_b": Benchmark({}, {}, ()),
    }
    missing = []

    class Look(Recorder):
        def pytest_collection_finish(self, session):
            missing.extend(self.tests().missing(baseline, session.config, Settings()))

    pytester.inline_run("--collect-only", "-q", plugins=[Look()])
    assert missing == ["test_cafe\u0301.py::test_b"]


def test_which_new_benchmarks_are_probably_missing_ones(pytester):
    from pytest_edgeperf.schedule.collection import renamed

    items, _ = pytester.inline_genitems(pytester.makepyfile(test_a=SUITE))
    baseline = Results("host", benchmarks={"test_a.py::test_old[a]": Benchmark({"size": [64, 64]}, {}, ())})
    assert renamed(baseline, list(baseline.benchmarks), items) == {
        "test_a.py::test_net[size0]": "test_a.py::test_old[a]"
    }
    assert renamed(baseline, [], items) == {}
