"""What ExecuTorch records of an inference, and which of it are operators."""

from __future__ import annotations

import sys
from types import SimpleNamespace as Record

import pytest

from pytest_edgeperf.frameworks.executorch.etdump import profiled, times_ms
from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.frameworks.profiling import NoProfile


def event(name, instruction=-1, took_us=1.0, text=None, number=None):
    return Record(
        name=name,
        instruction_id=instruction,
        delegate_debug_id_str=text,
        delegate_debug_id_int=number,
        start_time=1000,
        end_time=1000 + int(took_us * 1000),
    )


def test_kernels_and_delegated_operators_are_counted_once():
    events = [
        event("Method::execute", took_us=100),
        event(None, 0, 4, text="Convolution (NHWC, F32) IGEMM #1"),
        event(None, 0, 2, text="Fully Connected (NC, F32) GEMM #1"),
        event("DELEGATE_CALL", 0, 8),
        event("native_call_add.out", 1, 3),
        event("OPERATOR_CALL", 1, 5),
        event("OPERATOR_CALL", 2, 7),
        event("DELEGATE_CALL", 3, 9),
        event(None, 4, 6, number=12),
    ]
    assert list(times_ms(events)) == [
        ("Convolution (NHWC, F32) IGEMM #1", 0.004),
        ("Fully Connected (NC, F32) GEMM #1", 0.002),
        ("add.out", 0.003),
        ("OPERATOR_CALL", 0.007),
        ("DELEGATE_CALL", 0.009),
        ("delegated operator 12", 0.006),
    ]


class Module:
    """A program with ETDump, whose file has one byte for each inference."""

    def __init__(self, events, etdump=True):
        self.events, self.etdump, self.seen = events, etdump, []
        self.waiting = 0

    def has_etdump(self):
        return self.etdump

    def run_method(self, method, inputs, clone_outputs):
        assert (method, clone_outputs) == ("forward", False)
        self.seen.append(inputs)
        self.waiting += 1

    def write_etdump_result_to_file(self, path):
        with open(path, "wb") as file:
            file.write(b"." * self.waiting)
        self.waiting = 0


@pytest.fixture
def recording(monkeypatch):
    """Bindings that load a module, and a parser that gives its events for each byte."""

    def make(events, **more):
        module = Module(events, **more)

        def load(path, enable_etdump):
            assert enable_etdump
            return module

        def parse(content):
            if events is None:
                raise ValueError("no ETDump")
            return Record(run_data=[Record(events=[Record(profile_event=one) for one in events])] * len(content))

        serialize = Record(deserialize_from_etdump_flatcc=parse)
        for name in ("executorch", "executorch.devtools", "executorch.devtools.etdump"):
            monkeypatch.setitem(sys.modules, name, Record(__path__=[]))
        monkeypatch.setitem(sys.modules, "executorch.devtools.etdump.serialize", serialize)
        return Record(_load_for_executorch=load), module

    return make


def tensors(arrays):
    return list(arrays)


def test_a_profile_is_of_the_repetitions_after_the_warm_up(recording):
    bindings, module = recording([event("native_call_add.out", 0, 2), event("native_call_add.out", 1, 4), None])
    profile = profiled(bindings, "net.pte", tensors, [(1,), (2,)], repetitions=2, calls=3)
    assert module.seen == [[1], [2], [1]] * (1 + 2)
    assert profile.source == "ExecuTorch's ETDump"
    for operators in profile.repetitions:
        assert [(operator.name, operator.kind, operator.time_ms) for operator in operators] == [
            ("add.out_1", "add.out", pytest.approx(0.002)),
            ("add.out_2", "add.out", pytest.approx(0.004)),
        ]


def test_a_build_that_records_nothing_has_no_profile(recording):
    bindings, _ = recording([], etdump=False)
    with pytest.raises(NoProfile, match="this build of executorch records no events; its wheel does"):
        profiled(bindings, "net.pte", tensors, [(1,)], 1, 1)
    bindings, _ = recording([event("Method::execute")])
    with pytest.raises(NoProfile, match=r"executorch records no operator of net\.pte"):
        profiled(bindings, "net.pte", tensors, [(1,)], 1, 1)


def test_what_goes_wrong_is_one_error(recording):
    bindings, _ = recording(None)
    with pytest.raises(FrameworkError, match="recorded cannot be read: ValueError: no ETDump"):
        profiled(bindings, "net.pte", tensors, [(1,)], 1, 1)

    def fail(path, enable_etdump):
        raise RuntimeError("too little memory")

    with pytest.raises(FrameworkError, match=r"cannot load net\.pte a second time: too little memory"):
        profiled(Record(_load_for_executorch=fail), "net.pte", tensors, [(1,)], 1, 1)
