"""What the benchmark of action recognition hands to the measuring: clips, and the network's own steps around it."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")

from studies import SWAMINATHAN_2024_ACTION
from suites import PAPERS
from tasks.clips import FRAMES


@pytest.fixture(scope="module")
def benchmarks(request):
    """The file, whose markers its own conftest brings."""
    for name in ("paper_suite", "full_suite", *PAPERS.values()):
        request.config.addinivalue_line("markers", f"{name}: of the experiments")
    return import_module("test_action_recognition")


class Recorder:
    """Takes what a benchmark gives."""

    def __call__(self, engine, inputs, preprocess, postprocess):
        (clip,) = inputs[0]
        self.given = preprocess(clip)
        self.answer = postprocess([np.array([[0.0, 3.0, 1.0, 0.0]], np.float32)])

    def study(self, study, *, series, x, label):
        self.place = (study, series, x, label)


@pytest.mark.parametrize(("precision", "series"), [("fp32", "torch"), ("fp16", "torch fp16")])
def test_a_clip_goes_through_the_networks_own_steps(benchmarks, precision, series):
    taken = Recorder()
    framework = SimpleNamespace(name="torch", load=lambda model, precision: (model, precision))
    benchmarks.measure(SWAMINATHAN_2024_ACTION, taken, framework, precision, "autoencoder")
    assert taken.given.shape == (1, 3, FRAMES, 64, 64)
    assert taken.answer[0] == 1
    study, *place = taken.place
    assert (study.name, *place) == (
        "swaminathan-2024 table 1, action recognition",
        series,
        pytest.approx(0.0445, rel=0.01),
        "autoencoder",
    )
