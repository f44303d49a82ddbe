from __future__ import annotations

import cProfile
import functools
import importlib
import itertools
import statistics
import sys
import threading
import time
import zipfile

import numpy
import pytest

from pytest_edgeperf.judge.explanation import explain
from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.call_graph import EventCosts
from pytest_edgeperf.measure.function_times import Clocks, NoFunctionProfile, profile_functions
from pytest_edgeperf.measure.pipeline import Pipeline
from pytest_edgeperf.measure.profiled_calls import BY_MONITORING, event_costs
from pytest_edgeperf.results.cost_profiles import CostList, CostProfile, FunctionTimes

HERE = "tests/measure/test_function_times.py"
ROOT = __file__[: -len(HERE)]

#: Calls that begin to watch what is called.
FIRST = int(sys.version_info >= BY_MONITORING)


class Clock:
    """Stands still but for what the profiled functions add to it; no call of a function adds it for them."""

    def __init__(self):
        self.worked_us, self.waited_us = 1, 0

    def work(self, duration_us):
        self.worked_us += duration_us

    @property
    def clocks(self):
        wall = lambda: 1000 * (self.worked_us + self.waited_us)  # noqa: E731
        return Clocks(wall, lambda: 1000 * self.worked_us, lambda: 0)


@pytest.fixture
def clock():
    return Clock()


def profile(clock, *calls, **options):
    options = {"repetition_s": 2e-3, "repetitions": 3, **options}
    return profile_functions(calls, ROOT, clocks=clock.clocks, **options)


def named(profiled, end):
    (function,) = [function for function in profiled.functions if function.name.endswith(end)]
    return function


def test_each_function_has_its_own_time_the_time_with_what_it_calls_its_calls_and_its_place(clock):
    def decode():
        clock.worked_us += 30

    def pre():
        clock.worked_us += 10
        decode()
        decode()

    profiled = profile(clock, pre)
    assert profiled.functions[0].name.endswith("<locals>.decode")
    inner, outer = named(profiled, "decode"), named(profiled, "pre")
    assert inner.self_ms == inner.total_ms == pytest.approx((0.06, 0.06, 0.06))
    assert outer.self_ms == pytest.approx((0.01,) * 3)
    assert outer.total_ms == pytest.approx((0.07,) * 3)
    assert (inner.calls, outer.calls) == (2, 1)
    assert (inner.file, outer.file) == (HERE, HERE)
    assert (inner.line, outer.line) == (decode.__code__.co_firstlineno, pre.__code__.co_firstlineno)
    assert profiled.call_ms == profiled.profiled_ms == pytest.approx((0.07,) * 3)
    assert profiled.overhead == 0
    assert profiled.source == "cProfile"
    assert profiled.remarks == ()


def test_only_the_most_expensive_are_kept_and_the_rest_is_summed(clock):
    def part(number):
        source = f"def part{number}(): clock.worked_us += {number}"
        namespace = {"clock": clock}
        exec(source, namespace)
        return namespace[f"part{number}"]

    parts = [part(number) for number in range(1, 11)]

    def target():
        for each in parts:
            each()

    profiled = profile(clock, target, most=3)
    assert [(function.name, function.file) for function in profiled.functions] == [
        ("part10", "<string>"),
        ("part9", "<string>"),
        ("part8", "<string>"),
    ]
    assert profiled.others == 7 + 1
    total_ms = sum(function.self_ms[0] for function in profiled.functions) + profiled.others_ms[0]
    assert total_ms == pytest.approx(profiled.call_ms[0])


def test_rotating_inputs_are_called_alike_in_every_repetition(clock):
    made = []

    def call(name):
        made.append(name)
        clock.worked_us += {"a": 50, "b": 150}[name]

    profiled = profile(clock, functools.partial(call, "a"), functools.partial(call, "b"), repetitions=2)
    assert profiled.call_ms == pytest.approx((0.1, 0.1))
    assert profiled.remarks == ()
    # Two that tell how many are made; then ten slices a repetition, each a rotation without the profiler and with it.
    assert "".join(made) == "ab" + 2 * 10 * ("ab" + FIRST * "a" + "ab")


def test_the_slices_that_waited_least_for_a_processor_are_kept(clock):
    slices_us = [(3, 50), (2, 0), (9, 40), (9, 10), (8, 30), (9, 20)]
    # After one call that tells how many slices there are: each has one call without the profiler, and one with it.
    queues_us = iter([0, *(us for plain, watched in slices_us for us in (plain, *[0] * FIRST, watched))])
    queued_us = 0

    def call():
        nonlocal queued_us
        queue_us = next(queues_us)
        queued_us += queue_us
        clock.worked_us += 100
        clock.waited_us += queue_us

    clocks = Clocks(*clock.clocks[:2], lambda: 1000 * queued_us)
    profiled = profile_functions([call], ROOT, repetition_s=3e-4, repetitions=2, clocks=clocks)
    assert profiled.call_ms == pytest.approx((0.102, 0.108))
    assert profiled.profiled_ms == pytest.approx((0.1, 0.11))
    assert profiled.waiting_ms == (0.0, 0.0)


@pytest.mark.parametrize(
    ("inputs", "profiled_ones"), [(20, [0, 4, 8, 12, 16]), (11, [0, 3, 6, 9]), (5, [0, 1, 2, 3, 4])]
)
def test_of_many_slow_inputs_some_are_profiled_that_lie_evenly_among_them(clock, inputs, profiled_ones):
    made = []

    def call(name):
        made.append(name)
        clock.worked_us += 1_000_000

    profiled = profile(clock, *[functools.partial(call, name) for name in range(inputs)], repetitions=1)
    assert made == [0, *profiled_ones, *FIRST * [0], *profiled_ones]
    assert profiled.call_ms == pytest.approx((1000.0,))
    expected = f"only {len(profiled_ones)} of {inputs} rotating inputs were profiled: all would take too long"
    assert profiled.remarks == ((expected,) if inputs > 5 else ())


def test_waiting_is_told_from_work(clock):
    def sync():
        clock.waited_us += 300

    def infer():
        clock.worked_us += 100
        sync()

    profiled = profile(clock, infer)
    assert profiled.waiting_ms == pytest.approx((0.3,) * 3)
    assert profiled.remarks[0].startswith("for 75 % of a call its thread slept, or waited")
    assert named(profiled, "sync").self_ms == pytest.approx((0.3,) * 3)


def test_a_system_that_does_not_tell_of_waiting_has_none(clock):
    clocks = Clocks(*clock.clocks[:2], lambda: None)
    profiled = profile_functions([functools.partial(clock.work, 5)], ROOT, repetition_s=1e-4, clocks=clocks)
    assert profiled.waiting_ms is None


def test_time_in_the_processors_queue_is_not_waiting(clock):
    def wait():
        clock.waited_us += 5

    clocks = Clocks(*clock.clocks[:2], lambda: 1000 * clock.waited_us)
    profiled = profile_functions([wait], ROOT, repetition_s=1e-4, clocks=clocks)
    assert profiled.waiting_ms == (0.0,) * len(profiled.call_ms)


def test_a_sleeping_target_shows_its_sleep_by_name():
    def infer():
        time.sleep(0.001)

    profiled = profile_functions([infer], ROOT, repetition_s=0.01, repetitions=3)
    slowest = profiled.functions[0]
    assert slowest.name.startswith("time.sleep in ")
    assert (slowest.file, slowest.line) == (HERE, infer.__code__.co_firstlineno)
    assert min(slowest.self_ms) > 0.9
    assert all(own_ms > 0.5 * call_ms for own_ms, call_ms in zip(slowest.self_ms, profiled.profiled_ms))
    if profiled.waiting_ms is not None:
        assert statistics.median(profiled.waiting_ms) > 0.5


def test_a_recursive_function_takes_no_time_twice(clock):
    def walk(depth):
        clock.worked_us += 10
        if depth:
            walk(depth - 1)

    function = named(profile(clock, functools.partial(walk, 4)), "walk")
    assert function.self_ms == function.total_ms == pytest.approx((0.05,) * 3)
    assert function.calls == 5


def test_a_generator_takes_time_while_it_runs_and_not_while_it_is_suspended(clock):
    def frames():
        for _ in range(3):
            clock.worked_us += 10
            yield

    def target():
        for _ in frames():
            clock.worked_us += 100

    profiled = profile(clock, target)
    generator = named(profiled, "frames")
    assert generator.self_ms == pytest.approx((0.03,) * 3)
    assert generator.calls == 4
    assert named(profiled, "target").self_ms == pytest.approx((0.3,) * 3)


def test_functions_of_one_name_in_one_file_are_told_apart_by_their_order(clock):
    def target():
        def step():
            clock.worked_us += 10

        step()

        def step():
            clock.worked_us += 30

        step()

    second, first = profile(clock, target).functions
    assert first.name.endswith("target.<locals>.step")
    assert second.name == first.name + " [2]"
    assert second.line == first.line + 5
    assert (first.self_ms[0], second.self_ms[0]) == pytest.approx((0.01, 0.03))


def test_functions_that_take_next_to_nothing_are_summed(clock):
    def check():
        clock.worked_us += 4

    def target():
        check()
        clock.worked_us += 996

    profiled = profile(clock, target)
    assert [function.name.rpartition(".")[2] for function in profiled.functions] == ["target"]
    assert (profiled.others, profiled.others_ms) == (1, pytest.approx((0.004,) * 3))


def test_a_wrapped_function_and_its_wrapper_have_their_own_lines(clock):
    def logged(function):
        @functools.wraps(function)
        def wrapper():
            clock.worked_us += 5
            return function()

        return wrapper

    def pre():
        clock.worked_us += 10

    own_line = pre.__code__.co_firstlineno
    profiled = profile(clock, logged(pre))
    assert named(profiled, "pre").line == own_line
    assert named(profiled, "wrapper").line == logged.__code__.co_firstlineno + 1
    assert named(profiled, "wrapper").total_ms == pytest.approx((0.015,) * 3)


def test_a_function_in_a_zip(clock, tmp_path, monkeypatch):
    with zipfile.ZipFile(str(tmp_path / "shipped.zip"), "w") as archive:
        archive.writestr("zipped_steps.py", "\ndef pre(clock):\n    clock.worked_us += 10\n")
    monkeypatch.syspath_prepend(str(tmp_path / "shipped.zip"))
    pre = importlib.import_module("zipped_steps").pre
    monkeypatch.delitem(sys.modules, "zipped_steps")
    profiled = profile_functions([functools.partial(pre, clock)], str(tmp_path), clocks=clock.clocks, repetition_s=1e-3)
    assert (named(profiled, "pre").file, named(profiled, "pre").line) == ("shipped.zip/zipped_steps.py", 2)


def test_functions_in_c_are_named_with_the_function_that_calls_them():
    array = numpy.ones(1000)

    def pre():
        return array.sum(), sorted([3, 1]), array.astype("f4")

    profiled = profile_functions([pre], ROOT, repetition_s=0.002, repetitions=2)
    names = {function.name.rpartition(" in ")[0]: function for function in profiled.functions}
    for name in ("numpy.ndarray.astype", "sorted"):
        assert names[name].file == HERE
        assert names[name].line == pre.__code__.co_firstlineno
        assert names[name].calls == 1
    # What it does in Python is numpy's own code.
    assert any(function.file.startswith("numpy/") for function in profiled.functions)


def test_a_target_in_c_is_profiled_too():
    array = numpy.arange(1000.0)[::-1].copy()
    seen = profile_functions(loop.bind(sorted, [(list(array),)]), ROOT, repetition_s=0.005, repetitions=2)
    assert seen.functions[0].name == "sorted"
    assert seen.functions[0].self_ms[0] > 0.5 * seen.profiled_ms[0]


def test_a_target_that_no_profiler_sees_has_all_the_time_that_no_function_has():
    array = numpy.ones(10_000)
    unseen = profile_functions(loop.bind(numpy.add, [(array, array)]), ROOT, repetition_s=0.005, repetitions=2)
    (function,) = unseen.functions
    assert function.name == "numpy.add"
    assert function.calls == 1
    assert function.self_ms[0] > 0.5 * unseen.profiled_ms[0]


def test_keywords_of_a_target_are_kept():
    profiled = profile_functions([functools.partial(sorted, [1, 3], reverse=True)], ROOT, repetition_s=1e-3)
    assert profiled.functions[0].name == "sorted"


def test_the_profilers_own_time_is_not_in_the_functions_times():
    """By the processor's clock: many tiny calls, which a profiler makes several times as long."""

    def tiny(number):
        return number

    def target():
        for number in range(100):
            tiny(number)

    clocks = Clocks(time.thread_time_ns, time.thread_time_ns)
    profiled = profile_functions([target], ROOT, repetition_s=0.001, clocks=clocks)
    in_all_ms = [
        sum(function.self_ms[at] for function in profiled.functions) + others_ms
        for at, others_ms in enumerate(profiled.others_ms)
    ]
    assert profiled.overhead > 0.5
    left = statistics.median(in_all_ms) - statistics.median(profiled.call_ms)
    assert abs(left) < 0.5 * (statistics.median(profiled.profiled_ms) - statistics.median(profiled.call_ms))


def test_on_a_clock_that_stands_still_the_profiler_costs_nothing(clock):
    assert event_costs(clock.clocks) == EventCosts()


def test_other_threads_are_not_taken_for_the_calling_one(clock):
    def work():
        clock.worked_us += 10

    def target():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    if sys.version_info >= BY_MONITORING:
        with pytest.raises(NoFunctionProfile, match="other Python threads ran beside the calls"):
            profile(clock, target)
        return
    profiled = profile(clock, target)
    assert "of their functions nothing is known" in profiled.remarks[0]
    assert not [function for function in profiled.functions if function.name.endswith("work")]


def test_a_thread_that_only_waits_is_of_no_account(clock):
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        time.sleep(0.02)
        assert profile(clock, functools.partial(clock.work, 10)).remarks == ()
    finally:
        over.set()
        thread.join()


def test_hooks_of_others_are_as_before(clock):
    def hook(*_):
        pass

    threading.setprofile(hook)
    try:
        profile(clock, functools.partial(clock.work, 10))
        assert threading._profile_hook is hook
    finally:
        threading.setprofile(None)
    assert sys.getprofile() is None


def test_beside_another_profiler_there_is_no_profile(clock):
    other = cProfile.Profile()
    other.enable()
    try:
        with pytest.raises(NoFunctionProfile, match="run without it"):
            profile(clock, functools.partial(clock.work, 10))
    finally:
        other.disable()


def test_a_target_that_fails_ends_the_profile(clock):
    def target():
        clock.worked_us += 10
        if next(calls) > 50:
            raise ValueError("no frame left")

    calls = itertools.count()
    with pytest.raises(ValueError, match="no frame left"):
        profile(clock, target)
    assert sys.getprofile() is None


STEPS = """
def normalise(image, clock):
    clock.worked_us += 20
    return image

def letterbox(image, clock):
    for _ in range(10):
        clock.worked_us += {row_us}
    return image

def preprocess(image, clock):
    return letterbox(normalise(image, clock), clock)
"""


def module_of(file, source):
    """What a file defines that was written just now."""
    file.write_text(source)
    namespace = {}
    exec(compile(source, str(file), "exec"), namespace)
    return namespace


def explained(before, after):
    """What is said of two profiles whose calls are the latencies."""
    sides = [
        CostProfile(functions=CostList(tuple(FunctionTimes(*vars(function).values()) for function in side.functions)))
        for side in (before, after)
    ]
    return explain(*sides, statistics.median(before.call_ms), statistics.median(after.call_ms))


def most_grown(before, after):
    """The function whose own time grew the most from one profile to the other."""
    own_ms = {(function.name, function.file): statistics.median(function.self_ms) for function in before.functions}
    return max(
        after.functions,
        key=lambda function: statistics.median(function.self_ms) - own_ms.get((function.name, function.file), 0.0),
    )


def test_a_preprocessing_function_that_is_slower_by_30_percent_is_named_with_file_and_line(clock, tmp_path):
    def infer(image):
        clock.worked_us += 500

    profiles = []
    for row_us in (10, 13):
        module = module_of(tmp_path / "steps.py", STEPS.format(row_us=row_us))
        pipeline = Pipeline(infer, ("image",), functools.partial(module["preprocess"], clock=clock), lambda outputs: 1)
        profiles.append(profile_functions(pipeline.calls, str(tmp_path), clocks=clock.clocks, repetition_s=0.01))
    slower = most_grown(*profiles)
    assert (slower.name, slower.file, slower.line) == ("letterbox", "steps.py", 6)
    assert slower.self_ms == pytest.approx([1.3 * own_ms for own_ms in named(profiles[0], "letterbox").self_ms])
    assert slower.calls == 1
    (table,) = explained(*profiles).tables
    assert [(row.label, row.place) for row in table.rows if row.blamed] == [("letterbox", "steps.py:6")]
    (unchanged,) = explained(profiles[0], profiles[0]).tables
    assert unchanged.blamed == 0


REAL_STEPS = """
def normalise(rows):
    total = 0
    for number in range(100 * rows):
        total += number % 7
    return total

def letterbox(rows):
    total = 0
    for number in range({steps} * rows):
        total += number * number
    return total

def pad(rows):
    return sorted(range(-100 * rows, 100 * rows), key=abs)

def preprocess(rows):
    return normalise(rows), letterbox(rows), pad(rows)
"""


def test_real_work_that_is_30_percent_more_is_named(tmp_path):
    """By the clock of the processor, so that others' work counts for nothing."""
    clocks = Clocks(time.thread_time_ns, time.thread_time_ns)
    profiles = []
    for steps in (100, 130):
        module = module_of(tmp_path / "steps.py", REAL_STEPS.format(steps=steps))
        call = functools.partial(module["preprocess"], 10)
        profiles.append(profile_functions([call], str(tmp_path), clocks=clocks, repetition_s=0.01))
    slower = most_grown(*profiles)
    assert (slower.name, slower.file, slower.line) == ("letterbox", "steps.py", 8)
