from __future__ import annotations

import json
from functools import partial

import pytest

from pytest_edgeperf.judge import compare
from pytest_edgeperf.judge.renames import GONE, probable_renames, with_missing, with_renames
from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.results.parameters import stored
from pytest_edgeperf.results.types import Benchmark, Results

from ..growth import calls
from .builders import ENVIRONMENT, METRICS, latency_runs

NONE = "{}"


def results(**entries):
    """Id after the file's name -> (parameters, milliseconds)."""
    return Results(
        "board",
        {"env": ENVIRONMENT},
        {
            f"a.py::{name}": Benchmark(stored(parameters), METRICS, tuple(latency_runs([center] * 5)))
            for name, (parameters, center) in entries.items()
        },
    )


def verdicts(comparison):
    return {name.partition("::")[2]: one.verdict for name, one in comparison.benchmarks.items()}


def test_reordered_values_are_compared_with_themselves():
    base = results(**{"t[size0]": ({"size": (64, 64)}, 1.0), "t[size1]": ({"size": (512, 512)}, 64.0)})
    now = results(**{"t[size0]": ({"size": (512, 512)}, 64.0), "t[size1]": ({"size": (64, 64)}, 1.0)})
    assert verdicts(compare(base, now)) == {"t[size0]": "unchanged", "t[size1]": "unchanged"}


def test_other_values_under_the_same_id_are_incomparable_and_named():
    base, now = results(**{"t[big]": ({"size": 64}, 1.0)}), results(**{"t[big]": ({"size": 512}, 64.0)})
    verdict = compare(base, now).benchmarks["a.py::t[big]"]
    assert verdict.verdict == "incomparable"
    assert verdict.reason == "other parameters: size was 64 and is 512"
    assert dict(verdict.differences) == {"parameters.size": (64, 512)}


def test_a_renamed_function_is_set_beside_its_old_name_with_the_change():
    base = results(**{"old[320]": ({"r": 320}, 10.0), "old[640]": ({"r": 640}, 40.0), "same": ({}, 1.0)})
    now = results(**{"new[320]": ({"r": 320}, 14.0), "new[640]": ({"r": 640}, 56.0), "same": ({}, 1.0)})
    comparison = compare(base, now)
    assert comparison.summary["new"] == comparison.summary["missing"] == 2
    assert [(one.old, one.new, round(one.ratio, 2)) for one in comparison.renames] == [
        ("a.py::old[320]", "a.py::new[320]", 1.4),
        ("a.py::old[640]", "a.py::new[640]", 1.4),
    ]
    printed = json.loads(json.dumps(comparison.to_dict()))["renames"][0]
    assert printed["ratio"] == pytest.approx(1.4)
    assert printed["interval"][0] < 1.4 < printed["interval"][1]


def test_a_rename_whose_change_is_not_known_says_why():
    base, now = results(**{"old[1]": ({"r": 1}, 1.0)}), results(**{"new[1]": ({"r": 1}, 1.0)})
    now = Results("other", {"env": {"fingerprint": {"device": "other"}}}, now.benchmarks)
    (rename,) = compare(base, now).renames
    assert rename.ratio is None
    assert "fingerprint.device" in rename.reason
    assert rename.to_dict()["reason"] == rename.reason


@pytest.mark.parametrize(
    ("missing", "new", "expected"),
    [
        ({"a.py::x": NONE}, {"a.py::y": NONE}, {"a.py::y": "a.py::x"}),
        # In another file, a function without parameters is only recognised by its name.
        ({"a.py::test_net": NONE}, {"b.py::test_net": NONE}, {"b.py::test_net": "a.py::test_net"}),
        ({"a.py::test_net": NONE}, {"b.py::test_other": NONE}, {}),
        ({"a.py::x[1]": '{"r": 1}'}, {"b.py::y[1]": '{"r": 1}'}, {"b.py::y[1]": "a.py::x[1]"}),
        ({"a.py::x[1]": '{"r": 1}'}, {"a.py::y[2]": '{"r": 2}'}, {}),
        ({"a.py::x[1]": '{"r": 1}'}, {"a.py::y": NONE}, {}),
        ({"a.py::x[p0]": None}, {"a.py::y[p0]": None}, {}),
        # Each old name goes to one new name: the most parametrisations, then the same file, then the closest name.
        (
            {"a.py::conv[1]": "1", "a.py::conv[2]": "2", "a.py::pool[1]": "1"},
            {"a.py::conv2d[1]": "1", "a.py::conv2d[2]": "2", "a.py::pooling[1]": "1"},
            {
                "a.py::conv2d[1]": "a.py::conv[1]",
                "a.py::conv2d[2]": "a.py::conv[2]",
                "a.py::pooling[1]": "a.py::pool[1]",
            },
        ),
        (
            {"a.py::x[1]": "1"},
            {"b.py::x2[1]": "1", "a.py::something[1]": "1"},
            {"a.py::something[1]": "a.py::x[1]"},
        ),
    ],
)
def test_which_benchmarks_are_probably_the_same(missing, new, expected):
    assert probable_renames(missing, new) == expected


def test_missing_benchmarks_of_a_session():
    base = results(gone=({}, 1.0), here=({}, 1.0))
    now = results(here=({}, 1.0))
    comparison = with_missing(Comparison({}), ["a.py::gone"])
    assert comparison.benchmarks["a.py::gone"].reason == GONE
    assert comparison.summary["missing"] == 1
    assert with_missing(comparison, []) is comparison
    assert with_renames(comparison, base, now, compare).renames == ()


def moved(count):
    """A folder of so many benchmarks, before and after it was moved."""
    missing = {f"old/a{i % 7}.py::test_{i}": NONE for i in range(count)}
    return missing, {name.replace("old/", "new/"): NONE for name in missing}


def test_a_folder_of_a_thousand_benchmarks_that_moved_is_found_without_comparing_all_names():
    missing, new = moved(1000)
    assert probable_renames(missing, new) == {name.replace("old/", "new/"): name for name in missing}
    few, many = (calls(partial(probable_renames, *moved(count))) for count in (100, 400))
    assert many < 6 * few
