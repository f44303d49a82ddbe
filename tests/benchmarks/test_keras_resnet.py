from __future__ import annotations

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorflow")

from models import resnet  # noqa: E402
from tasks.classification import crop  # noqa: E402
from tasks.images import photographs  # noqa: E402

from pytest_edgeperf.frameworks.interface import Model, TensorSpec  # noqa: E402
from pytest_edgeperf.frameworks.tensorflow import TensorFlow  # noqa: E402

RESOLUTION = 96
WRITE = """
import pathlib, sys
from models.keras_resnet import saved_model
print(saved_model(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
"""


@pytest.mark.slow
def test_it_answers_as_the_one_in_torch(tmp_path, one_thread, start_python):
    # Making it starts TensorFlow, whose number of threads is fixed then.
    path = start_python("-c", WRITE, str(tmp_path), str(RESOLUTION)).communicate()[0].strip()
    images = TensorSpec("images", (1, 3, RESOLUTION, RESOLUTION))
    engine = TensorFlow().load(Model("resnet18", {"tensorflow": partial(str, path)}, (images,)))
    made = resnet.network()
    for photo in photographs(2):
        array = crop(photo, RESOLUTION)
        (logits,) = engine.infer(array)
        with torch.inference_mode():
            right = made(torch.from_numpy(array)).numpy()
        assert logits.shape == right.shape
        assert np.abs(logits - right).max() <= 1e-4 * np.abs(right).max()
    parameters = sum(parameter.numel() for parameter in made.parameters())
    assert engine.size_mib == pytest.approx(parameters * 4 / 2**20, rel=0.05)
