"""The networks that no library has: their sizes are the printed ones, and their layers what their sizes need."""

from __future__ import annotations

import warnings

import pytest

#: Networks are built and exported; no code of ours is traced by that.
pytestmark = pytest.mark.long

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
from models import c3d, vgg_s  # noqa: E402
from models.network import Network  # noqa: E402
from models.networks import known  # noqa: E402
from models.weights import figures, he_normal, seeded, unseeded_figures  # noqa: E402
from papers.swaminathan_2024 import ACTION_NETWORKS  # noqa: E402
from torch import nn  # noqa: E402

#: Of printed figures.
CLOSE = 0.02


def counted(name):
    network = known(name)
    return unseeded_figures(network.architecture, network.shape(network.native))


@pytest.mark.parametrize("name", ACTION_NETWORKS)
def test_a_stand_in_has_the_printed_size(name):
    operations, parameters = ACTION_NETWORKS[name]
    figures_here = counted(name)
    assert figures_here["parameters"] == pytest.approx(parameters, rel=2e-3)
    assert figures_here["multiply_accumulates"] == pytest.approx(operations, rel=CLOSE)
    assert "stand-in" in known(name).description


@pytest.mark.parametrize(
    ("name", "parameters"), [("vgg-s", 102.91e6), ("vgg-s-32", 32.11e6), ("cifarnet", 0.79e6), ("c3d", 79.00e6)]
)
def test_hadidis_parameters(name, parameters):
    assert counted(name)["parameters"] == pytest.approx(parameters, rel=CLOSE)


def test_hadidis_operations():
    assert counted("c3d")["flops"] == pytest.approx(57.99e9, rel=CLOSE)
    assert counted("vgg-s-32")["multiply_accumulates"] == pytest.approx(0.11e9, rel=CLOSE)
    assert round(counted("cifarnet")["multiply_accumulates"] / 1e9, 2) == 0.01


def test_the_printed_operations_of_vgg_s_are_of_larger_maps():
    assert counted("vgg-s")["multiply_accumulates"] / 1e9 == pytest.approx(2.93, abs=0.005)
    last = 109**2 * 96 * 3 * 49 + 37**2 * 256 * 96 * 25 + 19**2 * (256 + 512 + 512) * 512 * 9
    linear = sum(layer.weight.numel() for layer in vgg_s.architecture("224").classifier if isinstance(layer, nn.Linear))
    assert (last + linear) / 1e9 == pytest.approx(3.27, rel=CLOSE)


@pytest.mark.parametrize("frames", [12, 16])
def test_c3d_has_the_same_weights_for_both_lengths(frames):
    with torch.device("meta"):
        made = c3d.C3D(frames)
        size = figures(made, (1, 3, frames, 112, 112))
    assert size["parameters"] == counted("c3d")["parameters"]
    assert size["multiply_accumulates"] / 1e9 == pytest.approx({12: 28.58, 16: 38.53}[frames], abs=0.05)
    with pytest.raises(ValueError, match="8 frames or more, not 7"):
        c3d.C3D(7)


def test_the_norm_across_channels_is_exported_as_one_node(tmp_path, one_thread):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    norm = vgg_s.LocalResponseNorm().eval()
    images = torch.randn(1, 12, 5, 7, generator=torch.Generator().manual_seed(0)) * 9
    file = str(tmp_path / "norm.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(norm, (images,), file, opset_version=17, input_names=["images"], dynamo=False)
    assert [node.op_type for node in onnx.load(file).graph.node] == ["LRN"]
    (found,) = onnxruntime.InferenceSession(file).run(None, {"images": images.numpy()})
    np.testing.assert_allclose(found, norm(images).numpy(), rtol=1e-5)


def test_an_autoencoder_gives_the_clip_back(one_thread):
    network = known("autoencoder")
    with torch.inference_mode():
        logits, clip = network.architecture().eval()(torch.zeros(network.shape(64, 2)))
    assert logits.shape == (2, 4)
    assert clip.shape == network.shape(64, 2)


def test_he_normal_weights_keep_the_size_of_what_passes(one_thread):
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(*[nn.Sequential(nn.Linear(256, 256), nn.ReLU()) for _ in range(12)])

        def forward(self, x):
            return self.layers(x)

    with seeded(5), torch.no_grad():
        made = Deep()
        he_normal(made)
        given = torch.randn(64, 256)
        assert 0.3 < float(made(given).square().mean() / given.square().mean()) < 3
    assert not any(layer[0].bias.detach().any() for layer in made.layers)


@pytest.mark.parametrize("name", ["densenet-action-recognition", "autoencoder", "cifarnet"])
def test_outputs_are_neither_large_nor_alike(one_thread, name):
    network: Network = known(name)
    made = network.build()
    given = [network.prepare(image, network.native) for image in network.images(3, 7)]
    with torch.inference_mode():
        outputs = [made(torch.from_numpy(array)) for array in given]
    logits = [(output[0] if isinstance(output, tuple) else output).numpy() for output in outputs]
    assert all(0.1 < each.std() < 10 for each in logits)
    assert np.abs(logits[0] - logits[1]).max() > 1e-2
