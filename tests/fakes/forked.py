"""A plugin for sessions: workers are forked from the coordinator instead of started, which takes a quarter of the time.

For tests of what a session decides. A forked worker is no fresh process: modules are there already, and nothing sees to
what it starts. What workers are is tested without it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import socket
import subprocess
import sys
import time
import traceback

from pytest_edgeperf.measure import channel, launcher, protocol, worker
from pytest_edgeperf.schedule.worker import keeper, process

PR_SET_PDEATHSIG = 1
LOOK_S = 0.002


class Forked:
    """As :class:`pytest_edgeperf.schedule.worker.kept.Kept`, of workers."""

    def __init__(self, words, *, pass_fds, env, stdout, **streams):
        descriptor = int(words[words.index(launcher.__file__) + 1])
        self._status = None
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            be_worker(descriptor, env, stdout)

    @property
    def keeper_pid(self):
        return self.pid

    def poll(self):
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return self._status

    def wait(self, timeout_s):
        deadline = time.monotonic() + timeout_s
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("worker", timeout_s)
            time.sleep(LOOK_S)
        return self._status

    def kill(self):
        while self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            time.sleep(LOOK_S)

    def stops(self):
        return []


def be_worker(descriptor, variables, output):
    """What the launcher does, in a process that has everything loaded. Does not return."""
    status = 1
    try:
        os.setsid()
        keeper.set_option(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        # What the coordinator holds is not looked through each time that the garbage is collected.
        gc.freeze()
        if output is not None:
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        os.environ.clear()
        os.environ.update(variables)
        random.seed()
        calm = sys.modules["calm"]
        calm.process_factor = random.gauss(1, 0.005)
        session = channel.Channel(socket.socket(fileno=os.dup(descriptor)))
        specification = protocol.Specification.from_message(session.receive())
        # Not pinned: the workers of all sessions that run beside one another would share a core.
        sys.path[:] = specification.sys_path
        sys.argv[:] = [specification.program]
        worker.run(session, specification)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


process.Kept = Forked
