"""A worker seen from its coordinator, on a stand-in that says what it is given to say."""

from __future__ import annotations

import io
import sys
import time
from functools import partial
from types import SimpleNamespace

import pytest

from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.measure.protocol import ExitCalled
from pytest_edgeperf.measure.wire import from_message
from pytest_edgeperf.report import progress
from pytest_edgeperf.results.cost_profiles import CostProfile
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.worker import process, starting
from pytest_edgeperf.schedule.worker.process import Worker
from pytest_edgeperf.schedule.worker.stops import Windows

from ..faults.processes import alive
from .test_acceptance import PROFILE, REPORT, RUN

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="stops are told by Linux")

STAND_IN = """
import json, os, signal, socket, sys, time

connection = socket.socket(fileno=int(sys.argv[1]))
lines = connection.makefile("rb")

def hear():
    return json.loads(lines.readline())

def say(event, **rest):
    connection.sendall(json.dumps({"event": event, **rest}).encode() + b"\\n")

def report(when, **rest):
    say("report", report={**specification["report"], "when": when, **rest})

def stop_for(seconds):
    if os.fork():
        os.kill(os.getpid(), signal.SIGSTOP)
        os.wait()
    else:
        time.sleep(seconds)
        os.kill(os.getppid(), signal.SIGCONT)
        os._exit(0)

specification = hear()
exec(specification["does"])
"""
TIMED = "say('ready'); hear(); say('block'); hear()"
WHOLE = "\nreport('setup'); report('call'); report('teardown'); say('exit', status=0)"


@pytest.fixture
def start(tmp_path, monkeypatch):
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    monkeypatch.setattr(process, "MOST_UNASKED", 100)
    monkeypatch.setattr(starting, "launcher", SimpleNamespace(__file__=str(script)))

    def start(does, timeout_s=60.0, waiting=None):
        specification = SimpleNamespace(to_message=lambda: {"does": does, "report": REPORT, "measurement": RUN})
        return Worker(specification, threads=1, show_output=False, timeout_s=timeout_s, waiting=waiting)

    return start


def delivery_of(start, does, timeout_s=60.0):
    with start(does, timeout_s) as worker:
        if worker.prepare():
            worker.time_block(0.1)
        delivery = worker.finish()
    assert not alive(worker.pid)
    return delivery


BUSY = "say('busy', what='training a network'); time.sleep(0.2); say('busy', what='')"
SLOW = f"""
time.sleep(0.2); {BUSY}; time.sleep(0.2)
say('ready'); hear()
time.sleep(0.3); {BUSY}; time.sleep(0.3)
say('block'); hear()
time.sleep(0.3)
say('sustained', calls=9, seconds=0.3); hear()
time.sleep(0.2); {BUSY}"""


def test_nothing_is_written_while_a_block_is_timed_or_sensors_are_read(start, monkeypatch):
    monkeypatch.setattr(process, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(progress, "FIRST_DRAWN_SECONDS", 0.0)
    monkeypatch.setattr(progress, "DRAWN_SECONDS", 0.0)
    monkeypatch.setattr(progress, "is_live", lambda stream: True)
    written, phases = io.StringIO(), {}
    line = progress.Progress(written, 1, width=100)

    def after(phase, outcome):
        phases[phase] = written.getvalue()
        written.seek(0)
        written.truncate()
        return outcome

    with start(SLOW + WHOLE, waiting=partial(line.busy, "test_a.py::test_a")) as worker:
        assert after("preparing", worker.prepare())
        assert after("timing", worker.time_block(0.6))
        assert after("reading sensors", worker.sustain(0.3)) == 9
        assert after("finishing", worker.finish()).fault is None
    assert phases["timing"] == phases["reading sensors"] == ""
    for phase, usual in (("preparing", "loading, checking and warming up"), ("finishing", "finishing the test")):
        assert usual in phases[phase]
        assert "training a network, 0 s  test_a" in phases[phase]


@pytest.mark.parametrize(
    ("longrepr", "said"),
    [
        ({"reprcrash": {"message": "FileNotFoundError: mlp.onnx\nmore"}}, "FileNotFoundError: mlp.onnx"),
        ({"reprcrash": None}, "{'reprcrash': None}"),
        ("file a.py, line 1\nfixture 'x' not found", "file a.py, line 1"),
        (None, "it does not say why"),
    ],
)
def test_what_failed_first_is_told_in_a_line(longrepr, said):
    passed, failed = {"outcome": "passed", "when": "setup"}, {"outcome": "failed", "when": "call", "longrepr": longrepr}
    delivery = Delivery(reports=[passed, failed, {**failed, "longrepr": "later"}])
    assert delivery.crash == said
    assert delivery.failed_phase == "body"


def test_a_worker_that_keeps_to_the_protocol_delivers_its_run(start):
    delivery = delivery_of(start, f"{TIMED}; say('run', measurement=specification['measurement'])" + WHOLE)
    assert delivery.fault is None
    assert delivery.run == from_message(Measurement, RUN, "run")
    assert [report["when"] for report in delivery.reports] == ["setup", "call", "teardown"]


@pytest.mark.parametrize(
    ("does", "fault"),
    [
        ("connection.sendall(b'[W] tactic cache is full\\n'); time.sleep(60)", "tactic cache is full"),
        ('connection.sendall(b\'{"event": "rea\'); os._exit(3)', "ended with exit status 3"),
        ("say('block'); time.sleep(60)", "block, but ready was expected"),
        ("say('report', report={}); time.sleep(60)", "sent invalid data: report"),
        ("say('ready'); hear(); say('run', measurement={})", "measurement has no values"),
        ("[report('setup') for _ in range(101)]; time.sleep(60)", "more than 100 messages"),
        ("say('exit', status=2)", "without a report of its setup"),
        ("report('setup'); say('exit', status=0)", "without a report of its call"),
        (
            "say('interrupted', text='test_a.py:5: KeyboardInterrupt'); say('exit', status=2)",
            "interrupted in its worker",
        ),
        ("say('exit_called', reason='no board', code=3); say('exit', status=3)", "pytest.exit was called"),
    ],
)
def test_a_worker_that_does_not_fails_its_benchmark_and_is_gone(start, does, fault):
    delivery = delivery_of(start, does)
    assert fault in delivery.fault
    assert delivery.failed
    assert delivery.run is None


def profiled(start, does, timeout_s=60.0):
    with start(does, timeout_s) as worker:
        answered = worker.profile()
        delivery = worker.finish()
    assert not alive(worker.pid)
    return answered, delivery


def test_a_worker_that_profiles_is_commanded_nothing(start):
    answered, delivery = profiled(start, f"say('profiled', profile={PROFILE!r})" + WHOLE)
    assert answered
    assert delivery.profile == CostProfile.from_dict(PROFILE)
    assert (delivery.fault, delivery.run) == (None, None)


@pytest.mark.parametrize(
    ("does", "fault", "timeout_s"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed with SIGSEGV", 60.0),
        ("say('ready')", "ready, but profiled was expected", 60.0),
        ("say('profiled', profile=[])", "profiled has profile []", 60.0),
        ("time.sleep(60)", "hung: not finished after 0.5 s", 0.5),
    ],
)
def test_a_worker_that_should_profile_and_does_not_has_a_fault(start, does, fault, timeout_s):
    answered, delivery = profiled(start, does, timeout_s)
    assert not answered
    assert delivery.profile is None
    assert fault in delivery.fault


def test_a_worker_that_ends_without_a_profile_has_none(start):
    answered, delivery = profiled(start, WHOLE)
    assert not answered
    assert (delivery.profile, delivery.fault) == (None, None)


def test_a_run_that_no_file_may_hold_is_a_fault_of_its_benchmark(start):
    run = {**RUN, "values": {"latency": "fast"}}
    delivery = delivery_of(start, f"{TIMED}; say('run', measurement={run!r})" + WHOLE)
    assert "its run cannot be stored" in delivery.fault
    assert delivery.run is None


def test_a_test_that_calls_pytest_exit_says_with_which_code(start):
    delivery = delivery_of(start, "say('exit_called', reason='no board', code=3); say('exit', status=3)")
    assert delivery.exit == ExitCalled("no board", 3)


def test_a_side_that_did_not_come_to_its_collection_has_not_collected_nothing(start):
    with start("say('exit', status=2)") as worker:
        assert "before it had collected" in worker.collect().fault
    with start("say('collect_error', text='no module x'); say('exit', status=2)") as worker:
        assert "no module x" in worker.collect().fault
    with start("say('collected', all=['a'], marked=[], parameters={}); say('exit', status=0)") as worker:
        assert worker.collect().fault is None


def test_a_silent_worker_hangs_when_its_time_is_over(start):
    delivery = delivery_of(start, "time.sleep(60)", timeout_s=0.3)
    assert delivery.fault.startswith("hung: not finished after 0.3 s")


def test_what_waits_is_read_and_only_time_in_which_the_coordinator_ran_counts(start, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with start("time.sleep(60)", timeout_s=6.0) as worker:
        answers = [None, None, {"event": "ready"}]

        def receive(timeout_s):
            # The first wait takes ten minutes instead of half a second.
            now[0] += 600.0 if len(answers) == 3 else timeout_s
            return answers.pop(0)

        monkeypatch.setattr(worker.channel, "receive", receive)
        assert worker.prepare()
        assert worker.delivery.fault is None
        assert worker.stops() == [(100.5, 700.0)]


def test_a_worker_that_is_stopped_in_its_block_is_seen_to_be(start):
    does = "say('ready'); hear(); stop_for(0.3); say('block'); hear()" + WHOLE
    windows = Windows()
    with start(does) as worker:
        assert worker.prepare()
        with windows:
            assert worker.time_block(0.1)
        delivery = worker.finish()
    assert delivery.fault is None
    assert 0.2 < windows.stopped_s(worker.stops()) < 60


def test_a_stop_outside_the_blocks_disturbs_nothing(start):
    windows = Windows()
    with start("stop_for(0.2); say('ready'); hear(); say('block'); hear(); stop_for(0.2)" + WHOLE) as worker:
        assert worker.prepare()
        time.sleep(0.1)
        with windows:
            assert worker.time_block(0.1)
        worker.finish()
    assert len(worker.stops()) == 2
    assert windows.stopped_s(worker.stops()) == pytest.approx(0, abs=0.01)
