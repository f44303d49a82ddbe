from __future__ import annotations

import json
import os

import pytest

from pytest_edgeperf.results import ResultsError
from pytest_edgeperf.results.baselines import devices
from pytest_edgeperf.results.cost_profiles import CostList, CostProfile, FunctionTimes, OperatorTimes
from pytest_edgeperf.results.profile_files import (
    MOST_BYTES,
    AcceptedProfile,
    AcceptedProfiles,
    load,
    parse,
    path_for,
    to_json,
    update,
)


def accepted(count=3, session="20260101T000000Z-0000", **changes):
    """The profile of a network of so many operators, no two of which cost the same."""
    operators = [
        OperatorTimes(f"/model.{at}/conv", "Conv", (1.0 + at, 1.1 + at), (f"out.{at}",), "CPU", at)
        for at in range(count)
    ]
    functions = [FunctionTimes(f"prepare_{at}", "images.py", at, (0.5,), (0.75,)) for at in range(count)]
    profile = CostProfile(CostList(tuple(operators), "fake"), CostList(tuple(functions), "cProfile"), 12.5)
    return AcceptedProfile(profile, session, **changes)


def test_profiles_lie_beside_the_baseline_and_are_no_baseline(tmp_path):
    path = update(tmp_path, "nano", {"test_a.py::test_b": accepted(commit="1a2b3c4")}, ["test_a.py::test_b"])
    assert path == tmp_path / "profiles" / "nano.json" == path_for(tmp_path, "nano")
    assert devices(tmp_path) == []
    assert load(tmp_path, "nano") == AcceptedProfiles("nano", {"test_a.py::test_b": accepted(commit="1a2b3c4")})


def test_without_a_file_there_are_none(tmp_path):
    assert load(tmp_path, "nano") is None


def test_a_benchmark_is_a_line_and_the_lines_are_sorted():
    lines = to_json(AcceptedProfiles("nano", {"b": accepted(), "a": accepted()})).splitlines()
    assert [line.strip()[:4] for line in lines if line.startswith("    ")] == ['"a":', '"b":']


@pytest.mark.parametrize("name", ["test_a.py::test_b", "test_é.py::test_b[" + "x" * 400 + "]"])
@pytest.mark.parametrize("count", [1, 40, 2000])
def test_a_benchmark_takes_less_than_4_kib(name, count):
    text = to_json(AcceptedProfiles("nano", {name: accepted(count)}))
    assert all(len(line.encode()) <= MOST_BYTES for line in text.splitlines())
    profile = parse(json.loads(text), "it").benchmarks[name].profile
    assert len(profile.operators.listed) + profile.operators.others == count
    assert profile.operators.listed


def test_the_file_grows_linearly():
    sizes = [
        len(to_json(AcceptedProfiles("nano", {f"test_{at:03}": accepted(200) for at in range(count)})))
        for count in (10, 20, 40)
    ]
    assert sizes[2] - sizes[1] == pytest.approx(2 * (sizes[1] - sizes[0]), rel=0.01)


def test_other_benchmarks_keep_their_profiles_and_dropped_ones_lose_them(tmp_path):
    update(tmp_path, "nano", {"a": accepted(), "b": accepted(), "c": accepted()}, ["a", "b", "c"])
    update(tmp_path, "nano", {"b": accepted(session="later")}, ["a", "b"])
    assert load(tmp_path, "nano").benchmarks == {"a": accepted(), "b": accepted(session="later")}


def test_benchmarks_that_have_other_labels_now_keep_their_profiles(tmp_path):
    update(tmp_path, "nano", {"t[0]": accepted(1), "t[1]": accepted(2), "u": accepted(3)}, ["t[0]", "t[1]", "u"])
    update(tmp_path, "nano", {}, ["t[0]", "t[1]", "v"], {"t[0]": "t[1]", "t[1]": "t[0]", "u": "v"})
    assert load(tmp_path, "nano").benchmarks == {"t[1]": accepted(1), "t[0]": accepted(2), "v": accepted(3)}


def test_a_name_that_has_no_utf8_is_escaped(tmp_path):
    update(tmp_path, "nano", {"\ud800": accepted()}, ["\ud800"])
    assert list(load(tmp_path, "nano").benchmarks) == ["\ud800"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("[]", "this is a list"),
        ('{"format": "edgeperf-results"}', "move it away"),
        ('{"format": "edgeperf-profiles", "version": 2}', "upgrade"),
        ('{"format": "edgeperf-profiles"}', "version: not version 1"),
        ('{"format": "edgeperf-profiles", "version": 1, "device": 3}', "device: not the name"),
        ('{"format": "edgeperf-profiles", "version": 1, "device": "nano"}', "benchmarks: null instead"),
        (
            '{"format": "edgeperf-profiles", "version": 1, "device": "nano", "benchmarks": {"a": {}}}',
            "benchmarks.a.session: not the id",
        ),
        (
            '{"format": "edgeperf-profiles", "version": 1, "device": "nano", "benchmarks": {"a": {"operators": 1}}}',
            "benchmarks.a.operators: a number instead of an object",
        ),
        ('{"format": "edgeperf-profiles", "version": 1, "device": "rpi4", "benchmarks": {}}', "of rpi4, not of nano"),
        ("<<<<<<< ours\n", "merge conflict"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_place_and_the_remedy(tmp_path, text, words):
    path = path_for(tmp_path, "nano")
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ResultsError) as raised:
        load(tmp_path, "nano")
    assert str(raised.value).startswith(f"{path}: ")
    assert words in str(raised.value)


def test_a_file_that_cannot_be_read_is_not_replaced(tmp_path):
    path = path_for(tmp_path, "nano")
    path.parent.mkdir()
    path.write_text("[]")
    with pytest.raises(ResultsError, match="move it away"):
        update(tmp_path, "nano", {"a": accepted()}, ["a"])
    assert path.read_text() == "[]"


def test_a_fifo_is_not_read(tmp_path):
    path = path_for(tmp_path, "nano")
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(ResultsError, match="a FIFO"):
        load(tmp_path, "nano")
