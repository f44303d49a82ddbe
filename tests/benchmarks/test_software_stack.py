"""What the benchmark of the software stack loads: files that are there already, and nothing that is made meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from models import state_files
from models.networks import known

from pytest_edgeperf import Model

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


class Tiny:
    """A network of two numbers, whose weights nobody computes."""

    name = "tiny"
    training = ""

    def architecture(self):
        return torch.nn.Linear(1, 1)

    def build(self):
        made = self.architecture().eval()
        torch.nn.init.constant_(made.weight, 3.0)
        torch.nn.init.constant_(made.bias, 1.0)
        return made


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    monkeypatch.setattr(state_files, "folder_of", lambda network: tmp_path / "tiny")
    return Tiny()


def test_weights_from_a_file_are_those_that_were_written(tiny):
    assert state_files.write(tiny)
    assert not state_files.write(tiny)
    made = state_files.loaded(tiny, state_files.ensure(tiny))
    assert not made.training
    assert made(torch.tensor([[2.0]])).item() == 7.0


def test_a_file_that_others_could_have_written_is_not_read(tiny, tmp_path):
    state_files.write(tiny)
    (tmp_path / "tiny" / state_files.WEIGHTS).chmod(0o666)
    with pytest.raises(Exception, match="weights of tiny were not written"):
        state_files.ensure(tiny)


def test_what_sources_make_is_made_before_loading(tiny):
    made = []

    def source(kind):
        return lambda: made.append(kind) or f"/{kind}"

    model = Model("tiny", {kind: source(kind) for kind in ("onnx", "torch", "tensorflow", "darknet")})
    state_files.write(tiny)
    assert made == []
    for framework, expected in (("onnxruntime", ["onnx"]), ("tensorflow", ["onnx", "tensorflow"]), ("torch", ["onnx"])):
        made.clear()
        prepared = state_files.on_disk(model, tiny, framework)
        assert made == expected
        made.clear()
        assert prepared.sources["onnx"]() == "/onnx"
        if framework == "tensorflow":
            assert prepared.sources["tensorflow"]() == "/tensorflow"
        assert made == []


def test_a_torch_model_reads_the_file_of_its_weights_which_is_written_once(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(state_files.kept_files, "run_module", lambda *_: pytest.fail("written again"))
    state_files.write(tiny)
    made = state_files.module(tiny)
    assert isinstance(made, torch.nn.Linear)
    assert made(torch.tensor([[2.0]])).item() == 7.0


@pytest.mark.thorough
@pytest.mark.slow
def test_a_real_networks_file_answers_as_the_network():
    network = known("mobilenetv2")
    image = torch.from_numpy(network.prepare(network.images(1, 5)[0], 96))
    with torch.inference_mode():
        read = state_files.loaded(network, state_files.ensure(network))(image)
        assert np.array_equal(read.numpy(), network.build()(image).numpy())


@pytest.mark.slow
def test_collecting_the_benchmark_imports_no_runtime():
    code = "import sys, test_software_stack; print([name for name in ('torch', 'onnxruntime') if name in sys.modules])"
    path = os.pathsep.join([str(BENCHMARKS), str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")])
    child = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert child.stdout.strip() == "[]"
