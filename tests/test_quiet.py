from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

import pytest

from .quiet import MOST_IN_A_WINDOW, MOST_ON_AVERAGE, Neighbours, Quiet, Window, load_of, unsteadiness_of

UNSURE = 0.02
SUITE = """
import pytest

def test_ordinary():
    assert 1 == 2, "ordinary"

@pytest.mark.quiet
def test_needs_quiet():
    assert 1 == 2, "a slowdown was not found"

@pytest.mark.alone
def test_needs_the_machine(thing):
    assert thing == 2

@pytest.mark.quiet
def test_is_broken():
    raise ZeroDivisionError

@pytest.mark.quiet
def test_is_good():
    pass

@pytest.fixture(scope="session")
def thing():
    return 1
"""


def windows(*others, seconds=1.0):
    return [Window(seconds, one, UNSURE) for one in others]


@pytest.mark.parametrize(
    ("seen", "busy"),
    [
        ([], False),
        (windows(0.0), False),
        (windows(*[0.05] * 30), False),
        (windows(*[0.0] * 30, MOST_IN_A_WINDOW), False),
        (windows(*[0.0] * 30, 0.9), True),
        (windows(*[MOST_ON_AVERAGE + 0.1] * 30), True),
        (windows(2.0), True),
        # A hundredth of a second says nothing.
        ([Window(0.01, 1.0, 2.0)], False),
    ],
)
def test_a_machine_is_busy_by_its_average_or_by_a_burst(seen, busy):
    load = load_of(seen)
    assert (load is not None) is busy
    if load is not None:
        assert "processors on the average" in load


def test_the_load_that_was_seen_is_told():
    assert load_of(windows(1.0, 0.5)).startswith("others used 0.75 processors on the average over 2.0 s and 1.00 at")


class FakeNeighbours:
    """Finds always the same load."""

    def __init__(self, load):
        self.load = load

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def outcomes(pytester, *loads, unsteady=None):
    """Name -> outcome and reason, with a load for each time that is watched, the last one for ever."""
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nmarkers =\n    alone\n    quiet\n")
    left = list(loads)
    plugin = Quiet(lambda: FakeNeighbours(left.pop(0) if len(left) > 1 else left[0]), lambda: unsteady)
    ran = pytester.inline_run("-p", "no:edgeperf", "-p", "no:randomly", plugins=[plugin])
    found = {}
    for report in ran.getreports("pytest_runtest_logreport"):
        if report.when == "call" or report.outcome != "passed":
            found[report.nodeid.partition("::test_")[2]] = (report.outcome, str(report.longrepr))
    return found


def test_on_a_quiet_machine_nothing_is_skipped(pytester):
    found = outcomes(pytester, None)
    assert {name: outcome for name, (outcome, _) in found.items()} == {
        "ordinary": "failed",
        "needs_quiet": "failed",
        "needs_the_machine": "failed",
        "is_broken": "failed",
        "is_good": "passed",
    }


def test_beside_others_what_fails_and_needs_quiet_is_skipped_with_the_load(pytester):
    found = outcomes(pytester, "others used 1.90 processors")
    assert {name: outcome for name, (outcome, _) in found.items()} == {
        "ordinary": "failed",
        "needs_quiet": "skipped",
        "needs_the_machine": "skipped",
        "is_broken": "failed",
        "is_good": "passed",
    }
    reason = found["needs_quiet"][1]
    assert "not quiet: others used 1.90 processors" in reason
    assert "a slowdown was not found" in reason


def test_a_shared_fixture_that_was_made_beside_others_excuses_too(pytester):
    # Watched are: setup and call of the second test, setup of the third, its fixture, its call, and so on.
    found = outcomes(pytester, None, None, None, "others used 1.90 processors", None)
    assert found["needs_quiet"][0] == "failed"
    assert found["needs_the_machine"][0] == "skipped"


def test_where_the_processors_speed_varies_what_needs_quiet_is_skipped_with_what_was_seen(pytester):
    found = outcomes(pytester, None, unsteady="the same work took 0.54 to 0.96 ms within 3 s")
    assert found["ordinary"][0] == "failed"
    assert found["needs_quiet"][0] == found["needs_the_machine"][0] == "skipped"
    assert "not quiet: the same work took 0.54 to 0.96 ms" in found["needs_quiet"][1]


def test_a_processor_is_unsteady_by_its_slowest_moment():
    assert unsteadiness_of([1e-3] * 11 + [1.15e-3]) is None
    seen = unsteadiness_of([0.54e-3] + [0.6e-3] * 10 + [0.96e-3])
    assert seen.startswith("the same work took 0.54 to 0.96 ms within")


def processor_s():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def test_own_work_is_not_a_neighbours():
    spin = "import time\nend = time.monotonic() + 0.6\nwhile time.monotonic() < end: pass"
    before_s = processor_s()
    with Neighbours(window_s=0.2) as neighbours:
        with subprocess.Popen([sys.executable, "-c", spin]):
            end = time.monotonic() + 0.6
            while time.monotonic() < end:
                pass
        own_s = processor_s() - before_s
    used_s = sum(window.seconds * window.others for window in neighbours.windows)
    possible_s = (os.cpu_count() or 1) * sum(window.seconds for window in neighbours.windows)
    assert own_s > 0.1
    # What this test used is not free for others; each of the windows is right to two ticks.
    assert used_s <= possible_s - own_s + 0.02 * len(neighbours.windows) + 0.05


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="this system has no /proc/stat")
def test_a_strangers_work_is_seen():
    # Its parent ends at once, so that nobody of this test's is its parent any more.
    spin = "import time; end = time.monotonic() + 20\nwhile time.monotonic() < end: pass"
    start = (
        "import subprocess, sys\n"
        f"one = subprocess.Popen([sys.executable, '-c', {spin!r}], start_new_session=True, stdout=subprocess.DEVNULL)\n"
        "print(one.pid)"
    )
    stranger = int(subprocess.run([sys.executable, "-c", start], stdout=subprocess.PIPE, check=True).stdout)
    try:
        with Neighbours(window_s=0.5) as neighbours:
            time.sleep(2)
    finally:
        os.kill(stranger, 9)
    assert neighbours.load is not None
