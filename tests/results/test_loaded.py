"""What the processes of runs loaded: written once, read back whole, and gone when no run names it."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.results import ResultsError, merge, parse, read, refresh, to_json, write
from pytest_edgeperf.results.baselines import keep_sessions, set_anchor
from pytest_edgeperf.results.errors import InvalidError
from pytest_edgeperf.results.loaded import (
    MOST_ENTRIES,
    check_record,
    folded,
    from_stored,
    loaded_key,
    records_of,
    to_stored,
)
from pytest_edgeperf.results.types import Against

from ..fakes import reports

ID = "test_a.py::test_b[416]"
RESNET = {
    "modules": {"test_a.py": "11111111", "ops.py": "22222222"},
    "model": {"resnet18.onnx": "33333333"},
    "packages": {"numpy": "1.26.4 44444444"},
    "libraries": {"libc.so.6": "55555555"},
}
MOBILENET = {**RESNET, "model": {"mobilenet.onnx": "66666666"}}
NAMES = st.text(min_size=1, max_size=4)
RECORDS = st.dictionaries(
    st.sampled_from(["modules", "model", "engine", "packages", "libraries"]),
    st.dictionaries(NAMES, NAMES, min_size=1, max_size=3),
)


def with_loaded(document, *records, session=None):
    """Results whose runs name one record each, in turns."""
    document = copy.deepcopy(document)
    results = parse(document)
    keys = [loaded_key(record) for record in records]
    benchmark = results.benchmarks[ID]
    runs = tuple(
        replace(run, loaded=keys[index % len(keys)], session=session or run.session)
        for index, run in enumerate(benchmark.runs)
    )
    return replace(
        results,
        benchmarks={ID: replace(benchmark, runs=runs)},
        loaded={loaded_key(record): record for record in records},
    )


def test_a_file_holds_what_records_share_once_and_gives_them_whole(document, tmp_path):
    results = with_loaded(document, RESNET, MOBILENET)
    write(tmp_path / "a.json", results)
    stored = json.loads((tmp_path / "a.json").read_text())
    assert (tmp_path / "a.json").read_text().count("libc.so.6") == 1
    assert stored["loaded"][loaded_key(RESNET)]["model"] == RESNET["model"]
    assert len(stored["loaded_sections"]) == 4
    assert stored["loaded"][loaded_key(RESNET)]["rest"] == stored["loaded"][loaded_key(MOBILENET)]["rest"]
    again = read(tmp_path / "a.json")
    assert again == results
    assert records_of(again.benchmarks[ID].runs, again.loaded) == tuple(
        record for _, record in sorted((loaded_key(record), record) for record in (RESNET, MOBILENET))
    )


@given(st.lists(RECORDS, max_size=4))
def test_whatever_is_stored_comes_back(records):
    loaded = {loaded_key(record): record for record in records}
    assert from_stored(*json.loads(json.dumps(to_stored(loaded)))) == loaded


def test_a_file_from_before_there_were_records_is_as_it_was(document, tmp_path):
    results = parse(document)
    write(tmp_path / "a.json", results)
    assert "loaded" not in json.loads((tmp_path / "a.json").read_text())
    assert results.loaded == {}
    assert {run.loaded for run in results.benchmarks[ID].runs} == {None}


def test_sections_of_a_newer_version_are_kept(document, tmp_path):
    record = {**RESNET, "kernels": {"conv": ["77777777", 5]}, "since": 2}
    results = with_loaded(document, record)
    write(tmp_path / "a.json", results)
    assert read(tmp_path / "a.json").loaded == {loaded_key(record): record}


@pytest.mark.parametrize(
    ("records", "sections", "said"),
    [
        ([], {}, "loaded: a list instead of an object"),
        ({}, [], "loaded_sections: a list instead of an object"),
        ({"aa": 1}, {}, "loaded.aa: a number instead of a record"),
        ({"aa": {"model": "bb"}}, {"bb": {}}, "loaded.aa.model: a string instead of names"),
        ({"aa": {"model": {"m.onnx": 1}}}, {}, 'loaded.aa.model."m.onnx": not a name with a text'),
        ({"aa": {"rest": "bb"}}, {}, "loaded.aa.rest: 'bb' is not among the file's loaded_sections"),
        ({"aa": {"rest": 5}}, {}, "loaded.aa.rest: a number instead of names"),
        (
            {"aa": {"rest": "bb"}},
            {"bb": {"modules": "cc"}},
            "loaded.aa.rest.modules: 'cc' is not among the file's loaded_sections",
        ),
        ({"aa": {}}, {"bb": {"m": "x" * 301}}, "loaded_sections.bb.m: more than 300 characters"),
        ({"aa": {}}, {"bb": {str(n): "" for n in range(MOST_ENTRIES + 1)}}, "loaded_sections.bb: 5001 entries"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(document, records, sections, said):
    with pytest.raises(ResultsError) as error:
        parse({**document, "loaded": records, "loaded_sections": sections}, "a.json")
    assert said in str(error.value)


def test_a_run_must_name_a_record_that_is_there(document):
    document["benchmarks"][ID]["runs"][1]["loaded"] = "12345678"
    with pytest.raises(ResultsError, match=r"runs\[1\]\.loaded: '12345678' is not among the file's records"):
        parse(document)
    document["benchmarks"][ID]["runs"][1]["loaded"] = 5
    with pytest.raises(ResultsError, match=r"runs\[1\]"):
        parse(document)


def test_what_a_worker_sends_is_checked_as_a_section_of_a_file_is():
    check_record(RESNET)
    with pytest.raises(InvalidError, match="not a name with a text"):
        check_record({"modules": {"a.py": None}})


def test_merging_joins_records_and_an_edited_one_is_refused(document):
    first, second = with_loaded(document, RESNET), with_loaded(document, MOBILENET, session="later")
    joined = merge(first, second)
    assert set(joined.loaded) == {loaded_key(RESNET), loaded_key(MOBILENET)}
    edited = replace(second, loaded={**second.loaded, loaded_key(RESNET): MOBILENET})
    with pytest.raises(ResultsError, match=r"loaded\.\w+ differs from one file to the other; restore"):
        merge(first, edited)


def test_a_refresh_keeps_the_records_of_accepted_runs_and_of_anchors_and_no_others(document):
    old, new = with_loaded(document, RESNET), with_loaded(document, MOBILENET, session="later")
    assert set(refresh(old, new, "new").results.loaded) == {loaded_key(MOBILENET)}
    anchored = set_anchor(old, [ID])
    assert set(refresh(anchored, new, "new").results.loaded) == {loaded_key(RESNET), loaded_key(MOBILENET)}
    both = refresh(old, new, "new", add=True).results
    assert set(keep_sessions(both, 1).loaded) == {loaded_key(MOBILENET)}


def test_the_other_side_of_a_pair_keeps_its_record(document):
    results = with_loaded(document, MOBILENET)
    pair = {"log_ratio": 0.1, "base": {"loaded": loaded_key(RESNET)}}
    against = Against("main", None, {ID: (pair, {"base": None})})
    whole = replace(results, against=against, loaded={**results.loaded, loaded_key(RESNET): RESNET, "00000000": {}})
    assert set(keep_sessions(whole, 1).loaded) == {loaded_key(RESNET), loaded_key(MOBILENET)}


def test_folders_fold_in_the_same_way_whoever_folds_them():
    modules = {"test_a.py": "1", "models/a.py": "2", "models/b/c.py": "3"}
    assert folded(modules, []) == modules
    once = folded(modules, ["models/"])
    assert set(once) == {"test_a.py", "models/"}
    assert folded(once, ["models/"]) == once
    assert folded({**modules, "models/a.py": "4"}, ["models/"]) != once


def typical(number):
    """What the process of a benchmark with a model of its own loads, in the sizes of a real one."""
    digests = random.Random(1)
    packages = ("numpy", "scipy", "onnxruntime", "python", "protobuf", "flatbuffers", "sympy", "mpmath", "coloredlogs")
    modules = ("conftest.py", "benchmarks/test_framework_comparison.py", *(f"benchmarks/nets/{n}.py" for n in range(6)))
    return {
        "modules": {name: f"{digests.getrandbits(32):08x}" for name in modules},
        "packages": {name: f"1.26.4 {digests.getrandbits(32):08x}" for name in packages},
        "libraries": {f"libsystem{n}.so.{n}": f"{digests.getrandbits(32):08x}" for n in range(16)},
        "model": {f"models/resnet{number}.onnx": f"{random.Random(number).getrandbits(32):08x}"},
    }


@pytest.mark.parametrize("of", ["measured", "baseline"])
def test_a_suite_of_some_benchmarks_with_a_model_each_takes_less_than_five_per_cent_more(of):
    plain = getattr(reports.default_suite(), of)
    records = {name: typical(number) for number, name in enumerate(plain.benchmarks)}
    keys = {name: loaded_key(record) for name, record in records.items()}
    benchmarks = {
        name: replace(benchmark, runs=tuple(replace(run, loaded=keys[name]) for run in benchmark.runs))
        for name, benchmark in plain.benchmarks.items()
    }
    whole = replace(plain, benchmarks=benchmarks, loaded={keys[name]: record for name, record in records.items()})
    assert len(to_json(plain)) < len(to_json(whole)) < 1.05 * len(to_json(plain))
