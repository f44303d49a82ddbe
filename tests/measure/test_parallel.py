"""Several engines at once: fair starts, ends that do not count, and engines that fail."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from pytest_edgeperf.frameworks import files_read
from pytest_edgeperf.measure import loaded_paths
from pytest_edgeperf.measure.conductor import Block, LocalConductor
from pytest_edgeperf.measure.engine_runners import Lap, run
from pytest_edgeperf.measure.failures import EngineFailed
from pytest_edgeperf.measure.measurement import METRICS
from pytest_edgeperf.measure.parallel import MODES, ParallelTimer, runners_of
from pytest_edgeperf.measure.pipeline import Pipeline
from pytest_edgeperf.measure.timed_inference import TimedInference

PROCESSES = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are forked")


def sleeper(seconds=0.004):
    return lambda: time.sleep(seconds)


def timed(budget_s=0.4):
    return TimedInference(LocalConductor(budget_s), {}, {})


@pytest.fixture(autouse=True)
def _short_warm_up(monkeypatch):
    from pytest_edgeperf.measure import warmup

    monkeypatch.setitem(warmup.warm_up.__kwdefaults__, "shortest_s", 0.02)


@pytest.mark.quiet
@pytest.mark.parametrize("mode", MODES)
def test_engines_that_wait_run_side_by_side(mode):
    one = timed().parallel(sleeper, 1, mode=mode)
    three = timed().parallel(sleeper, 3, mode=mode)
    # One after the other they would do what one does.
    assert three.values["throughput"] > 2 * one.values["throughput"]
    assert three.values["throughput_per_engine"] == pytest.approx(three.values["throughput"] / 3)
    assert three.latency_ms < 2 * one.latency_ms
    assert three.settings["engines"] == 3
    assert three.settings["mode"] == mode
    assert len(three.quality["throughputs"]) == 3
    assert {"throughput", "throughput_per_engine", "latency", "memory_process_peak"} <= set(three.values)
    assert METRICS["throughput"].better == "higher"


def test_processes_have_memory_of_their_own():
    def hungry():
        kept = bytearray(os.urandom(1 << 20)) * 40
        return lambda: len(kept)

    base = timed(0.05).parallel(lambda: lambda: None, 2, mode="processes").values["memory_process_peak"]
    more = timed(0.05).parallel(hungry, 2, mode="processes").values["memory_process_peak"]
    assert more - base > 70


@pytest.mark.quiet
def test_all_begin_at_one_moment_and_late_ends_do_not_count():
    begun = []

    def make():
        def call():
            begun.append((threading.current_thread().name, time.perf_counter()))
            time.sleep(0.03)

        return Pipeline(call, ())

    runners = runners_of(make, 3, "threads", {})
    for runner in runners:
        runner.ready()
    begun.clear()
    timer = ParallelTimer(runners)
    samples = timer.time(0, 0.1)
    for runner in runners:
        runner.close()
    firsts = [min(at for name, at in begun if name == engine) for engine in {name for name, _ in begun}]
    assert len(firsts) == 3
    assert max(firsts) - min(firsts) < 0.06
    # At most three of 30 ms fit into 100 ms; each engine began one more, which does not count.
    assert 3 <= samples <= 9
    assert len(begun) == samples + 3


def test_an_inference_longer_than_the_block_counts_once():
    durations, seconds = run([sleeper(0.05)], time.perf_counter_ns(), 0.01)
    assert len(durations) == 1
    assert seconds >= 0.05


class Laps:
    """An engine whose blocks are over at once."""

    def __init__(self, *laps):
        self.laps = iter(laps)

    def start(self, at_ns, seconds):
        pass

    def finish(self):
        return next(self.laps)


def test_throughput_is_that_up_to_the_last_end_that_counts():
    fast, slow, unknown = Lap([100] * 50, 0.5), Lap([100] * 20, 0.4), Lap([100] * 20, 0.4, private_mib=None)
    timer = ParallelTimer([Laps(fast, fast), Laps(slow, slow)])
    assert [timer.time(0, 0.5), timer.time(70, 0.5)] == [70, 140]
    assert timer.throughput(0) == pytest.approx(100.0)
    assert timer.throughput(1) == pytest.approx(50.0)
    summaries = timer.summaries(140)
    assert summaries["throughput"] == pytest.approx(150.0)
    assert summaries["latency"]["n"] == 140
    assert timer.children_peak_mib() == 0.0
    assert timer.course([140]) == {"throughputs": [100.0, 50.0]}
    half_known = ParallelTimer([Laps(fast), Laps(unknown)])
    half_known.time(0, 0.5)
    assert half_known.children_peak_mib() is None


@pytest.mark.parametrize("mode", MODES)
def test_an_engine_that_cannot_be_made_fails_the_benchmark_with_its_reason(mode):
    def make():
        raise MemoryError("no room for the weights")

    with pytest.raises(EngineFailed, match=r"engine 1: MemoryError: no room for the weights"):
        timed().parallel(make, 2, mode=mode)


@PROCESSES
def test_a_process_that_is_killed_is_said_to_be():
    parent = os.getpid()

    def make():
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(EngineFailed, match=r"engine 1 was killed by signal 9: most likely out of memory"):
        timed().parallel(make, 2, mode="processes")


@pytest.mark.quiet
@PROCESSES
def test_an_engine_that_dies_while_timed_ends_the_others():
    parent = os.getpid()

    def make():
        deadline = time.monotonic() + 0.3

        def call():
            time.sleep(0.01)
            if os.getpid() != parent and time.monotonic() > deadline:
                os._exit(3)

        return call

    before = threading.active_count()
    with pytest.raises(EngineFailed, match=r"exited with status 3"):
        timed(1.0).parallel(make, 2, mode="processes")
    assert threading.active_count() == before


@PROCESSES
@pytest.mark.parametrize(("room", "most", "count"), [(2, 4, 2), (4, 3, 3)])
def test_as_many_engines_as_fit_are_measured_and_counted(tmp_path, room, most, count):
    parent = os.getpid()

    def make():
        (tmp_path / f"engine-{os.getpid()}").touch()
        if os.getpid() != parent and len(list(tmp_path.iterdir())) > room:
            os.kill(os.getpid(), signal.SIGKILL)
        return lambda: time.sleep(0.002)

    measured = timed(0.1).parallel(make, most, mode="processes", fitting=True)
    assert measured.values["engine_count"] == count
    assert len(measured.quality["throughputs"]) == count
    assert measured.metrics["engine_count"].better == "higher"
    assert "engine_count" not in timed(0.05).parallel(sleeper, 1, mode="processes").values


@PROCESSES
def test_an_engine_that_the_next_one_ended_is_not_counted(tmp_path):
    """The system ends the process that it likes, not the one that asks for memory."""
    pids = tmp_path / "pids"

    def make():
        earlier = pids.read_text().split() if pids.exists() else []
        if len(earlier) == 2:
            os.kill(int(earlier[0]), signal.SIGKILL)
        pids.write_text(" ".join([*earlier, str(os.getpid())]))
        return lambda: time.sleep(0.002)

    assert timed(0.1).parallel(make, 5, mode="processes", fitting=True).values["engine_count"] == 2


@PROCESSES
@pytest.mark.parametrize("error", [MemoryError("no room"), ValueError("a wrong file")])
def test_where_none_fits_or_one_fails_otherwise_the_reason_is_given(error):
    def make():
        raise error

    with pytest.raises(EngineFailed, match=str(error)) as raised:
        timed().parallel(make, 3, mode="processes", fitting=True)
    assert raised.value.out_of_memory is isinstance(error, MemoryError)


@pytest.mark.parametrize(
    ("reason", "out_of_memory"),
    [
        ("CUDA out of memory. Tried to allocate 20.00 MiB", True),
        ("Failed to allocate memory for requested buffer of size 4194304", True),
        ("ResourceExhaustedError: OOM when allocating tensor with shape[1,64,112,112]", True),
        ("CUDA error: an illegal memory access was encountered", False),
        ("the file has another opset", False),
    ],
)
def test_only_a_failed_allocation_is_a_lack_of_memory(reason, out_of_memory):
    assert EngineFailed(f"engine 2 could not be made: {reason}").out_of_memory is out_of_memory


def test_only_processes_are_as_many_as_fit():
    with pytest.raises(ValueError, match="fitting=True needs mode='processes'"):
        timed().parallel(sleeper, 2, fitting=True)
    with pytest.raises(ValueError, match="n must be at least 1, not 0"):
        timed().parallel(sleeper, 0, mode="processes", fitting=True)


@pytest.mark.parametrize("mode", MODES)
def test_what_cannot_be_run_is_named(mode):
    with pytest.raises(ValueError, match="n must be at least 1, not 0"):
        timed().parallel(sleeper, 0, mode=mode)
    with pytest.raises(ValueError, match="mode is 'fibres'; it must be one of threads, processes"):
        timed().parallel(sleeper, 1, mode="fibres")


def test_no_thread_is_left_behind():
    before = threading.active_count()
    timed(0.05).parallel(sleeper, 4)
    assert threading.active_count() == before


def test_a_sustained_block_counts_the_inferences_of_all_engines():
    engines = []
    blocks = []

    class Conductor(LocalConductor):
        def blocks(self):
            return [Block(0.1), Block(0.2, sustained=True)]

        def sustained(self, calls, seconds):
            blocks.append(calls)

    def infer():
        time.sleep(0.004)
        engines.append(threading.get_ident())

    TimedInference(Conductor(0.1), {}, {}).parallel(lambda: infer, 2)
    (calls,) = blocks
    # The inference of each engine that was under way at the end came after and does not count.
    last = engines[-calls - 2 :]
    assert len(set(last)) == 2
    assert max(last.count(engine) for engine in set(last)) < calls <= len(last)


@PROCESSES
def test_what_an_engines_own_process_loaded_counts_as_loaded(monkeypatch, tmp_path):
    monkeypatch.setattr(loaded_paths, "_of_engines", [])
    monkeypatch.setattr(files_read, "_models", {})

    def make():
        files_read.note_model(str(tmp_path / "net.onnx"))
        return lambda: None

    timed(0.02).parallel(make, 1, mode="processes")
    assert files_read.files_read().models == ()
    assert loaded_paths.whole_listing().models == (str(tmp_path / "net.onnx"),)
