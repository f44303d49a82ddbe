"""What differs in what two sides loaded: only what surely does, the nearest to the benchmark first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge import compare
from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.loaded_differences import BASELINE, BOTH, CANDIDATE, loaded_differences
from pytest_edgeperf.judge.lock_step import Duet, Look, step
from pytest_edgeperf.judge.statistics.block_pairs import Pair
from pytest_edgeperf.results.loaded import folded, loaded_key

from .builders import latency_runs, results, run

ID = "benchmarks/test_net.py::test_net[onnxruntime]"
RECORD = {
    "modules": {"benchmarks/test_net.py": "1", "benchmarks/nets/a.py": "1", "conftest.py": "1", "src/ops.py": "1"},
    "model": {"net.onnx": "1"},
    "engine": {"model.plan": "1"},
    "packages": {"numpy": "1.26.4 a", "python": "3.11.7 a", "flatbuffers": "2.0"},
    "libraries": {"libc.so.6": "1", "libz.so.1": "1"},
}
DIGESTS = st.sampled_from(["1", "2", "3"])
ANY = st.fixed_dictionaries(
    {},
    optional={
        section: st.dictionaries(st.sampled_from(["a.py", "b/c.py", "b/d/e.py", "b/d/"]), DIGESTS, max_size=3)
        for section in RECORD
    },
)


def changed(record=RECORD, **sections):
    """The record with these entries; ``None`` takes one away."""
    made = {**record}
    for section, entries in sections.items():
        made[section] = {name: digest for name, digest in {**record.get(section, {}), **entries}.items() if digest}
    return made


def differences(before, after, benchmark=ID):
    """Between runs with these records each; ``None`` is a run without one."""

    def side(records, session):
        kept = {loaded_key(record): record for record in records if record is not None}
        runs = [run({}, session, loaded=None if record is None else loaded_key(record)) for record in records]
        return runs, kept

    (base, base_loaded), (candidate, candidate_loaded) = side(before, "one"), side(after, "two")
    return loaded_differences(benchmark, base, candidate, base_loaded, candidate_loaded)


def named(found):
    return [(difference.kind, difference.name) for difference in found.differences]


def test_unchanged_checks_list_nothing():
    for _ in range(10):
        found = differences([RECORD] * 10, [RECORD] * 3)
        assert found.nothing
        assert found.with_model


@pytest.mark.parametrize(
    ("sections", "kind", "name", "before", "after"),
    [
        ({"modules": {"src/ops.py": "2"}}, "source", "src/ops.py", "1", "2"),
        ({"model": {"net.onnx": "2"}}, "model", "net.onnx", "1", "2"),
        ({"engine": {"model.plan": "2"}}, "engine", "model.plan", "1", "2"),
        ({"packages": {"numpy": "2.0.1 b"}}, "package", "numpy", "1.26.4 a", "2.0.1 b"),
        ({"libraries": {"libz.so.1": "2"}}, "library", "libz.so.1", "1", "2"),
        ({"modules": {"new.py": "2"}}, "source", "new.py", None, "2"),
        ({"packages": {"numpy": None}}, "package", "numpy", "1.26.4 a", None),
    ],
)
def test_whatever_changed_is_listed(sections, kind, name, before, after):
    found = differences([RECORD] * 3, [changed(**sections)] * 3)
    assert [(one.kind, one.name, one.before, one.after) for one in found.differences] == [(kind, name, before, after)]


def test_the_nearest_to_the_benchmark_is_first():
    after = changed(
        modules={"src/ops.py": "2", "conftest.py": "2", "benchmarks/nets/a.py": "2", "benchmarks/test_net.py": "2"},
        model={"net.onnx": "2"},
        engine={"model.plan": "2"},
        packages={"numpy": "2.0.1 b", "added": "1.0", "flatbuffers": "3.0"},
        libraries={"libc.so.6": "2"},
    )
    assert named(differences([RECORD], [after])) == [
        ("source", "benchmarks/test_net.py"),
        ("source", "benchmarks/nets/a.py"),
        ("source", "conftest.py"),
        ("source", "src/ops.py"),
        ("model", "net.onnx"),
        ("engine", "model.plan"),
        ("package", "numpy"),
        ("package", "flatbuffers"),
        ("package", "added"),
        ("library", "libc.so.6"),
    ]


def test_what_only_some_runs_of_a_side_loaded_does_not_differ():
    """The first run of a session may convert a model, for which it loads more."""
    first = changed(packages={"onnx": "1.17.0", "numpy": "1.26.4 more"}, model={"fixed.onnx": "9"})
    assert differences([first, RECORD, RECORD], [RECORD]).nothing
    assert differences([RECORD], [first, RECORD]).nothing
    assert named(differences([first, RECORD], [changed(packages={"numpy": "2.0.1 a"})])) == [("package", "numpy")]


def test_a_file_of_another_name_with_the_same_content_is_the_same():
    assert differences([RECORD], [changed(model={"net.onnx": None, "copy.onnx": "1"})]).nothing
    moved = changed(modules={"src/ops.py": None, "src/operators.py": "1"})
    assert named(differences([RECORD], [moved])) == [("source", "src/operators.py"), ("source", "src/ops.py")]


def test_the_newest_session_of_a_side_counts():
    old, new = loaded_key(changed(model={"net.onnx": "0"})), loaded_key(RECORD)
    records = {old: changed(model={"net.onnx": "0"}), new: RECORD}
    base = [
        run({}, "first", loaded=old, started="2026-01-01T00:00:00Z"),
        run({}, "second", loaded=new, started="2026-01-02T00:00:00Z"),
    ]
    assert loaded_differences(ID, base, [run({}, "third", loaded=new)], records, records).nothing


@pytest.mark.parametrize(
    ("before", "after", "unknown"),
    [
        ([None], [RECORD], BASELINE),
        ([RECORD], [None, None], CANDIDATE),
        ([None], [None], BOTH),
        ([], [RECORD], BASELINE),
    ],
)
def test_a_side_without_a_record_is_named_and_nothing_is_claimed(before, after, unknown):
    found = differences(before, after)
    assert (found.unknown, found.differences, found.nothing) == (unknown, (), False)


def test_a_benchmark_that_opens_its_own_files_is_not_said_to_be_known_whole():
    plain = changed(model={"net.onnx": None}, engine={"model.plan": None})
    assert not differences([plain], [plain]).with_model


def test_folded_modules_are_compared_with_those_that_are_not():
    whole = changed(modules={"benchmarks/nets/b.py": "1"})
    few = {**whole, "modules": folded(whole["modules"], ["benchmarks/nets/"])}
    assert differences([whole], [few]).nothing
    other = changed(whole, modules={"benchmarks/nets/b.py": "2"})
    assert named(differences([other], [few])) == [("source", "benchmarks/nets/")]
    # Folded at two depths, the inside of the outer folder is not known.
    outer = {**whole, "modules": {**folded(whole["modules"], ["benchmarks/"]), "conftest.py": "2"}}
    assert named(differences([few], [outer])) == [("source", "conftest.py")]


@given(st.lists(ANY, min_size=1, max_size=3), st.lists(ANY, min_size=1, max_size=3))
def test_a_side_never_differs_from_itself_and_swapped_sides_differ_in_the_same(before, after):
    assert differences(before, before).nothing
    there, back = differences(before, after), differences(after, before)
    assert sorted(named(there)) == sorted(named(back))
    assert {(one.before, one.after) for one in there.differences} == {
        (one.after, one.before) for one in back.differences
    }


def test_a_regressed_benchmark_has_them_and_no_other():
    key, other = loaded_key(RECORD), loaded_key(changed(model={"net.onnx": "2"}))

    def side(centers, session, loaded):
        return [replace(run, loaded=loaded) for run in latency_runs(centers, session)]

    base = results({"a::slow": side([10.0] * 17, "one", key), "a::steady": side([10.0] * 17, "one", key)})
    now = results({"a::slow": side([13.0] * 9, "two", other), "a::steady": side([10.0] * 9, "two", other)})
    compared = compare(
        replace(base, loaded={key: RECORD}), replace(now, loaded={other: changed(model={"net.onnx": "2"})})
    ).benchmarks
    assert compared["a::slow"].verdict == "regressed"
    assert named(compared["a::slow"].loaded) == [("model", "net.onnx")]
    assert compared["a::slow"].to_dict()["loaded"] == {
        "known": True,
        "without_record": None,
        "with_model": True,
        "differences": [{"kind": "model", "name": "net.onnx", "baseline": "1", "candidate": "2"}],
    }
    assert compared["a::steady"].loaded is None


def test_in_lock_step_each_side_has_its_own():
    key, other = loaded_key(RECORD), loaded_key(changed(packages={"numpy": "2.0.1 b"}))
    loaded = {key: RECORD, other: changed(packages={"numpy": "2.0.1 b"})}
    sides = [
        replace(results({"a::net": [replace(run, loaded=name) for run in latency_runs([center] * 8)]}), loaded=loaded)
        for center, name in ((10.0, key), (12.0, other))
    ]
    pairs = [Pair(0.18 + 0.0001 * number, 0.001, 20) for number in range(8)]
    answer = step({"a::net": Duet(pairs, False)}, *sides, Family(("a::net",), tolerance=0.005), Look(1, 1, 8))
    verdict = answer.comparison.benchmarks["a::net"]
    assert verdict.verdict == "regressed"
    assert named(verdict.loaded) == [("package", "numpy")]
