"""Workers that a command starts: how they are reached, what may go wrong, and how they end."""

from __future__ import annotations

import shutil
import sys
import time
from types import SimpleNamespace

import pytest

from pytest_edgeperf.schedule.worker import keeper
from pytest_edgeperf.schedule.worker.process import Worker
from pytest_edgeperf.schedule.worker.starting import CommandStart

from ..fakes.container_engine import Engine
from ..faults.processes import alive
from .test_acceptance import REPORT, RUN
from .test_process import TIMED, WHOLE

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are kept by Linux's means")

#: A launcher that says what it is given to say.
STAND_IN = """
import json, os, signal, sys, time

output = os.fdopen(os.dup(1), "wb", buffering=0)
os.dup2(2, 1)

def hear():
    line = sys.stdin.readline()
    if not line:
        os._exit(9)
    return json.loads(line)

def say(event, **rest):
    output.write(json.dumps({"event": event, **rest}).encode() + b"\\n")

def report(when, **rest):
    say("report", report={**specification["report"], "when": when, **rest})

output.write(b"\\n")
say("started")
specification = hear()
exec(specification["does"])
"""
#: Prints before it becomes what it is given.
BANNER = """#!/bin/sh
echo '{"event": "ready"}'
printf '== PyTorch ==  no end of line'
echo on standard error >&2
exec "$@"
"""


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    (folder / "measure").mkdir(parents=True)
    (folder / "measure" / "launcher.py").write_text(STAND_IN)
    (folder / "schedule" / "worker").mkdir(parents=True)
    shutil.copy(keeper.__file__, folder / "schedule" / "worker" / "keeper.py")
    return str(folder)


@pytest.fixture
def start(package):
    def start(command, does="pass", timeout_s=60.0):
        specification = SimpleNamespace(
            settings={}, to_message=lambda: {"does": does, "report": REPORT, "measurement": RUN}
        )
        starter = CommandStart(" ".join(command), lambda name: [*command, sys.executable], package)
        # What the real one gets is replaced in a dataclass, which this is not.
        object.__setattr__(starter, "adapted", lambda specification, variables: specification)
        return Worker(specification, threads=1, show_output=False, timeout_s=timeout_s, starter=starter)

    return start


def delivery_of(worker):
    with worker:
        if worker.prepare():
            worker.time_block(0.1)
        return worker.finish()


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


DELIVERS = f"{TIMED}; say('run', measurement=specification['measurement'])" + WHOLE


@pytest.mark.parametrize("command", [["env"], ["nice", "-n", "1"], ["sh", "-c", 'exec "$0" "$@"']])
def test_what_a_command_starts_delivers_its_run(start, command):
    delivery = delivery_of(start(command, DELIVERS))
    assert delivery.fault is None, delivery.output
    assert delivery.run is not None
    assert len(delivery.reports) == 3


def test_what_the_command_prints_first_is_no_message_and_is_kept(start, tmp_path):
    command = [script(tmp_path / "banner", BANNER)]
    assert delivery_of(start(command, DELIVERS)).fault is None
    delivery = delivery_of(start(command, "print('last words', flush=True); os._exit(3)"))
    assert delivery.fault == "its process ended with exit status 3 in the middle of the benchmark"
    for text in ("== PyTorch ==  no end of line\n", "on standard error\n", "last words\n"):
        assert text in delivery.output


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (
            ["sh", "-c", "echo starting; echo no such image >&2; exit 125"],
            "--against-command ended with exit status 125 before its worker began: starting; no such image",
        ),
        (["true"], "--against-command ended with exit status 0 before its worker began"),
        (
            ["sh", "-c", "exec sleep 60"],
            "--against-command did not start its worker within 1 s, so it was killed; --edgeperf-timeout raises",
        ),
        (
            ["sh", "-c", "exec yes"],
            "--against-command did not start its worker, but sent invalid data: more than 1 MiB",
        ),
        (["sh", "-c", "exec cat /dev/zero"], "did not start its worker, but sent invalid data: more than 1 MiB"),
        (["sh", "-c", "exec >&-; exit 4"], "ended with exit status 4 before its worker began"),
    ],
)
def test_a_command_that_starts_no_worker_is_a_fault_with_its_reason(start, command, fault):
    delivery = delivery_of(start(command, timeout_s=1.0 if "sleep" in command[-1] else 60.0))
    assert fault in delivery.fault
    assert delivery.run is None


@pytest.mark.parametrize(
    ("does", "fault"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed with SIGSEGV"),
        ("os._exit(3)", "its process ended with exit status 3"),
    ],
)
def test_how_a_worker_ended_passes_through_a_command_that_waits_for_it(start, does, fault):
    assert delivery_of(start(["sh", "-c", '"$0" "$@"; exit $?'], does)).fault.startswith(fault)


def test_what_an_engine_keeps_delivers_and_ends_with_its_connection(start, tmp_path):
    with Engine(tmp_path) as engine:
        assert delivery_of(start(engine.command.split(), DELIVERS)).fault is None
        child = tmp_path / "child"
        forks = f"open({str(child)!r}, 'w').write(str(os.getpid())); say('ready'); time.sleep(60)"
        with start(engine.command.split(), forks) as worker:
            assert worker.prepare()
            inside, far = int(child.read_text()), engine.started[-1].pid
            assert alive(inside)
        deadline = time.monotonic() + 5
        while (alive(inside) or alive(far)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not alive(inside)
        assert not alive(far)


def test_an_interrupted_start_leaves_nothing(start, monkeypatch):
    kept = []

    def interrupted(self, awaited):
        kept.append(self._process.keeper_pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "_until", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start(["sh", "-c", "exec sleep 60"])
    assert not alive(kept[0])
