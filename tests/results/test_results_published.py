from __future__ import annotations

import json

import pytest

import pytest_edgeperf
from pytest_edgeperf.judge import compare
from pytest_edgeperf.results import ResultsError, parse, refresh, to_json, write
from pytest_edgeperf.results.baselines import existing, load
from pytest_edgeperf.results.published import devices_with_figures, published_of, published_runs

from .conftest import ID

SOURCE = {"paper": "somebody-2020", "table": "3", "row": "Resnet18", "note": "batch of one"}


def publish(document, **source):
    """The document's runs as figures of a paper."""
    for run in document["benchmarks"][ID]["runs"]:
        run["source"] = {**SOURCE, **source}
    return document


def test_a_source_is_kept(document):
    results = parse(publish(document))
    assert [run.source for run in published_runs(results)] == [SOURCE] * 3
    assert parse(json.loads(to_json(results))) == results


def test_a_published_number_is_kept_as_printed_and_a_measured_one_is_rounded(document, only):
    only["runs"][0]["memory_process_peak"] = 1234.5678
    assert "1234.57" in to_json(parse(document))
    assert "1234.5678" in to_json(parse(publish(document)))


@pytest.mark.parametrize("source", [None, [], "suo-2021", {"paper": "a", "table": "1"}, {**SOURCE, "row": 3}])
def test_a_source_that_tells_too_little_is_refused(document, only, source):
    only["runs"][1]["source"] = source
    with pytest.raises(ResultsError, match=r'benchmarks\."test_a.py::test_b\[416\]"\.runs\[1\]'):
        parse(document, "own.json")


def test_published_figures_are_refused_as_a_baseline(tmp_path, document):
    write(tmp_path / "nano.json", parse(publish(document)))
    for read in (load, existing):
        with pytest.raises(ResultsError) as caught:
            read(tmp_path, "nano")
        assert str(tmp_path / "nano.json") in str(caught.value)
        assert "published figures (somebody-2020) are included, but they are for information only" in str(caught.value)


def test_published_figures_are_never_accepted(document):
    measured = parse(json.loads(json.dumps(document)))
    with pytest.raises(ResultsError, match="for information only"):
        refresh(measured, parse(publish(document)), "a reason")


def test_published_figures_are_not_compared(tmp_path, document):
    measured = parse(json.loads(json.dumps(document)))
    path = tmp_path / "nano.json"
    write(path, parse(publish(document)))
    for given in ((path, measured), (measured, path)):
        with pytest.raises(ResultsError, match="published figures"):
            pytest_edgeperf.compare(*given)


def test_the_judge_does_not_see_them(document, only):
    measured = parse(json.loads(json.dumps(document)))
    published = parse(publish(document))
    assert compare(published, measured).benchmarks[ID].verdict == "new"
    assert compare(measured, published).benchmarks[ID].verdict == "missing"
    del only["runs"][0]["source"]
    mixed = compare(parse(document), measured).benchmarks[ID]
    assert mixed.metrics["latency"].baseline_runs == 1


def test_figures_of_a_project_and_ours_are_found(tmp_path, document):
    write(tmp_path / "published" / "nano.json", parse(publish(document)))
    write(tmp_path / "published" / "rpi9.json", parse(publish(document)))
    (tmp_path / "published" / "tx2.json").write_text("{")
    own, ours, of_any_device = published_of("nano", tmp_path)[0]
    assert list(own.benchmarks) == [ID]
    assert any(name.startswith("trinh-2023") for name in ours.benchmarks)
    assert "hadidi-2019::networks[yolov3-224]" in of_any_device.benchmarks
    found, (wrong,) = published_of("rpi9", tmp_path)
    assert [results.device for results in found] == ["any"]
    assert wrong.endswith("its device is nano, not rpi9; rename the file")
    found, (broken,) = published_of("tx2", tmp_path)
    assert [results.device for results in found] == ["tx2", "any"]
    assert broken.startswith("published figures are not shown: ")
    assert "the JSON is broken" in broken
    assert [results.device for results in published_of("host", tmp_path)[0]] == ["any"]
    assert {"nano", "rpi9", "xavier-nx"} <= set(devices_with_figures(tmp_path))
    assert "any" not in devices_with_figures(tmp_path)
