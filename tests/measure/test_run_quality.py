from __future__ import annotations

import sys
import threading
import time
from types import SimpleNamespace

import pytest

from pytest_edgeperf.measure import run_quality
from pytest_edgeperf.measure.run_quality import Usage, Watch


def busy(seconds):
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        pass


def share_of(work):
    watch = Watch()
    with watch:
        work()
    return watch.figures()["cpu_share"]


@pytest.mark.quiet
def test_work_has_a_far_greater_share_of_the_processor_than_sleep():
    working, sleeping = share_of(lambda: busy(0.1)), share_of(lambda: time.sleep(0.1))
    assert working > 5 * sleeping
    assert 0 < working < 1.1


def test_only_the_watched_blocks_count():
    readings = iter(
        [
            Usage(0.0, 0.0, 0.0, 5, 7.0),
            Usage(1.0, 0.5, 0.4, 9, 7.0),
            Usage(50.0, 40.0, 30.0, 900, 9.0),
            Usage(51.0, 40.9, 30.8, 902, 9.0),
        ]
    )
    watch = Watch(lambda: next(readings))
    for _ in range(2):
        with watch:
            pass
    assert watch.figures() == {"cpu_share": 0.7, "thread_share": 0.6, "involuntary_switches_per_s": 3.0}


def test_work_of_children_that_ended_is_a_share_of_its_own():
    readings = iter([Usage(0.0, 0.0, 0.0, 0, 7.0), Usage(2.0, 0.1, 0.1, 0, 8.5)])
    watch = Watch(lambda: next(readings))
    with watch:
        pass
    assert watch.figures()["children_share"] == 0.75


def test_a_watch_that_saw_nothing_says_nothing():
    assert Watch().figures() == {}


def test_settle_waits_for_a_spinning_thread_no_longer_than_its_bound():
    stop = threading.Event()

    def spin():
        while not stop.is_set():
            pass

    spinner = threading.Thread(target=spin)
    spinner.start()
    try:
        waited_s = run_quality.settle(longest_s=0.2, step_s=0.04)
    finally:
        stop.set()
        spinner.join()
    assert waited_s >= 0.2


def simulated(monkeypatch, cpu_until_s):
    """A clock on which the process burns CPU until ``cpu_until_s``."""
    clock = SimpleNamespace(now=0.0)

    def sleep(seconds):
        clock.now += seconds

    fake = SimpleNamespace(
        perf_counter=lambda: clock.now, process_time=lambda: min(clock.now, cpu_until_s), sleep=sleep
    )
    monkeypatch.setattr(run_quality, "time", fake)


@pytest.mark.parametrize(("spins_s", "waits_s"), [(0.0, 0.005), (0.035, 0.040), (9.0, 0.25)])
def test_settle_ends_one_step_after_the_last_work(monkeypatch, spins_s, waits_s):
    simulated(monkeypatch, spins_s)
    assert run_quality.settle() == pytest.approx(waits_s, abs=0.0051)


def test_the_canary_takes_time_and_grows_with_its_work():
    usual = run_quality.canary_ms()
    assert usual > 0
    assert run_quality.canary_ms(steps=20 * run_quality.CANARY_STEPS) > 2 * usual


def test_the_canary_takes_no_notice_of_a_tracer_that_was_left_on():
    usual = min(run_quality.canary_ms() for _ in range(5))
    before = sys.gettrace()

    def tracer(frame, event, arg):
        return tracer

    sys.settrace(tracer)
    try:
        traced = min(run_quality.canary_ms() for _ in range(5))
    finally:
        sys.settrace(before)
    assert traced < 2 * usual


@pytest.mark.quiet
def test_the_timing_threads_share_leaves_out_what_other_threads_do():
    stop = threading.Event()

    def spin():
        while not stop.is_set():
            pass

    spinner = threading.Thread(target=spin)
    spinner.start()
    watch = Watch()
    try:
        with watch:
            busy(0.4)
    finally:
        stop.set()
        spinner.join()
    assert watch.figures()["thread_share"] < 0.8 * watch.figures()["cpu_share"]
