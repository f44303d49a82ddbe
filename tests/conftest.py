"""What all tests share: measuring sessions of theirs do not meet those of anybody else."""

from __future__ import annotations

import os
import signal
import sys

import hypothesis
import pytest

from . import selection
from .quiet import Quiet

#: Folders to copy from; their tests are not of this suite.
collect_ignore = ["data"]

# A shared machine may stall any example, and a gate must not find something new by chance. There the oldest Python has
# the same examples as the newest, if fewer.
IN_A_GATE = bool(os.environ.get("CI"))
EXAMPLES = 100 if not IN_A_GATE else 30 if sys.version_info >= (3, 9) else 10
hypothesis.settings.register_profile("here", deadline=None, derandomize=IN_A_GATE, max_examples=EXAMPLES)
hypothesis.settings.load_profile("here")

# What a shell starts in the background ignores Ctrl-C, and so would all that tests start and interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Likewise what nohup starts ignores that its terminal went away.
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


#: Of long tests, and of what starts processes: a worker that began it last would have all others wait.
FIRST_FILES = (
    "test_tour.py",
    "test_line_promises.py",
    "test_trtexec.py",
    "test_readme_networks.py",
    "test_memory.py",
    "test_noise.py",
    "test_third_party.py",
)
FIRST_FOLDERS = ("plugin", "benchmarks", "faults", "cli", "measure", "contract")


def pytest_ignore_collect(collection_path, config):
    if collection_path.suffix == ".py" and config.option.markexpr:
        named, certain = selection.named_in(collection_path), selection.of_folder(collection_path)
        return None if selection.may_hold(config.option.markexpr, named, certain) else True
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    selection.mark_and_check(items)
    items.sort(key=lambda item: (item.path.name not in FIRST_FILES, item.path.parent.name not in FIRST_FOLDERS))


def pytest_configure(config):
    config.pluginmanager.register(Quiet(), "quiet")


@pytest.fixture(scope="session", autouse=True)
def folders_of_our_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("EDGEPERF_LOCK_DIR", str(tmp_path_factory.mktemp("lock")))
        # Sessions that tests start are not workers of the session that runs the tests.
        for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
            patch.delenv(name, raising=False)
        # Under tox, pytest keeps the cache of every session in the same folder.
        patch.delenv("TOX_ENV_DIR", raising=False)
        yield


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    # Half of the tests is asked for at a time; a selection may have none in this half.
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.option.markexpr:
        session.exitstatus = pytest.ExitCode.OK
