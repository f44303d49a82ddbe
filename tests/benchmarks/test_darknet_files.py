from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

#: Networks are built and exported; no code of ours is traced by that.
pytestmark = pytest.mark.long

torch = pytest.importorskip("torch")

from models.darknet_files import darknet_files  # noqa: E402
from models.yolov3_tiny import network  # noqa: E402
from torch import nn  # noqa: E402

from pytest_edgeperf import FrameworkError  # noqa: E402

RESOLUTION = 96


def written(folder, resolution=RESOLUTION):
    return darknet_files(network(), (1, 3, resolution, resolution), folder / "net.cfg", folder / "net.weights")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return written(tmp_path_factory.mktemp("darknet"))


def test_the_files_have_all_weights_and_only_plain_convolutions_as_heads(files):
    cfg, weights = map(Path, files)
    sections = [line for line in cfg.read_text().splitlines() if line.startswith("[")]
    assert sections.count("[convolutional]") == 13
    assert sections.count("[maxpool]") == 6
    assert "[yolo]" not in sections
    assert f"width={RESOLUTION}\n" in cfg.read_text()
    # as in yolov3-tiny.cfg: back to the trunk, up, and joined with what is finer
    assert "[route]\nlayers=13\n" in cfg.read_text()
    assert "[upsample]\nstride=2\n\n[route]\nlayers=18,8\n" in cfg.read_text()
    made = network()
    statistics = sum(2 * one.num_features for one in made.modules() if isinstance(one, torch.nn.BatchNorm2d))
    floats = sum(parameter.numel() for parameter in made.parameters()) + statistics
    data = weights.read_bytes()
    assert len(data) == 20 + 4 * floats
    assert np.frombuffer(data[:12], "<i4").tolist() == [0, 2, 0]
    # Darknet's first convolution: its bias comes first
    np.testing.assert_array_equal(np.frombuffer(data[20:84], "<f4"), made.fine[0][1].bias.detach().numpy())


def test_the_weights_are_the_same_at_every_resolution(files, tmp_path):
    cfg, weights = written(tmp_path, 64)
    assert Path(weights).read_bytes() == Path(files[1]).read_bytes()
    assert "width=64\n" in Path(cfg).read_text()


class Residual(nn.Module):
    """A sum with a rectifier after it, and a classifier of all cells."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 1)
        self.classifier = nn.Linear(4 * 16, 2)

    def forward(self, x):
        x = torch.relu(self.first(x))
        return self.classifier(torch.relu(self.second(x) + x).flatten(1))


def test_what_follows_a_sum_and_a_connected_layer_are_part_of_sections(tmp_path):
    cfg, _ = darknet_files(Residual(), (1, 3, 8, 8), tmp_path / "net.cfg", tmp_path / "net.weights")
    sections = Path(cfg).read_text().split("\n\n")
    assert sections[1].splitlines()[1:] == ["filters=4", "size=3", "stride=2", "padding=1", "activation=relu"]
    assert sections[3] == "[shortcut]\nfrom=0\nactivation=relu"
    assert sections[4] == "[connected]\noutput=2\nactivation=linear\n"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU6()), "Darknet has no layer for rectifier"),
        (nn.Conv2d(3, 4, (3, 1)), "the same in height and width"),
        (nn.Conv2d(3, 4, 3, dilation=2), "no dilation"),
        (nn.Flatten(), "no layer for a change of shape"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, made, why):
    with pytest.raises(FrameworkError, match=why):
        darknet_files(made, (1, 3, 8, 8), tmp_path / "net.cfg", tmp_path / "net.weights")
    assert list(tmp_path.iterdir()) == []
