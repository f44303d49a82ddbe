from __future__ import annotations

from dataclasses import replace

from pytest_edgeperf.measure.protocol import Specification
from pytest_edgeperf.schedule.against.counterparts import counterparts, specification_of

NET = "bench/test_a.py::test_net"


def size(value):
    return {"size": value}


def test_reordered_values_are_measured_against_themselves():
    there = {f"{NET}[size0]": size([64]), f"{NET}[size1]": size([512])}
    matched = counterparts({f"{NET}[size0]": size([512]), f"{NET}[size1]": size([64])}, list(there), list(there), there)
    assert matched.ids == {f"{NET}[size0]": f"{NET}[size1]", f"{NET}[size1]": f"{NET}[size0]"}
    assert (matched.changed, matched.missing) == ({}, ())


def test_an_inserted_value_is_new_and_a_removed_one_is_missing_under_an_id_of_its_own():
    there = {f"{NET}[size0]": size([64]), f"{NET}[size1]": size([512])}
    matched = counterparts({f"{NET}[size0]": size([512]), f"{NET}[size1]": size([32])}, list(there), list(there), there)
    assert matched.ids == {f"{NET}[size0]": f"{NET}[size1]"}
    assert matched.missing == (f"{NET}[size=[64]]",)


def test_another_value_under_the_same_id_is_named():
    there = {f"{NET}[big]": size(64)}
    matched = counterparts({f"{NET}[big]": size(512)}, list(there), list(there), there)
    assert matched.ids == {}
    assert matched.changed == {f"{NET}[big]": {"size": (64, 512)}}
    assert matched.missing == ()


def test_ordinary_tests_and_benchmarks_without_parameters():
    collected = ["bench/test_a.py::test_ordinary", "bench/test_a.py::test_one", "bench/test_a.py::test_gone"]
    matched = counterparts(
        {"bench/test_a.py::test_one": {}, "bench/test_a.py::test_new": {}}, collected, collected[1:], {}
    )
    assert matched.ids == {"bench/test_a.py::test_one": "bench/test_a.py::test_one"}
    assert matched.missing == ("bench/test_a.py::test_gone",)


def test_the_worker_of_the_other_side_gets_its_own_id():
    ordinary = Specification(f"{NET}[size0]", ["--rootdir=/c"], [f"/c/{NET}[size0]"], {}, [])
    moved = replace(ordinary, nodeid=f"{NET}[size1]", targets=(f"/c/{NET}[size1]",))
    assert specification_of(ordinary, f"{NET}[size1]") == moved
    assert list(specification_of(ordinary, f"{NET}[size0]").targets) == ordinary.targets


def test_folders_with_brackets_and_colons_stay_as_they_are():
    ordinary = Specification("x::y[1]/a.py::t[p0]", [], ["/c/x::y[1]/a.py::t[p0]"], {}, [])
    assert specification_of(ordinary, "x::y[1]/a.py::t[longer]").targets == ("/c/x::y[1]/a.py::t[longer]",)
    assert list(specification_of(ordinary, ordinary.nodeid).targets) == ordinary.targets
