"""What the trace of PyTorch's profiler becomes: on events like its own, and with PyTorch."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks.interface import DeviceTimed, Model, TensorSpec
from pytest_edgeperf.frameworks.profiling import WARM_UP_CALLS, NoProfile
from pytest_edgeperf.frameworks.torch.operator_times import INFERENCE, MODULE, operators_of, profile
from pytest_edgeperf.testing import SHAPE, images, torch_network
from tests.contract.whole import whole

KINDS = {"": "", "block": "", "block.conv": "Conv2d", "block.same": "Identity"}


class Range:
    def __init__(self, start, end):
        self.start, self.end = start, end

    def elapsed_us(self):
        return self.end - self.start


def event(name, start, end, *children, kernels=()):
    return SimpleNamespace(
        name=name,
        time_range=Range(start, end),
        cpu_children=list(children),
        kernels=[SimpleNamespace(duration=took) for took in kernels],
    )


def rows(events, on_gpu=False):
    return [(one.name, one.kind, round(one.time_ms, 6)) for one in operators_of(events, KINDS, on_gpu)]


def inference(*children, **more):
    return event(INFERENCE, 0, 1000, *children, **more)


def test_a_layer_is_one_operator_and_what_is_inside_it_none():
    inner = event("aten::convolution", 20, 60, event("aten::mkldnn_convolution", 22, 58))
    layer = event(MODULE + "block.conv", 10, 80, event("aten::conv2d", 15, 65, inner), event("aten::view", 66, 68))
    assert rows([inference(event(MODULE, 5, 90, layer))]) == [("block.conv", "Conv2d", 0.052)]


def test_operations_beside_layers_have_the_name_of_the_module_that_calls_them():
    block = event(
        MODULE + "block",
        10,
        90,
        event("aten::add", 70, 80),
        event(MODULE + "block.conv", 20, 60, event("aten::conv2d", 30, 50)),
        event(MODULE + "block.same", 61, 62),
        event("aten::add", 11, 15),
        event("torchvision::nms", 81, 82),
    )
    other = event(MODULE + "block", 100, 120, event("aten::add", 101, 103))
    assert rows([inference(event(MODULE, 5, 130, block, other, event("aten::relu_", 125, 128)))]) == [
        ("block/add", "aten::add", 0.004),
        ("block.conv", "Conv2d", 0.020),
        ("block/add (2)", "aten::add", 0.010),
        ("block/nms", "torchvision::nms", 0.001),
        # A module that is called twice has the same operators again.
        ("block/add", "aten::add", 0.002),
        ("relu_", "aten::relu_", 0.003),
    ]


def test_what_only_stands_around_operations_is_opened_and_what_is_outside_inferences_is_left_out():
    region = event(
        "Torch-Compiled Region: 0/0",
        2,
        90,
        event("TorchDynamo Cache Lookup", 3, 5),
        event("## Call CompiledFxGraph abc ##", 10, 80, event("graph_3_cpp_fused_convolution_relu_0", 20, 50)),
        event("mkldnn::_linear_pointwise", 82, 85),
    )
    assert rows([event("aten::warm", 0, 1), inference(region)]) == [
        ("cpp_fused_convolution_relu_0", "cpp_fused_convolution_relu_0", 0.030),
        ("_linear_pointwise", "mkldnn::_linear_pointwise", 0.003),
    ]


def test_on_a_gpu_an_operator_takes_what_its_kernels_take_and_ranges_add_nothing():
    convolution = event("aten::cudnn_convolution", 30, 40, event("cudaLaunchKernel", 31, 33), kernels=(500, 100))
    layer = event(
        MODULE + "block.conv", 20, 60, event("aten::conv2d", 25, 50, convolution, kernels=(7,)), kernels=(607,)
    )
    copy = event("aten::to", 2, 4, event("aten::copy_", 3, 4, kernels=(20,)))
    events = [inference(copy, event(MODULE, 5, 90, layer, event("aten::view", 70, 71))), event(INFERENCE, 0, 1)]
    assert rows(events, on_gpu=True) == [
        ("to", "aten::to", 0.020),
        ("block.conv", "Conv2d", 0.607),
        ("view", "aten::view", 0.0),
    ]


class GpuEngine(DeviceTimed):
    framework = "torch:cuda"
    asked = 0
    waited = 0

    def __init__(self):
        """Nothing to load."""

    def infer(self, *arrays):
        self.asked += 1

    def infer_timed(self, *arrays):
        raise AssertionError("not asked for")

    def synchronise(self):
        self.waited += 1

    def describe(self):
        raise AssertionError("not asked for")


class FakeTorch:
    """A profiler that records the same kernels in each inference, and module hooks that nobody calls."""

    def __init__(self, kernels):
        self.kernels, self.activities, self.hooks, self.inferences = kernels, [], 0, 0
        kinds = SimpleNamespace(CPU="cpu", CUDA="cuda")
        self.profiler = SimpleNamespace(ProfilerActivity=kinds, profile=self.profile, record_function=self.record)
        hooks = SimpleNamespace(register_module_forward_pre_hook=self.hook, register_module_forward_hook=self.hook)
        self.nn = SimpleNamespace(modules=SimpleNamespace(module=hooks))

    @contextmanager
    def profile(self, activities):
        self.activities.append(activities)
        self.inferences = 0
        yield SimpleNamespace(events=lambda: [self.trace() for _ in range(self.inferences)])

    @contextmanager
    def record(self, name):
        assert name == INFERENCE
        self.inferences += 1
        yield

    def trace(self):
        return inference(event(MODULE + "block.conv", 1, 9, event("aten::conv2d", 2, 8, kernels=self.kernels)))

    def hook(self, function):
        self.hooks += 1
        return SimpleNamespace(remove=self.unhook)

    def unhook(self):
        self.hooks -= 1


def test_on_a_gpu_kernels_are_recorded_and_waited_for():
    torch, engine = FakeTorch(kernels=(40, 2)), GpuEngine()
    made = profile(engine, torch, {1: ("block.conv", "Conv2d")}, [(1,), (2,)], 2, 5)
    assert made.sums_ms == (0.042, 0.042)
    assert engine.asked == WARM_UP_CALLS + 2 * 5
    assert engine.waited == 3
    assert torch.activities == [["cpu", "cuda"]] * 3
    assert torch.hooks == 0


def test_without_kernels_of_the_gpu_there_is_no_profile():
    torch = FakeTorch(kernels=())
    with pytest.raises(
        NoProfile, match=r"^torch:cuda: torch\.profiler recorded no kernel of the GPU: it needs NVIDIA's"
    ):
        profile(GpuEngine(), torch, {1: ("block.conv", "Conv2d")}, [(1,)], 2, 5)
    assert torch.hooks == 0


# With PyTorch.


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(1)


def load(module, name="torch", spec=("x", (1, 8, 32, 32)), **options):
    return frameworks.get(name).load(Model("net", {"torch": lambda: module}, (TensorSpec(*spec),)), **options)


def names_of(operators):
    return {operator.name: operator.kind for operator in operators}


def residual(torch, sizes=(3, 3)):
    class Block(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = torch.nn.ModuleList(torch.nn.Conv2d(8, 8, size, padding=size // 2) for size in sizes)
            self.same = torch.nn.Identity()

        def forward(self, x):
            for conv in self.convs:
                x = x + torch.relu(self.same(conv(x)))
            return x

    return torch.nn.Sequential(Block(), torch.nn.ReLU())


def test_layers_are_found_by_their_names(torch):
    made = load(residual(torch)).profile_operators(images_of(2), 2, 3)
    first, second = made.repetitions
    assert names_of(first) == {
        "0.convs.0": "Conv2d",
        "0/relu": "aten::relu",
        "0/add": "aten::add",
        "0.convs.1": "Conv2d",
        "0/relu (2)": "aten::relu",
        "0/add (2)": "aten::add",
        "1": "ReLU",
    }
    assert [operator.name for operator in first] == [operator.name for operator in second]
    assert made.source == "torch.profiler"


def images_of(count, shape=(1, 8, 32, 32)):
    generator = np.random.default_rng(3)
    return [(generator.standard_normal(shape).astype(np.float32),) for _ in range(count)]


@pytest.mark.parametrize("slower", [0, 1])
def test_the_layer_that_got_slower_grew_most(torch, slower):
    def times(sizes):
        made = load(residual(torch, sizes)).profile_operators(images_of(2), 3, 10)
        rows = [{operator.name: operator.time_ms for operator in operators} for operators in made.repetitions]
        return {name: np.median([row[name] for row in rows]) for name in rows[0]}

    before, after = times((3, 3)), times([9 if place == slower else 3 for place in range(2)])
    assert max(after, key=lambda name: after[name] - before[name]) == f"0.convs.{slower}"


def test_the_module_is_left_as_it_was_also_after_an_error(torch):
    hooks = torch.nn.modules.module
    module = residual(torch)
    engine = load(module)
    (arrays,) = images_of(1)
    answer = engine.infer(*arrays)[0]
    engine.profile_operators([arrays], 1, 2)
    with pytest.raises(RuntimeError):
        engine.profile_operators([(np.zeros((1, 5, 32, 32), np.float32),)], 1, 2)
    np.testing.assert_array_equal(engine.infer(*arrays)[0], answer)
    assert not hooks._global_forward_hooks
    assert not hooks._global_forward_pre_hooks
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_a_module_without_layers_and_one_of_torchscript_show_their_operations(torch, tmp_path):
    class Plain(torch.nn.Module):
        def forward(self, x):
            return torch.relu(x) + x

    plain = load(Plain()).profile_operators(images_of(1), 1, 2).repetitions[0]
    assert names_of(plain) == {"relu": "aten::relu", "add": "aten::add"}
    scripted = torch.jit.trace(residual(torch).eval(), torch.zeros(1, 8, 32, 32))
    traced = load(scripted).profile_operators(images_of(1), 1, 2).repetitions[0]
    kinds = [operator.kind for operator in traced]
    assert kinds.count("aten::conv2d") + kinds.count("aten::_convolution") == 2
    assert names_of(traced)["add (2)"].startswith("aten::add")


def test_half_precision_shows_its_conversions(torch):
    operators = load(residual(torch), precision="bf16").profile_operators(images_of(1), 1, 2).repetitions[0]
    assert {"0.convs.0", "to"} <= set(names_of(operators))


@whole
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch:compile needs a C++ compiler")
def test_a_compiled_module_shows_inductors_kernels(torch, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    engine = load(torch_network(), "torch:compile", ("images", SHAPE))
    answer = engine.infer(images()[0])[0]
    made = engine.profile_operators([(image,) for image in images()], 2, 3)
    kinds = [operator.kind for operator in made.repetitions[0]]
    assert any("_fused_" in kind for kind in kinds)
    assert min(made.sums_ms) > 0
    np.testing.assert_array_equal(engine.infer(images()[0])[0], answer)
