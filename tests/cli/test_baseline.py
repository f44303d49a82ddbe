from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_edgeperf import devices
from pytest_edgeperf.results import parse, profile_files, read, to_json, write
from pytest_edgeperf.results.baselines import set_anchor
from pytest_edgeperf.results.cost_profiles import CostProfile
from pytest_edgeperf.results.profile_files import AcceptedProfile

from .test_cli import run, run_with_stderr

A, B = "benchmarks/test_a.py::test_fast[fp32]", "benchmarks/test_a.py::test_slow[fp32]"
METRICS = {
    "latency": {"unit": "ms", "better": "lower"},
    "memory_process_peak": {"unit": "MiB", "better": "lower"},
}
OLD = {
    "fingerprint": {"device": "nano", "module": "p3448-0000", "power_mode": "MAXN"},
    "software": {"python": "3.8.10", "onnxruntime": "1.11.0"},
    "settings": {"clocks_pinned": True},
}
NEW = {**OLD, "fingerprint": {**OLD["fingerprint"], "power_mode": "5W"}}


def runs(milliseconds, count=10, *, day=20, environment="old", disturbed=0, **fields):
    return [
        {
            "environment": environment,
            "started": f"2026-11-{day}T12:{k:02d}:00Z",
            "session": f"session-{day}",
            "latency": {
                "n": 400,
                "p05": milliseconds * noise * 0.97,
                "p50": milliseconds * noise,
                "p95": milliseconds * noise * 1.05,
                "block_sd": {"p05": 0.004, "p50": 0.004, "p95": 0.01},
            },
            "memory_process_peak": 80.0,
            "quality": {"disturbed": k < disturbed},
            **fields,
        }
        for k, noise in zip(range(count), (1.0, 1.004, 0.997, 1.002, 0.999, 1.001, 0.998, 1.003, 1.0, 1.001))
    ]


def results(benchmarks, device="nano", **extra):
    return parse(
        {
            "format": "edgeperf-results",
            "version": 1,
            "device": device,
            "environments": {"old": OLD, "new": NEW},
            "benchmarks": {
                name: {"parameters": {}, "metrics": METRICS, "runs": made} for name, made in benchmarks.items()
            },
            **extra,
        }
    )


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory with a baseline of nano, on a machine that is a nano."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(devices, "resolve", lambda name, rootdir: SimpleNamespace(name="nano"))
    told = {"commit": "1a2b3c4", "reason": "first baseline"}
    write("baselines/nano.json", results({A: runs(12.2, **told), B: runs(131.0, **told)}))
    return tmp_path


def stored(device="nano"):
    return read(f"baselines/{device}.json")


def files():
    return {path.name: path.read_bytes() for path in Path("baselines").iterdir()}


def refused(*arguments):
    before = files()
    done = run_with_stderr("baseline", *arguments)
    assert done.exit_code == 4, done.output
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert files() == before
    return done.stderr


def told(*arguments):
    done = run("baseline", *arguments)
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.output
    assert all(len(line) <= 80 for line in done.output.splitlines())
    return " ".join(done.output.split())


def slower(baseline, factor):
    def change(one):
        latency = {**one.values["latency"], "p50": one.values["latency"]["p50"] * factor}
        return replace(one, values={**one.values, "latency": latency})

    changed = {name: replace(one, runs=tuple(map(change, one.runs))) for name, one in baseline.benchmarks.items()}
    return replace(baseline, benchmarks=changed)


# show


def test_show_of_this_machines_baseline():
    anchored = slower(set_anchor(stored(), [A]), 1.031)
    second = results({B: runs(131.0, 3, day=25, environment="new", reason="tuned", commit="77aa")})
    mixed = {**anchored.benchmarks}
    mixed[B] = replace(mixed[B], runs=mixed[B].runs + second.benchmarks[B].runs)
    write("baselines/nano.json", replace(anchored, benchmarks=mixed, environments=second.environments))
    lines = run("baseline", "show").output.splitlines()
    assert lines[:5] == [
        "baseline of nano: 2 benchmarks",
        "",
        "benchmarks/test_a.py",
        "                 runs  sessions  newest      median ms  peak MiB  vs anchor",
        "test_fast[fp32]    10         1  2026-11-20       12.6      80.0     +3.1 %",
    ]
    assert lines[5].split() == ["test_slow[fp32]", "13", "2", "2026-11-25", "135", "80.0", "-"]
    text = told("show", "nano", "--dir", "baselines")
    newest = "2026-11-25, commit 77aa: tuned (test_slow[fp32], 3 runs) "
    assert newest + "2026-11-20, commit 1a2b3c4: first baseline (all benchmarks, 10 runs each) " in text
    assert "environment old (20 runs): fingerprint: device nano, module p3448-0000, power_mode MAXN" in text
    assert "settings: clocks_pinned yes software: onnxruntime 1.11.0, python 3.8.10" in text
    assert "environment new (3 runs) differs: power_mode MAXN -> 5W" in text
    assert "single session (test_fast[fp32])" in text
    assert "fewer than" not in text


def test_show_warns_of_few_runs_and_of_a_single_session():
    write("baselines/nano.json", results({A: runs(12.2, 3), B: runs(131.0, 6, disturbed=2)}))
    text = told("show")
    assert "with fewer than 5 runs, most slowdowns go undetected: refresh all benchmarks" in text
    assert "runs of a single session (all benchmarks)" in text
    assert "record a second session on another day" in text
    assert "2026-11-20: no reason recorded (all benchmarks, 3 to 6 runs each)" in text


def test_show_lists_every_reason_the_newest_first_and_those_of_anchors():
    names = [f"benchmarks/test_a.py::test_{k}" for k in range(6)]
    first = {name: runs(12.2, 2, day=20, reason="first", commit="11") for name in names}
    days = {name: made + runs(12.2, 3, day=22, reason="tuned", commit="22") for name, made in first.items()}
    days[names[0]] = days[names[0]] + runs(12.2, 1, day=24, reason="again", commit="22")
    del days[names[5]]
    days[names[5]] = first[names[5]]
    both = results(days)
    write("baselines/nano.json", both)
    told("anchor", "nano", "test_1", "--reason", "a new start")
    lines = run("baseline", "show").output.splitlines()
    begin = next(position for position, line in enumerate(lines) if "again" in line)
    assert lines[begin : begin + 5] == [
        "2026-11-24, commit 22: again (test_0, 1 run)",
        "2026-11-22, commit 22: tuned (test_0, test_1, test_2 and 2 more, 3 runs each)",
        "2026-11-20, commit 11: first (all benchmarks, 2 runs each)",
        "anchor, 2026-11-22, commit 22: a new start (test_1, 3 runs)",
        "anchor, 2026-11-20, commit 11: a new start (test_1, 2 runs)",
    ]


@pytest.mark.parametrize(
    "reason", ["<script>alert(1)</script>\x1b[31m", "\u202eright to left\n|`new` line", "x" * 20_000]
)
def test_a_reason_is_text_whatever_it_holds(reason):
    write("baselines/nano.json", results({A: runs(12.2, reason=reason)}))
    done = run("baseline", "show")
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output
    assert len(done.output.splitlines()) < 25
    assert all(len(line) <= 80 for line in done.output.splitlines())


def test_show_of_a_baseline_that_is_not_there():
    assert "baselines/rpi4.json: there is no baseline of rpi4; make one" in refused("show", "rpi4")
    assert "is not a valid name of a baseline file" in refused("show", "../nano")
    Path("baselines/broken.json").write_text("{")
    assert "broken.json" in refused("show", "broken")


def test_show_of_an_empty_baseline():
    write("baselines/nano.json", results({}))
    assert told("show") == "baseline of nano: 0 benchmarks"


def test_an_anchor_that_is_none_is_said():
    document = json.loads(to_json(stored()))
    document["benchmarks"][A]["anchor"] = [{"environment": "old", "started": "x", "session": 1}]
    Path("baselines/nano.json").write_text(json.dumps(document))
    assert "anchor" in refused("show")


def test_a_machine_that_cannot_tell_what_it_is(monkeypatch):
    def resolve(name, rootdir):
        raise devices.DeviceMismatch("its device tree cannot be read")

    monkeypatch.setattr(devices, "resolve", resolve)
    assert refused("show") == "edgeperf: its device tree cannot be read\n"


# accept


def test_accept_replaces_what_was_measured_and_says_what_got_worse():
    write("new.json", results({A: runs(15.0, day=25, disturbed=1)}))
    text = told("accept", "new.json", "--reason", "JetPack 6.2")
    assert "accepted although worse than the earlier baseline: test_fast[fp32]: " in text
    assert "latency +2" in text
    assert "baseline updated for 1 benchmark" in text
    assert "test_fast[fp32]: 1 disturbed run excluded" in text
    assert "baseline kept for 1 benchmark (in the file, not measured now) test_slow[fp32]" in text
    assert {one.reason for one in stored().benchmarks[A].runs} == {"JetPack 6.2"}
    assert len(stored().benchmarks[A].runs) == 9
    assert {one.reason for one in stored().benchmarks[B].runs} == {"first baseline"}


def test_accept_says_what_has_crept_since_the_anchor():
    write("baselines/nano.json", set_anchor(stored(), [A]))
    write("new.json", slower(stored(), 1.05))
    text = told("accept", "new.json", "--reason", "another small step")
    assert "crept (1): slower than the anchor by more than 2 %" in text
    assert "test_fast[fp32]: latency +5.0 % since 2026-11-20" in text


def test_accept_makes_a_first_baseline():
    write("new.json", results({A: runs(15.0)}, device="rpi4"))
    assert "baseline created for 1 benchmark" in told("accept", "new.json", "--reason", "x", "--dir", "others")
    assert read("others/rpi4.json").benchmarks[A].runs[0].reason == "x"


def test_accept_adds_a_second_session():
    write("new.json", results({A: runs(12.3, day=25)}))
    for _ in range(2):
        assert "baseline updated" in told("accept", "new.json", "--reason", "second day", "--add")
        accepted = stored().benchmarks[A]
        assert [one.session for one in accepted.runs] == ["session-20"] * 10 + ["session-25"] * 10
        assert {one.reason for one in accepted.runs} == {"first baseline", "second day"}


def test_what_cannot_be_accepted_is_refused():
    assert "there is no such file" in refused("accept", "none.json", "--reason", "x")
    write("new.json", results({A: runs(15.0)}))
    assert "needs a reason" in refused("accept", "new.json", "--reason", " ")
    assert run("baseline", "accept", "new.json").exit_code == 2
    write("bad.json", results({A: runs(15.0, 3, disturbed=3)}))
    before = files()
    done = run("baseline", "accept", "bad.json", "--reason", "x")
    assert done.exit_code == 4
    assert "was not accepted: all 3 runs were disturbed" in " ".join(done.output.split())
    assert files() == before


# anchor


def test_anchor_of_all_and_then_of_one():
    text = told("anchor")
    assert "test_fast[fp32]: 10 runs of 2026-11-20 are its anchor" in text
    assert "test_slow" in text
    assert "in place of" not in text
    write("baselines/nano.json", slower(stored(), 1.05))
    text = told("anchor", "nano", "fast", "--reason", "a new start")
    assert "10 runs of 2026-11-20 are its anchor in place of 10 runs of 2026-11-20 (latency +5.0 % since then)" in text
    assert "test_slow" not in text
    for name, reason in ((A, "a new start"), (B, "first baseline")):
        kept = stored().benchmarks[name].anchor
        assert {one.reason for one in kept} == {reason}
    assert {one.reason for one in stored().benchmarks[A].runs} == {"first baseline"}


def test_a_refresh_leaves_the_anchor():
    told("anchor")
    write("new.json", results({A: runs(15.0, day=25)}))
    told("accept", "new.json", "--reason", "x")
    assert "+23.0 %" in told("show")


def test_the_first_argument_is_a_device_only_where_it_has_a_baseline():
    write("baselines/rpi4.json", results({A: runs(12.2)}, device="rpi4"))
    told("anchor", "rpi4")
    assert stored("rpi4").benchmarks[A].anchor
    assert not stored().benchmarks[A].anchor
    told("anchor", "slow")
    assert [bool(stored().benchmarks[name].anchor) for name in (A, B)] == [False, True]
    assert "no benchmark of nano's baseline has 'xavier' in its id" in refused("anchor", "xavier")
    assert "'x/\\x00'" in refused("anchor", "nano", "fast", "x/\0")


# prune


def test_prune_of_old_sessions():
    old = results({A: runs(12.2, 4, day=20) + runs(12.2, 5, day=25) + runs(12.2, 6, day=23), B: runs(131.0, 3, day=1)})
    write("baselines/nano.json", old)
    before = files()
    assert told("prune", "--keep-sessions", "2", "--dry-run") == (
        "would drop 4 of 15 runs of test_fast[fp32], 2 sessions kept"
    )
    assert files() == before
    assert "dropped 4 of 15 runs" in told("prune", "nano", "--keep-sessions", "2")
    assert {one.session for one in stored().benchmarks[A].runs} == {"session-25", "session-23"}
    assert len(stored().benchmarks[B].runs) == 3
    assert told("prune", "--keep-sessions", "2") == "nothing to drop"


def test_prune_of_benchmarks_that_are_no_more():
    write("new.json", results({A: runs(12.0, 1)}))
    before = files()
    assert "would drop test_slow[fp32] with 10 runs" in told("prune", "--missing-from", "new.json", "--dry-run")
    assert files() == before
    assert "dropped test_slow[fp32] with 10 runs" in told("prune", "--missing-from", "new.json")
    assert list(stored().benchmarks) == [A]
    assert set(stored().environments) == {"old"}


def test_a_prune_that_would_leave_nothing_is_refused():
    write("other.json", results({"elsewhere": runs(12.0, 1)}))
    assert "contain none of the benchmarks" in refused("prune", "--missing-from", "other.json")
    write("rpi4.json", results({A: runs(12.0, 1)}, device="rpi4"))
    assert "results of rpi4" in refused("prune", "--missing-from", "rpi4.json")
    for arguments in ((), ("--keep-sessions", "1", "--missing-from", "other.json"), ("--keep-sessions", "0")):
        assert run("baseline", "prune", *arguments).exit_code == 2


# refresh


@pytest.mark.parametrize(("variable", "option"), [(None, "--baseline=refresh"), ("1", "--edgeperf-baseline=refresh")])
def test_refresh_hands_its_arguments_to_pytest(monkeypatch, variable, option):
    monkeypatch.delenv("EDGEPERF_PREFIX_OPTIONS", raising=False)
    if variable:
        monkeypatch.setenv("EDGEPERF_PREFIX_OPTIONS", variable)
    called = []
    monkeypatch.setattr(os, "execv", lambda program, command: called.append((program, command)))
    run("baseline", "refresh", "benchmarks", "-k", "a or b", "--reason", "JetPack 6.2", "--device=nano", "-x")
    command = [sys.executable, "-m", "pytest", "benchmarks", "-k", "a or b", "--device=nano", "-x", option]
    assert called == [(sys.executable, [*command, "--edgeperf-reason=JetPack 6.2"])]
    assert run("baseline", "refresh", "benchmarks").exit_code == 2


def test_refresh_for_real(tmp_path, monkeypatch):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    # The machine that runs this test may be busy, and a refresh that accepts nothing fails.
    calm = "from pytest_edgeperf.schedule.machine import disturbance\n"
    calm += "disturbance.disturbed_by = lambda *figures, **pinned: []\n"
    (tmp_path / "conftest.py").write_text(calm)
    (tmp_path / "test_it.py").write_text(
        "def test_a(timed_inference):\n    timed_inference(sum, range(1000))\n\ndef test_b():\n    assert 0\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "EDGEPERF_"))}
    environment = {**kept, "EDGEPERF_CACHE_DIR": str(tmp_path / "cache"), "EDGEPERF_LOCK_DIR": str(tmp_path)}
    program = [sys.executable, "-c", "from pytest_edgeperf.cli import main; main()", "baseline", "refresh"]
    short = ["--edgeperf-budget=0.02", "--edgeperf-rounds=1", "--edgeperf-cpus=off", "--device=host"]
    command = [*program, "test_it.py", *short, "--reason", "a real one"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    passed = subprocess.run(
        [*command, "-k", "test_none"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert passed.returncode == 5, passed.stdout + passed.stderr


def test_rename_of_a_function_moves_all_its_parametrisations_in_every_baseline():
    nano = results({A: runs(10), A.replace("fp32", "fp16"): runs(8), B: runs(20)})
    write("baselines/nano.json", set_anchor(nano, [A]))
    write("baselines/rpi4.json", results({A: runs(50)}, device="rpi4"))
    before = stored()
    text = told("rename", "benchmarks/test_a.py::test_fast", "benchmarks/test_a.py::test_quick")
    assert text.count("renamed") == 3
    quick = A.replace("fast", "quick")
    after = stored()
    assert set(after.benchmarks) == {quick, quick.replace("fp32", "fp16"), B}
    assert after.benchmarks[quick] == before.benchmarks[A]
    assert len(after.benchmarks[quick].anchor) == 10
    assert list(stored("rpi4").benchmarks) == [quick]


def test_rename_of_one_id_of_a_file_and_without_writing():
    write("baselines/nano.json", results({A: runs(10), B: runs(20)}))
    before = files()
    assert "would rename" in told("rename", "--dry-run", A, "other.py::test_x[1]")
    assert files() == before
    told("rename", A, "other.py::test_x[1]")
    assert set(stored().benchmarks) == {"other.py::test_x[1]", B}
    told("rename", "--device=nano", "benchmarks", "suite")
    assert set(stored().benchmarks) == {"other.py::test_x[1]", B.replace("benchmarks", "suite")}


def test_rename_takes_the_kept_profile_with_it():
    write("baselines/nano.json", results({A: runs(10), B: runs(20)}))
    profile = AcceptedProfile(CostProfile(latency_ms=10.0), "s")
    profile_files.update("baselines", "nano", {A: profile, B: profile}, [A, B])
    told("rename", A, "other.py::test_x[1]")
    assert set(profile_files.load("baselines", "nano").benchmarks) == {"other.py::test_x[1]", B}


def test_a_rename_that_cannot_be_is_refused_with_suggestions():
    write("baselines/nano.json", results({A: runs(10), B: runs(20)}))
    before = files()
    text = refused("rename", "benchmarks/test_a.py::test_fats", "benchmarks/test_a.py::test_x")
    assert "did you mean benchmarks/test_a.py::test_fast" in text
    # A part of a name is no name.
    assert "has no benchmark" in refused("rename", "benchmarks/test_a.py::test_f", "benchmarks/test_a.py::test_x")
    assert "already has" in refused("rename", "benchmarks/test_a.py::test_fast", "benchmarks/test_a.py::test_slow")
    assert "must differ from the old one" in refused("rename", A, A)
    assert "rpi4" in refused("rename", "--device=rpi4", A, B)
    assert files() == before


def test_a_rename_to_the_values_of_another_benchmark_is_refused():
    pair = results({"a.py::old[size0]": runs(1), "a.py::new[small]": runs(1)})
    same = {name: replace(one, parameters={"size": [1]}) for name, one in pair.benchmarks.items()}
    write("baselines/nano.json", replace(pair, benchmarks=same))
    assert "already has a.py::new[small]" in refused("rename", "a.py::old", "a.py::new")
