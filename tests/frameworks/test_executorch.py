from __future__ import annotations

import os
import shutil
import sys
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from pytest_edgeperf.caches import cache_folder
from pytest_edgeperf.frameworks import as_model
from pytest_edgeperf.frameworks.executorch import ExecuTorch
from pytest_edgeperf.frameworks.executorch.lowering import PROGRAM
from pytest_edgeperf.frameworks.interface import FrameworkError, Inputs, Model, TensorSpec
from pytest_edgeperf.testing import SHAPE, expected, images, torch_network

needs_runtime = pytest.mark.skipif(ExecuTorch().version() is None, reason="executorch is not installed")
SPECS = (TensorSpec("images", SHAPE),)


def small(**sources):
    sources = sources or {"torch": partial(torch_network, 10)}
    return Model("small", sources, SPECS, calibration=lambda: Inputs.of(images(16)))


def broad():
    """Enough work in one layer for several threads."""
    import torch

    return torch.nn.Conv2d(64, 64, 3, padding=1)


def solid():
    """A convolution that XNNPACK does not have."""
    import torch

    return torch.nn.Conv3d(1, 2, 3)


def several():
    """Outputs in a tuple and a dict."""
    import torch

    class Several(torch.nn.Module):
        def forward(self, x):
            return x + 1, {"twice": x * 2}

    return Several()


@pytest.fixture
def program(tmp_path) -> Path:
    digest = ExecuTorch().load(small()).describe()["engine_sha256"]
    (built,) = cache_folder("engines").glob(f"*-fp32-{digest}*/{PROGRAM}")
    return Path(shutil.copy(str(built), str(tmp_path / "own.pte")))


@needs_runtime
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_it_infers_and_says_what_the_program_holds(precision):
    engine = ExecuTorch().load(small(), precision=precision)
    (scores,) = engine.infer(images()[0])
    assert scores.dtype == np.float32
    assert np.abs(scores - expected(images()[0])).max() < 0.1
    described = engine.describe()
    assert described["version"] == metadata.version("executorch")
    assert described["provider"] == "XnnpackBackend"
    assert described["delegated_layers"] == {precision: 2}
    assert engine.placement()["XnnpackBackend"] == described["delegates"]
    assert engine.placement().get("portable kernels", 0) == sum(described["portable_operators"].values())
    assert not any("conv" in name or "addmm" in name for name in described["portable_operators"])
    assert set(described["built_with"]) == {"executorch", "torch", "torchao"}
    assert ("calibration" in described) == (precision == "int8")


@needs_runtime
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="the kernel does not report what threads did")
@pytest.mark.parametrize("threads", [1, 2])
def test_so_many_threads_compute(threads):
    """PyTorch's are not among them: its copy of so large an output would be made in parallel."""

    def busy():
        tasks = Path("/proc/self/task").iterdir()
        return {task.name: int((task / "schedstat").read_text().split()[0]) for task in tasks}

    model = Model("broad", {"torch": broad}, (TensorSpec("features", (1, 64, 64, 64)),))
    engine = ExecuTorch().load(model, threads=threads)
    inputs = engine.example_inputs(1)[0]
    engine.infer(*inputs)
    before = busy()
    for _ in range(30):
        engine.infer(*inputs)
    after = busy()
    gained = sorted(after[task] - before.get(task, 0) for task in after)
    assert sum(one > gained[-1] / 10 for one in gained) == threads
    assert engine.describe()["threads"] == threads


@needs_runtime
def test_the_pool_of_threads_is_not_changed_under_an_engine():
    engine = ExecuTorch().load(small(), threads=1)
    with pytest.raises(FrameworkError, match=r"one pool of threads .* are loaded with 1 and 2 were asked for"):
        ExecuTorch().load(small(), threads=2)
    engine.close()
    assert ExecuTorch().load(small(), threads=2).describe()["threads"] == 2


@needs_runtime
def test_channels_last_in_memory_are_not_taken_for_channels_first(program):
    """ExecuTorch itself silently gives a wrong answer for them."""
    import torch
    from executorch.runtime import Runtime

    engine = ExecuTorch().load(small())
    turned = np.ascontiguousarray(images()[0].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(engine.infer(turned)[0], expected(images()[0]), atol=1e-4)
    (wrong,) = Runtime.get().load_program(str(program)).load_method("forward").execute([torch.from_numpy(turned)])
    if np.allclose(wrong, expected(images()[0]), atol=1e-4):
        pytest.skip("this release takes them right")


@needs_runtime
def test_a_wrong_shape_is_told():
    engine = ExecuTorch().load(small())
    with pytest.raises(
        FrameworkError, match=r"'small' on float32 \[1, 4, 32, 32\] \(it takes float32 \[1, 3, 32, 32\]"
    ):
        engine.infer(np.zeros((1, 4, 32, 32), np.float32))


@needs_runtime
def test_outputs_come_flat_and_in_order():
    for precision in ("fp32", "fp16"):
        model = Model("several", {"torch": several}, (TensorSpec("x", (1, 4)),))
        engine = ExecuTorch().load(model, precision=precision)
        more, twice = engine.infer(np.full((1, 4), 3, np.float32))
        engine.infer(np.zeros((1, 4), np.float32))
        assert (more.tolist(), twice.tolist()) == ([[4] * 4], [[6] * 4])
        assert more.dtype == np.float32


@needs_runtime
def test_a_convolution_left_to_the_portable_kernels_is_refused():
    model = Model("solid", {"torch": solid}, (TensorSpec("volume", (1, 1, 8, 8, 8)),))
    with pytest.raises(FrameworkError, match=r"XNNPACK did not take 1 x aten::convolution\.out at fp32"):
        ExecuTorch().load(model)


@needs_runtime
def test_a_program_of_the_users_is_taken_as_it_is(program):
    engine = ExecuTorch().load(as_model(program))
    assert engine.inputs == (TensorSpec("input_0", SHAPE),)
    np.testing.assert_allclose(engine.infer(images()[0])[0], expected(images()[0]), atol=1e-4)
    assert engine.describe()["delegated_layers"] == {"fp32": 2}
    assert "built_with" not in engine.describe()


@needs_runtime
def test_a_program_in_another_precision_is_refused(program):
    with pytest.raises(FrameworkError, match=r"own\.pte should be int8, but it computes in fp32"):
        ExecuTorch().load(as_model(program), precision="int8")
    named = small(**{"executorch:int8": partial(str, program)})
    with pytest.raises(FrameworkError, match="should be int8"):
        ExecuTorch().load(named, precision="int8")


@needs_runtime
def test_inputs_that_are_not_the_programs_are_refused(program):
    model = Model("other", {"executorch": partial(str, program)}, (TensorSpec("images", (1, 3, 64, 64)),))
    with pytest.raises(FrameworkError, match=r"says its inputs are float32 \[1, 3, 64, 64\], .*own\.pte has float32"):
        ExecuTorch().load(model)


@needs_runtime
def test_a_module_that_no_other_process_can_make_is_refused():
    with pytest.raises(FrameworkError, match=r"sources\['torch'\] has to be made in another process"):
        ExecuTorch().load(small(torch=lambda: torch_network(10)))


@needs_runtime
def test_a_source_that_gives_no_module_is_told():
    with pytest.raises(FrameworkError, match=r"builtins\.str gave a str, not an nn\.Module"):
        ExecuTorch().load(small(torch=str))


def test_a_module_without_shapes_is_declined():
    reason = ExecuTorch().unsupported(Model("net", {"torch": broad}), "fp32")
    assert reason is not None
    assert "give them with Model(inputs=" in reason


def test_a_module_is_declined_at_no_precision_that_xnnpack_has():
    for precision in ("bf16", "tf32"):
        assert ExecuTorch().unsupported(small(), precision) == f"executorch has no {precision}, only fp32, fp16, int8"


def test_a_model_with_neither_source_is_declined():
    assert "'torch'" in str(ExecuTorch().unsupported(Model("net", {"onnx": str}), "fp32"))


def test_advice_where_it_is_not_installed(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "executorch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "executorch", None)
    monkeypatch.setattr(ExecuTorch, "version", lambda self: None)
    with pytest.raises(FrameworkError, match=r"not installed; pip install 'pytest-edgeperf\[executorch\]'"):
        ExecuTorch().providers()
    assert "Python 3.10" in ExecuTorch().advice_on("jetpack-5")


@needs_runtime
def test_its_operators_are_xnnpacks():
    engine = ExecuTorch().load(small())
    profile = engine.profile_operators([(image,) for image in images()], repetitions=2, calls=3)
    assert profile.source == "ExecuTorch's ETDump"
    for operators in profile.repetitions:
        kinds = [operator.kind for operator in operators]
        assert kinds.index("Convolution") < kinds.index("Fully Connected")
    engine.close()
    with pytest.raises(FrameworkError, match="closed"):
        engine.profile_operators([])
