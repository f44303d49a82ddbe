from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.results import Benchmark, Metric, Results, ResultsError, Run, parse, read, to_json, write

ID = "test_a.py::test_b[416]"

NAMES = st.text(min_size=1, max_size=4)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9)
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
EXTRA = st.dictionaries(NAMES.map("x-{}".format), PLAIN, max_size=2)
MEASURED = st.floats(-1e90, 1e90) | st.integers(-(10**9), 10**9)
SUMMARIES = st.fixed_dictionaries({"n": st.integers(1, 999), "p50": MEASURED, "block_sd": st.just({"p50": 0.1})})


@st.composite
def results(draw):
    environments = {key: {"software": draw(EXTRA)} for key in draw(st.sets(NAMES, min_size=1, max_size=2))}
    # Of an accuracy the answers would be needed, so that none has a margin here.
    metrics = {
        name: Metric("ms", "higher", draw(EXTRA), None, draw(st.booleans()), draw(st.sampled_from([None, "all", 0.5])))
        for name in draw(st.sets(NAMES.map("m-{}".format), max_size=2))
    }
    benchmarks = {}
    for name in draw(st.sets(NAMES, max_size=2)):
        runs = tuple(
            Run(
                draw(st.sampled_from(sorted(environments))),
                # Copies of a run are read once.
                f"{draw(NAMES)}/{number}",
                draw(NAMES),
                {metric: draw(MEASURED | SUMMARIES) for metric in metrics},
                boot=draw(st.none() | NAMES),
                quality=draw(st.none() | EXTRA),
                extra=draw(EXTRA),
            )
            for number in range(draw(st.integers(0, 2)))
        )
        benchmarks[name] = Benchmark(draw(EXTRA), metrics, runs, draw(EXTRA))
    return Results("nano", environments, benchmarks, draw(EXTRA))


@settings(suppress_health_check=list(HealthCheck))
@given(results())
def test_what_is_written_is_read_back(tmp_path, given_results):
    path = tmp_path / "r.json"
    write(path, given_results)
    back = read(path)
    assert to_json(back) == path.read_text(encoding="utf-8")
    assert parse(json.loads(to_json(back))) == back
    assert back.environments == given_results.environments
    assert back.extra == given_results.extra
    for name, benchmark in given_results.benchmarks.items():
        found = back.benchmarks[name]
        assert (found.parameters, found.metrics, found.extra) == (
            benchmark.parameters,
            benchmark.metrics,
            benchmark.extra,
        )
        for run, old in zip(found.runs, benchmark.runs):
            assert (run.boot, run.extra) == (old.boot, old.extra)
            for metric, value in old.values.items():
                if not isinstance(value, dict):
                    assert run.values[metric] == pytest.approx(value, rel=1e-5)


def test_the_text_has_one_run_per_line_sorted(document):
    text = to_json(parse(document))
    assert text.endswith("}\n")
    lines = text.splitlines()
    runs = [line for line in lines if '"started"' in line]
    assert len(runs) == 3
    assert json.loads(runs[0].strip().rstrip(","))["boot"] == "b1946ac9"
    assert runs[0].startswith('        {"boot": "b1946ac9", "commit"')
    assert '        "latency": {"better": "lower", "unit": "ms"},' in lines
    assert json.loads(text) == document


def test_a_new_run_is_one_line_of_the_diff(document, only):
    before = to_json(parse(document)).splitlines()
    only["runs"].insert(1, {**only["runs"][0], "started": "later"})
    after = to_json(parse(document)).splitlines()
    assert len(after) == len(before) + 1
    assert len(set(after) - set(before)) == 1


def test_the_order_of_fields_does_not_matter(document):
    turned = dict(reversed(list(document.items())))
    assert to_json(parse(turned)) == to_json(parse(document))


def test_measured_values_have_six_digits_and_the_rest_is_exact(document, only):
    run = only["runs"][0]
    run["latency"]["p50"] = 12.3456789
    run["memory_process_peak"] = 123456789
    run["epoch_s"] = 1763700000.125
    run["quality"]["cpu_share"] = 0.98765432
    only["parameters"]["threshold"] = 0.123456789
    back = json.loads(to_json(parse(document)))["benchmarks"][ID]
    assert back["runs"][0]["latency"]["p50"] == 12.3457
    assert back["runs"][0]["memory_process_peak"] == 123456789
    assert back["runs"][0]["quality"]["cpu_share"] == 0.987654
    assert back["runs"][0]["epoch_s"] == 1763700000.125
    assert back["parameters"]["threshold"] == 0.123456789


def test_unicode_is_readable_and_lone_surrogates_survive(document, tmp_path):
    document["benchmarks"]["tëst"] = document["benchmarks"].pop(ID)
    assert "tëst" in to_json(parse(document))
    document["later"] = "\ud800"
    write(tmp_path / "r.json", parse(document))
    assert read(tmp_path / "r.json").extra["later"] == "\ud800"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "12", object(), {"n": 0}])
def test_what_could_not_be_read_is_not_written(document, tmp_path, value):
    path = tmp_path / "r.json"
    good = parse(document)
    write(path, good)
    before = path.read_bytes()
    run = replace(good.benchmarks[ID].runs[0], values={"latency": value})
    bad = replace(good, benchmarks={ID: replace(good.benchmarks[ID], runs=(run,))})
    with pytest.raises(ResultsError, match=r"runs\[0\]\.latency.*nothing was written"):
        write(path, bad)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["r.json"]


def test_folders_are_made_and_permissions_follow_the_umask(document, tmp_path):
    path = tmp_path / "a/b/nano.json"
    old = os.umask(0o027)
    try:
        write(path, parse(document))
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o664)
    write(path, parse(document))
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


def test_a_symbolic_link_stays_one(document, tmp_path):
    (tmp_path / "store").mkdir()
    link = tmp_path / "nano.json"
    link.symlink_to("store/real.json")
    write(link, parse(document))
    write(link, parse(document))
    assert link.is_symlink()
    assert read(tmp_path / "store/real.json").device == "nano"
    assert os.listdir(tmp_path / "store") == ["real.json"]


def test_places_that_cannot_be_written_are_refused_with_a_remedy(document, tmp_path):
    (tmp_path / "file").write_text("x")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (tmp_path / "file/nano.json", tmp_path, "/proc/edgeperf.json", "/dev/null", loop, "a\0b"):
        with pytest.raises(ResultsError, match="cannot be written") as caught:
            write(path, parse(document))
        assert "; " in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["file", "loop"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_no_other(document, tmp_path, monkeypatch, broken):
    path = tmp_path / "nano.json"
    write(path, parse(document))
    before = path.read_bytes()

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, fail)
    document["device"] = "other"
    with pytest.raises(ResultsError, match=r"No space left on device.*free some space"):
        write(path, parse(document))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["nano.json"]


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_kill_in_the_middle_leaves_the_old_file(document, tmp_path, moment):
    path = tmp_path / "nano.json"
    write(path, parse(document))
    before = path.read_bytes()
    code = (
        "import os, signal, sys\n"
        "from dataclasses import replace\n"
        "from pytest_edgeperf.results import read, write\n"
        f"os.{moment} = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write(sys.argv[1], replace(read(sys.argv[1]), device='other'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert read(path).device == "nano"
    write(path, replace(read(path), device="later"))
    assert read(path).device == "later"
