from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from filelock import FileLock

from pytest_edgeperf import results

from ..fakes import session_server
from ..sessions import PLUGIN_ALONE, folder_of_all_processes
from .duets import turn_into_repository

#: The machine that runs these tests may be busy or slow down at any moment: time by the processor's clock, on which
#: work takes what it says, and take no run for disturbed. Plain Python code needs no long warm-up.
CALM = """
import os
import random
import sys
import time
from pytest_edgeperf.measure import loop, warmup

spent_ns = 0
process_factor = random.gauss(1, 0.005)

def spend(duration_ns):
    global spent_ns
    spent_ns += round(duration_ns * process_factor * random.gauss(1, 0.005))

def clock_ns():
    return time.thread_time_ns() + spent_ns

def clock_s():
    return clock_ns() / 1e9

loop.perf_counter_ns = clock_ns
warmup.warm_up.__kwdefaults__["shortest_s"] = 0.03
warmup.WINDOW_SECONDS = 0.01
is_worker = getattr(sys.modules["__main__"], "__file__", "").endswith("launcher.py")
if is_worker and hasattr(os, "sched_setaffinity"):
    # The workers of all sessions that run beside one another would share a core.
    os.sched_setaffinity(0, range(os.cpu_count()))
if not is_worker:
    from pytest_edgeperf.schedule import state
    from pytest_edgeperf.schedule.machine import disturbance

    state.Clock.sleep = lambda self, seconds: None
    disturbance.disturbed_by = lambda *figures, **pinned: []
"""
#: Work of 100 ns a step, which is real where the clock is or where it must be, and a line in a file for each process
#: that does it.
WORK = """
import os
import pathlib
import sys
import pytest

def work(steps):
    spend = getattr(sys.modules.get("calm"), "spend", None)
    if spend is None:
        return real_work(steps)
    spend(100 * steps)
    return 0

def real_work(steps):
    total = 0
    for step in range(int(steps)):
        total += step * step
    return total

def ran(name):
    with open(pathlib.Path(__file__).with_name("ran.txt"), "a") as file:
        file.write(f"{name} {os.getpid()}\\n")
"""
ACCEPTED = """
FACTORS = {"changing": float(os.environ.get("CHANGING", "1")), "tolerant": float(os.environ.get("TOLERANT", "1"))}

def test_steady(timed_inference):
    timed_inference(work, 10000)

def test_changing(timed_inference):
    timed_inference(work, 10000 * FACTORS["changing"])

@pytest.mark.timed_inference(tolerance=0.9)
def test_tolerant(timed_inference):
    timed_inference(work, 10000 * FACTORS["tolerant"])

def test_ordinary():
    pass
"""
SHORT = ("--edgeperf-budget=0.02", "--edgeperf-rounds=1", "--edgeperf-max-rounds=1")
REFRESH = ("--baseline=refresh", "--edgeperf-reason=first")
FORKED = Path(__file__).parents[1] / "fakes" / "forked.py"


#: Of whole sessions these are run on the oldest Python too: what a board has, its files, kills, interrupts, a slowdown.
ON_EVERY_PYTHON = (
    "test_sessions.py",
    "test_devices.py",
    "test_in_process.py",
    "test_interruptions.py",
    "test_slowdown.py",
)
#: Of these, sessions themselves are the subject too: they are started, and not forked from a process that serves them.
FRESH_SESSIONS = (
    "test_in_process.py",
    "test_interruptions.py",
    "test_neighbouring_fixtures.py",
    "test_other_plugins.py",
)
#: Of these, workers themselves are the subject: they are started, and not forked from the session.
FRESH_WORKERS = (
    "test_against.py",
    "test_against_other_code.py",
    "test_builds.py",
    "test_memory.py",
    "test_sessions.py",
    "test_workers_see_the_session.py",
    "test_wrapped_fixtures.py",
    *FRESH_SESSIONS,
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name == "plugin" and item.path.name not in ON_EVERY_PYTHON:
            item.add_marker("newest")


def own_plugins(folder, forked=True):
    """Write the plugins of tested sessions into a folder on their search path; the options that load them."""
    (folder / "calm.py").write_text(CALM, encoding="utf-8")
    if not forked:
        return ("-p", "calm")
    shutil.copyfile(str(FORKED), str(folder / "forked.py"))
    return ("-p", "calm", "-p", "forked")


class Project:
    """A folder with a suite, and real pytest sessions in it.

    ``forked``: their workers are forked from them; ``served``: they are forked themselves, from a process that has
    what they import.
    """

    def __init__(self, path, environment, forked=False, served=False):
        self.path = path
        self.environment = environment
        self.forked = forked
        self.served = served
        self.plugins = own_plugins(path, forked)

    def load_all_plugins(self):
        """Have sessions load whatever is installed, as a user's do."""
        del self.environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        self.environment["PYTEST_ADDOPTS"] = "-p no:randomly"

    def in_coordinator(self, code):
        """Have sessions, and not their workers, run some code at their start."""
        # The file ends in what only the coordinator does.
        with open(str(self.path / "calm.py"), "a") as file:
            file.write(textwrap.indent(code, "    "))

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def suite(self, text, name="test_it.py"):
        return self.write(name, WORK + text)

    def start(self, *arguments, short=True, env=(), **keywords):
        command = [sys.executable, "-m", "pytest", *self._arguments(arguments, short)]
        environment = {**self.environment, **dict(env)}
        keywords = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, **keywords}
        return subprocess.Popen(
            command, cwd=str(self.path), env=environment, universal_newlines=True, encoding="utf-8", **keywords
        )

    def _arguments(self, given, short):
        return [*self.plugins, *(SHORT if short else ()), *map(str, given)]

    def _is_served(self):
        """Whether a session may be forked from a process that has what it imports, and no other plugin."""
        traced = any(name.startswith("COV") for name in self.environment)
        return self.served and not traced and "PYTEST_DISABLE_PLUGIN_AUTOLOAD" in self.environment

    def run(self, *arguments, short=True, env=(), typed=None):
        if self._is_served():
            environment = {**self.environment, **dict(env)}
            return Outcome(*session_server.run(self._arguments(arguments, short), str(self.path), environment, typed))
        with self.start(
            *arguments, short=short, env=env, stdin=subprocess.DEVNULL if typed is None else subprocess.PIPE
        ) as process:
            output, _ = process.communicate(typed, timeout=240)
        return Outcome(process.returncode, output)

    def ran(self):
        """Names of the bodies that ran, in order, with their process ids."""
        path = self.path / "ran.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(name, int(pid)) for name, pid in (line.rsplit(" ", 1) for line in lines)]

    def ran_names(self):
        return [name for name, _ in self.ran()]

    @property
    def baseline_path(self):
        return self.path / "baselines" / "host.json"

    def baseline(self):
        return results.read(self.baseline_path)

    def testcases(self, name="junit.xml"):
        """JUnit testcases by name."""
        return {case.get("name"): case for case in ElementTree.parse(str(self.path / name)).iter("testcase")}

    def verdicts(self, name="junit.xml"):
        verdicts = {}
        for case, element in self.testcases(name).items():
            verdicts[case] = properties_of(element).get("edgeperf.verdict")
        return verdicts

    def copy(self, path):
        shutil.copytree(str(self.path), str(path))
        return Project(path, {**self.environment, **places_of(path)}, self.forked, self.served)


class Outcome:
    """The exit code and all output of a session."""

    def __init__(self, code, output):
        self.code = code
        self.output = output

    def __contains__(self, text):
        # The report is wrapped to the terminal's width.
        return " ".join(text.split()) in " ".join(self.output.split())

    def __repr__(self):
        return f"exit {self.code}\n{self.output}"


def properties_of(case):
    return {element.get("name"): element.get("value") for element in case.iter("property")}


def environment_for(path, traced=False):
    """Tracing for coverage doubles what a session takes; a few modules show it all."""
    not_kept = ("PYTEST_", "EDGEPERF_", "GITHUB_") if traced else ("PYTEST_", "EDGEPERF_", "GITHUB_", "COV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(not_kept)}
    return {**kept, **PLUGIN_ALONE, **places_of(path), "COLUMNS": "120"}


def places_of(path):
    return {
        "EDGEPERF_CACHE_DIR": str(path / "cache"),
        "EDGEPERF_LOCK_DIR": str(path.parent),
        "HOME": str(path / "home"),
    }


def new_project(path, traced=False, forked=False, served=False):
    path.mkdir(parents=True, exist_ok=True)
    # Tests read figures from the properties of tests, which the default family does not have. Profiles cost seconds.
    (path / "pytest.ini").write_text("[pytest]\njunit_family = xunit1\nedgeperf_explain = off\n")
    return Project(path, environment_for(path, traced), forked, served)


@pytest.fixture
def project(tmp_path, request):
    name = request.path.name
    traced = getattr(request.module, "TRACED", False)
    return new_project(tmp_path / "project", traced, name not in FRESH_WORKERS, name not in FRESH_SESSIONS)


@pytest.fixture
def repository(project):
    """The project as a repository with one commit."""
    return turn_into_repository(project)


@pytest.fixture(scope="session")
def accepted_suite(tmp_path_factory, request):
    """A suite whose baseline was refreshed once for all processes of xdist's, to be copied."""
    folder = folder_of_all_processes(tmp_path_factory, request.config) / "accepted"
    said = folder / "said.json"
    with FileLock(f"{folder}.lock"):
        made = new_project(folder / "project", forked=True, served=True)
        if not said.exists():
            made.suite(ACCEPTED)
            first = made.run("--edgeperf-budget=0.15", "--edgeperf-rounds=5", *REFRESH, short=False)
            said.write_text(json.dumps([first.code, first.output]), encoding="utf-8")
    made.first = Outcome(*load_json(said))
    return made


@pytest.fixture
def accepted(accepted_suite, tmp_path):
    return accepted_suite.copy(tmp_path / "project")


def load_json(path):
    return json.loads(path.read_text(encoding="utf-8"))
