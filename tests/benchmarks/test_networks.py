from __future__ import annotations

import hashlib
from importlib import import_module

import pytest

#: Networks are built and exported; no code of ours is traced by that.
pytestmark = pytest.mark.long

torch = pytest.importorskip("torch")

from models import darknet, mobilenetv2, resnet, yolov3, yolov3_tiny  # noqa: E402
from models.weights import figures, hold_variances, open_rectifiers, seeded, settle, unseeded_figures  # noqa: E402
from papers.suo_2021 import TABLE_1_BFLOPS  # noqa: E402
from tasks.detection import YOLOV3, YOLOV3_TINY, detect, letterbox  # noqa: E402
from tasks.images import photographs  # noqa: E402
from torch import nn  # noqa: E402

DIGEST = (
    "import hashlib; from models.{module} import network; "
    "values = [v.numpy().tobytes() for v in network().state_dict().values()]; "
    "print(hashlib.sha256(b''.join(values)).hexdigest())"
)


@pytest.mark.thorough
@pytest.mark.parametrize("module", ["mobilenetv2", "posenet", "yolov3_tiny"])
def test_weights_are_the_same_in_every_process(start_python, one_thread, module):
    other_threads = "import torch; torch.set_num_threads(2); torch.manual_seed(99); "
    process = start_python("-c", other_threads + DIGEST.format(module=module))
    values = [tensor.numpy().tobytes() for tensor in import_module(f"models.{module}").network().state_dict().values()]
    assert process.communicate()[0].strip() == hashlib.sha256(b"".join(values)).hexdigest()


def test_the_callers_generator_and_threads_are_left_alone(one_thread):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    torch.set_num_threads(2)
    with seeded(1):
        assert torch.get_num_threads() == 1
        torch.rand(3)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert torch.equal(torch.rand(1), expected)


def test_a_small_convolution_is_counted_by_hand(one_thread):
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
            self.linear = nn.Linear(6, 5)

        def forward(self, x):
            return self.linear(self.convolution(x).mean(dim=(2, 3)))

    multiply_accumulates = 6 * 4 * 4 * (2 * 3 * 3) + 6 * 5
    assert figures(Small(), (1, 4, 8, 8)) == {
        "parameters": 6 * 2 * 3 * 3 + 6 + 6 * 5 + 5,
        "multiply_accumulates": multiply_accumulates,
        "flops": 2 * multiply_accumulates,
    }


@pytest.mark.parametrize(
    ("layer", "given", "multiply_accumulates"),
    [
        (nn.Conv1d(4, 6, 3), (1, 4, 10), 6 * 8 * (4 * 3)),
        (nn.Conv3d(4, 6, 3, padding=1, groups=2), (1, 4, 5, 8, 8), 6 * 5 * 8 * 8 * (2 * 27)),
        # each of the 4 * 25 values goes into 6 filters' 9 values
        (nn.ConvTranspose2d(4, 6, 3, stride=2), (1, 4, 5, 5), 4 * 25 * 6 * 9),
        (nn.ConvTranspose3d(4, 6, 2, groups=2), (1, 4, 3, 5, 5), 4 * 75 * 3 * 8),
    ],
    ids=["of a row", "of clips", "transposed", "transposed, of clips"],
)
def test_every_convolution_is_counted(one_thread, layer, given, multiply_accumulates):
    assert figures(layer, given)["multiply_accumulates"] == multiply_accumulates


@pytest.mark.parametrize(
    ("norm", "shape"),
    [(nn.BatchNorm1d(2), (8, 2)), (nn.BatchNorm2d(2), (8, 2, 3, 3)), (nn.BatchNorm3d(2), (4, 2, 3, 3, 3))],
)
def test_every_norm_is_settled_and_held(one_thread, norm, shape):
    inputs = 5 + torch.randn(shape) * torch.tensor([0.001, 3.0]).reshape(1, 2, *[1] * (len(shape) - 2))
    settle(norm, [inputs.numpy()])
    axes = [axis for axis in range(len(shape)) if axis != 1]
    assert torch.allclose(norm.running_mean, inputs.mean(axes), atol=1e-5)
    assert torch.allclose(norm.running_var, inputs.var(axes), rtol=1e-3)
    assert not norm.training
    hold_variances(norm)
    assert norm.running_var[0] == pytest.approx(0.3 * float(inputs.var(axes).mean()), rel=0.01)
    open_rectifiers(norm)
    assert norm.bias.tolist() == [1, 1]


def test_resnet18_has_the_published_size():
    counted = unseeded_figures(resnet.architecture, (1, 3, 224, 224))
    assert counted["multiply_accumulates"] / 1e9 == pytest.approx(1.82, abs=0.01)
    assert counted["parameters"] == 11_689_512


def test_yolov3_tiny_has_darknets_operations():
    counted = unseeded_figures(yolov3_tiny.architecture, (1, 3, 416, 416))
    assert counted["flops"] / 1e9 == pytest.approx(5.56, abs=0.01)


@pytest.fixture(scope="module")
def yolov3_without_weights():
    with torch.device("meta"):
        return yolov3.architecture().eval()


@pytest.mark.parametrize(("resolution", "bflops"), TABLE_1_BFLOPS.items())
def test_yolov3_has_the_published_operations(yolov3_without_weights, resolution, bflops):
    counted = figures(yolov3_without_weights, (1, 3, resolution, resolution))
    assert counted["flops"] / 1e9 == pytest.approx(bflops, rel=1e-3)


def test_yolov3_has_darknets_parameters(yolov3_without_weights):
    # yolov3.weights: a header of 20 bytes, then floats; statistics of the norms are among them
    in_darknets_file = (248_007_048 - 20) // 4
    modules = list(yolov3_without_weights.modules())
    norms = [module for module in modules if isinstance(module, nn.BatchNorm2d)]
    counted = figures(yolov3_without_weights, (1, 3, 64, 64))["parameters"]
    assert counted + sum(2 * norm.num_features for norm in norms) == in_darknets_file
    assert counted / 1e6 == pytest.approx(61.9, rel=0.01)
    assert sum(isinstance(module, nn.Conv2d) for module in modules) == 75


def test_mobilenetv2_has_the_published_size():
    counted = unseeded_figures(mobilenetv2.architecture, (1, 3, 224, 224))
    assert counted["multiply_accumulates"] / 1e9 == pytest.approx(0.30, abs=0.005)
    assert counted["parameters"] == 3_504_872


def test_yolov3_has_three_heads(yolov3_without_weights):
    with torch.device("meta"):
        outputs = yolov3_without_weights(torch.zeros(1, 3, 416, 416))
    assert [tuple(output.shape) for output in outputs] == [(1, 255, 13, 13), (1, 255, 26, 26), (1, 255, 52, 52)]


def test_the_pool_in_place_has_minus_infinity_outside(one_thread):
    images = -1 - torch.rand(1, 2, 5, 5)
    padded = nn.functional.pad(images, (0, 1, 0, 1), value=float("-inf"))
    expected = nn.functional.max_pool2d(padded, 2, 1)
    assert torch.equal(darknet.PoolInPlace()(images), expected)


@pytest.mark.parametrize(("module", "heads"), [(yolov3_tiny, YOLOV3_TINY), (yolov3, YOLOV3)], ids=["tiny", "yolov3"])
def test_post_processing_has_a_trained_networks_work(one_thread, module, heads):
    made = module.network()
    for resolution in (224, 320):
        for photo in photographs(2):
            with torch.inference_mode():
                outputs = [head.numpy() for head in made(torch.from_numpy(letterbox(photo, resolution)))]
            assert 10 < len(detect(outputs, heads, resolution, photo.shape).boxes) < 400
