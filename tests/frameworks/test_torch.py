from __future__ import annotations

import shutil
import sys
from functools import partial

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.torch import Torch
from pytest_edgeperf.testing import SHAPE, expected, images, torch_network
from tests.contract.whole import whole

SPEC = TensorSpec("images", (2, 3))


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(1)


def load(source, **options):
    return Torch().load(Model("net", {"torch": source}, (SPEC,)), **options)


def test_it_infers_in_evaluation_mode_and_says_what_it_is(torch):
    engine = load(lambda: torch.nn.Dropout(0.9).train())
    images = engine.example_inputs(1)[0][0]
    (same,) = engine.infer(images)
    np.testing.assert_array_equal(same, images)
    described = engine.describe()
    assert (described["framework"], described["threads"], described["provider"]) == ("torch", 1, "cpu")
    assert described["version"] == torch.__version__


def test_a_module_itself_is_a_source_too(torch):
    assert load(torch.nn.ReLU()).infer(np.array([-1, 1], np.float32))[0].tolist() == [0, 1]


def test_threads_are_set_and_read_back(torch):
    assert load(torch.nn.ReLU, threads=2).describe()["threads"] == 2


def test_nested_outputs_come_flat_and_in_order(torch):
    class Nested(torch.nn.Module):
        def forward(self, x):
            return x, [x + 1, (x + 2,)], {"last": x + 3}

    outputs = load(Nested).infer(np.zeros(1, np.float32))
    assert [float(output[0]) for output in outputs] == [0, 1, 2, 3]


def test_an_output_that_is_no_tensor_is_refused(torch):
    class Text(torch.nn.Module):
        def forward(self, x):
            return x, "text"

    with pytest.raises(FrameworkError, match="'net' gave an output of type str"):
        load(Text).infer(np.zeros(1, np.float32))


def test_a_source_that_gives_no_module_is_refused(torch):
    with pytest.raises(FrameworkError, match=r"gave a int, not an nn\.Module"):
        load(int)


def test_a_half_precision_module_is_not_fp32(torch):
    with pytest.raises(FrameworkError, match=r"weight is torch\.float16, not float32"):
        load(lambda: torch.nn.Linear(3, 3).half())


def test_a_module_elsewhere_is_refused(torch):
    with pytest.raises(FrameworkError, match="weight is on meta"):
        load(lambda: torch.nn.Linear(3, 3, device="meta"))


def test_example_inputs_need_shapes(torch):
    engine = Torch().load(Model("net", {"torch": torch.nn.ReLU}))
    with pytest.raises(FrameworkError, match="does not know the shapes"):
        engine.example_inputs()


def test_a_closed_engine_says_so(torch):
    engine = load(torch.nn.ReLU)
    engine.close()
    with pytest.raises(FrameworkError, match="closed"):
        engine.infer(np.zeros(1, np.float32))


def test_what_it_cannot_do_is_declined_with_a_reason():
    assert "no 'torch' source, only: onnx" in str(Torch().unsupported(Model("net", {"onnx": str}), "fp32"))
    assert Torch().unsupported(Model("net", {"torch": object}), "int8") == "torch has no int8, only fp32, fp16, bf16"
    assert Torch().unsupported(Model("net", {"torch:bf16": object}), "bf16") is None
    assert Torch().unsupported(Model("net", {"torch": object}), "fp32") is None


def test_advice_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(Torch, "version", lambda self: None)
    with pytest.raises(FrameworkError, match=r"not installed; pip install 'pytest-edgeperf\[torch\]'"):
        load(object)


@whole
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_code_answers_right_and_under_its_own_name(torch, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    # Another number of classes than elsewhere: what was compiled in this process before is not compiled again.
    model = Model("contract", {"torch": partial(torch_network, 11)}, (TensorSpec("images", SHAPE),))
    engine = frameworks.get("torch:compile").load(model)
    (image, _) = images()
    np.testing.assert_allclose(engine.infer(image)[0], expected(image, 11), atol=1e-4)
    assert engine.describe()["framework"] == "torch:compile"
    assert any(path.suffix in (".so", ".cpp") for path in tmp_path.rglob("*"))
