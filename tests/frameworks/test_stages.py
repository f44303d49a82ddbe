"""How long importing, reading and building take, each without the others."""

from __future__ import annotations

import builtins
import importlib
import sys
import threading
import time

import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks.building import file_digest
from pytest_edgeperf.frameworks.handle import FrameworkHandle
from pytest_edgeperf.frameworks.interface import Engine, EngineDescription, Framework, Model, SelfTimed, TensorSpec
from pytest_edgeperf.frameworks.sources import obtain
from pytest_edgeperf.frameworks.stages import BUILD, IMPORT, READ, UNCOUNTED, Stages, stage
from pytest_edgeperf.frameworks.tensorflow import TensorFlow as TensorFlowAdapter
from tests.fakes.tensorflow_api import Network, TensorFlow

#: What the fake runtime takes, in ms; sleeps are never shorter.
IMPORTS, LATE_IMPORT, READS, BUILDS, DIGESTS = 30.0, 20.0, 25.0, 15.0, 40.0
PYTHON = (builtins.__import__, importlib.import_module)


def sleep(ms):
    time.sleep(ms / 1e3)


class SlowEngine(Engine):
    def infer(self, *arrays):
        return arrays

    def describe(self):
        return EngineDescription(self.framework, "1", self.precision, "cpu", 1)


class Slow(Framework):
    """A runtime with a package that imports half of itself late, while the model is read."""

    name = "slow"
    install_advice = "cannot be"
    engine = SlowEngine

    def version(self):
        return "1"

    def unsupported(self, model, precision):
        return None

    def _load(self, configuration):
        self.imported("slow_runtime")
        with self.reading():
            obtain(configuration.model, "slow")
        sleep(BUILDS)
        digested(DIGESTS)
        return self.engine(configuration)


@stage(UNCOUNTED)
def digested(ms):
    import wave  # noqa: F401 (an import of ours counts no more than the rest)

    with stage(READ):
        sleep(ms)


def late():
    import slow_runtime.late  # noqa: F401

    sleep(READS)


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """The runtime's package, not imported yet."""
    package = tmp_path / "slow_runtime"
    package.mkdir()
    for name, ms in (("__init__", IMPORTS), ("late", LATE_IMPORT)):
        (package / f"{name}.py").write_text(f"import time, decimal\ntime.sleep({ms / 1e3})\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.startswith("slow_runtime")]:
        del sys.modules[name]
    assert (builtins.__import__, importlib.import_module) == PYTHON


def load(framework, stack=True):
    handle = FrameworkHandle(framework, threads=1, software={}, skip=pytest.fail, stack=lambda: stack)
    return handle.load(Model("net", {"slow": late}))


def test_importing_reading_and_building_are_apart_and_a_late_import_is_none_of_the_reading(runtime):
    before = time.perf_counter()
    engine = load(Slow())
    whole = (time.perf_counter() - before) * 1e3
    times = engine.load_ms
    assert set(times) == {"import_time", "load_time", "build_time"}
    assert times["import_time"] >= IMPORTS + LATE_IMPORT
    assert times["load_time"] >= READS
    assert times["build_time"] >= BUILDS
    assert sum(times.values()) <= whole - DIGESTS
    assert engine.imported_before == ()


def test_a_runtime_that_was_imported_before_has_no_import_time_and_is_named(runtime):
    import slow_runtime  # noqa: F401

    engine = load(Slow())
    assert set(engine.load_ms) == {"load_time", "build_time"}
    assert engine.imported_before == ("slow_runtime",)


def test_nothing_is_timed_and_no_import_replaced_unless_it_is_asked_for(runtime):
    seen = []
    Slow().load(Model("net", {"slow": lambda: seen.append((builtins.__import__, importlib.import_module))}))
    engine = load(Slow(), stack=False)
    assert seen == [PYTHON]
    assert dict(engine.load_ms) == {}


def test_what_a_program_of_its_own_runs_is_not_loaded_by_this_process(runtime):
    class Elsewhere(SlowEngine, SelfTimed):
        def run_for(self, seconds, *arrays):
            return {}

    framework = Slow()
    framework.engine = Elsewhere
    assert dict(load(framework).load_ms) == {}


def test_a_framework_that_reads_and_builds_in_one_step_has_no_load_time(runtime):
    class InOneStep(Slow):
        def _load(self, configuration):
            self.imported("slow_runtime")
            return SlowEngine(configuration)

    assert set(load(InOneStep()).load_ms) == {"import_time", "build_time"}


def test_a_failing_load_leaves_pythons_imports_as_they_were(runtime):
    class Failing(Slow):
        def _load(self, configuration):
            with stage(READ):
                raise KeyError("no such file")

    with pytest.raises(KeyError):
        load(Failing())


def test_the_imports_of_another_thread_are_nobodys(runtime):
    with Stages() as stages, stage(BUILD):
        other = threading.Thread(target=importlib.import_module, args=("slow_runtime",))
        other.start()
        other.join()
    assert IMPORT not in stages.times_ms()


def test_two_threads_load_at_once_and_the_last_restores_pythons_imports(runtime):
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with Stages():
            entered.set()
            leave.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    entered.wait(10)
    with Stages() as stages, stage(BUILD):
        import slow_runtime  # noqa: F401
    assert builtins.__import__ is not PYTHON[0]
    leave.set()
    other.join()
    assert stages.times_ms()[IMPORT] >= IMPORTS


def test_a_replacement_of_somebody_else_stays(runtime, monkeypatch):
    def own(*args, **keywords):
        return PYTHON[0](*args, **keywords)

    with Stages():
        monkeypatch.setattr(builtins, "__import__", own)
    assert builtins.__import__ is own
    monkeypatch.undo()
    monkeypatch.setattr(builtins, "__import__", PYTHON[0])
    assert importlib.import_module is PYTHON[1]


def test_stages_outside_a_load_are_not_counted(tmp_path):
    (tmp_path / "file").write_text("x")
    with Stages() as stages:
        with stage(READ):
            file_digest(str(tmp_path / "file"))
        with stage(BUILD):
            file_digest(str(tmp_path / "file"))
    assert set(stages.times_ms()) == {BUILD}


def steps_of(name, model):
    handle = FrameworkHandle(frameworks.get(name), threads=1, software={}, skip=pytest.fail, stack=lambda: True)
    return handle.load(model)


def test_pytorch_has_the_making_of_its_module_as_load_time():
    torch = pytest.importorskip("torch")

    def module():
        sleep(READS)
        return torch.nn.Linear(2, 1).eval()

    engine = steps_of("torch", Model("net", {"torch": module}, (TensorSpec("x", (1, 2)),)))
    assert set(engine.load_ms) == {"load_time", "build_time"}
    assert engine.load_ms["load_time"] >= READS
    # this process had it before
    assert engine.imported_before == ("torch",)


class SlowNetwork(Network):
    """Nothing of it is slow but its inference."""

    def __call__(self, tensor, training):
        sleep(1000)
        return super().__call__(tensor, training)


@pytest.mark.parametrize("name", ["tensorflow", "tensorflow:cuda"])
def test_tensorflow_has_no_first_inference_in_its_building(name, monkeypatch):
    tf = TensorFlow(gpus=int(name.endswith("cuda")))
    monkeypatch.setitem(sys.modules, "tensorflow", tf)
    monkeypatch.setattr(TensorFlowAdapter, "version", lambda self: tf.__version__)
    engine = steps_of(name, Model("net", {"tensorflow": SlowNetwork}, (TensorSpec("images", (1, 2)),)))
    assert set(engine.load_ms) == {"load_time", "build_time"}
    assert sum(engine.load_ms.values()) < engine.first_ms
    assert engine.imported_before == ("tensorflow",)
