from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from labelled import digits
from models import build, export, training
from models.networks import known

from pytest_edgeperf import FrameworkError
from pytest_edgeperf.frameworks import get

from ..networks import cache_with, identity

#: Networks are built and exported; no code of ours is traced by that.
pytestmark = pytest.mark.long

NAME = "digits-cnn"


@pytest.fixture(scope="session")
def trained_cache(tmp_path_factory, request):
    """A cache with the trained and exported network."""
    for package in ("sklearn", "torch", "onnx", "onnxruntime"):
        pytest.importorskip(package)
    return cache_with(tmp_path_factory, request.config, [(NAME, 8)])


@pytest.fixture
def cache(trained_cache, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(trained_cache))
    return trained_cache


@pytest.fixture
def no_child(monkeypatch):
    run_module = training.kept_files.run_module

    def run_but_these(module, *arguments):
        if module in ("models.training", "models.export"):
            pytest.fail("trained or exported again")
        return run_module(module, *arguments)

    monkeypatch.setattr(training.kept_files, "run_module", run_but_these)


@pytest.fixture
def held_out():
    pytest.importorskip("sklearn")
    return digits.held_out()


def accuracy(engine, held_out):
    return digits.correct(engine, held_out.images, held_out.labels).mean()


def test_the_parts_are_the_whole_set_and_share_nothing(held_out):
    from sklearn.datasets import load_digits

    given = digits.training()
    assert len(held_out.labels) == 450
    assert not set(held_out.ids) & set(given.ids)
    assert sorted((*held_out.ids, *given.ids)) == [f"digits-{index:04d}" for index in range(1797)]
    loaded = load_digits()
    for part in (given, held_out):
        places = [int(one.rpartition("-")[2]) for one in part.ids]
        np.testing.assert_array_equal(part.images[:, 0] * 16, loaded.images[places])
        np.testing.assert_array_equal(part.labels, loaded.target[places])
        assert (part.images.dtype, part.labels.dtype) == (np.float32, np.int64)
        assert np.bincount(part.labels, minlength=10).min() > 0.07 * len(part.labels)


def test_the_split_is_the_same_in_every_process(held_out, start_python):
    code = "from labelled import digits; print(*digits.held_out().ids)"
    assert tuple(start_python("-c", code).communicate()[0].split()) == held_out.ids


def test_without_scikit_learn_the_remedy_is_named(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else find_spec(name))
    assert "pip install 'pytest-edgeperf[digits]'" in digits.missing()
    with pytest.raises(FrameworkError, match="scikit-learn, which is not installed: pip install"):
        digits.held_out()
    with pytest.raises(FrameworkError, match="scikit-learn, which is not installed: pip install"):
        build(NAME, 8).calibration()


def test_with_scikit_learn_nothing_is_missing(held_out):
    assert digits.missing() is None


@pytest.mark.parametrize("framework", ["onnxruntime", "torch"])
def test_it_knows_digits_that_it_has_not_seen(cache, no_child, one_thread, held_out, framework):
    assert accuracy(get(framework).load(build(NAME, 8)), held_out) > 0.97


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_fewer_bits_cost_less_than_half_a_point(cache, no_child, held_out, precision):
    model = build(NAME, 8)
    framework = get("onnxruntime")
    lost = accuracy(framework.load(model), held_out) - accuracy(framework.load(model, precision=precision), held_out)
    assert lost < 0.005


def test_wrong_answers_are_told_example_by_example(cache, held_out):
    engine = get("onnxruntime").load(build(NAME, 8))
    right = digits.correct(engine, held_out.images, held_out.labels)
    assert (right.shape, right.dtype) == ((450,), bool)
    others = (held_out.labels + 1) % 10
    assert not (right & digits.correct(engine, held_out.images, others)).any()


def test_the_export_is_checked_and_counted(cache, no_child):
    model = build(NAME, 8)
    about = export.find(known(NAME), 8).about
    assert about["largest_relative_error"] < 1e-4
    assert 23_000 < model.parameters["parameters"] < 25_000
    assert model.parameters["multiply_accumulates"] == 64 * 16 * 9 + 64 * 32 * 16 * 9 + 16 * 64 * 32 * 9 + 64 * 10
    assert model.inputs[0].shape == (1, 1, 8, 8)
    with pytest.raises(FrameworkError, match="digits-cnn: the resolution must be 8, not 16"):
        build(NAME, 16)


def test_nothing_held_out_is_in_the_calibration(cache, no_child, held_out):
    model = build(NAME, 8)
    seen = {image.tobytes() for image in digits.training().images}
    hidden = {image.tobytes() for image in held_out.images}
    for inputs in (model.calibration(), model.reference().inputs):
        used = {entry[0].tobytes() for entry in inputs}
        assert used <= seen
        assert not used & hidden
    assert len(model.calibration()) == 16


def test_a_seed_gives_the_same_weights_bit_by_bit(one_thread, held_out):
    from models import digits_cnn

    first = digits_cnn.train(epochs=1).state_dict()
    one_thread.manual_seed(99)
    again = digits_cnn.train(epochs=1).state_dict()
    for key, tensor in first.items():
        assert one_thread.equal(again[key], tensor)
    assert not one_thread.equal(first["classifier.weight"], digits_cnn.architecture().state_dict()["classifier.weight"])


@pytest.fixture
def own_weights(cache, tmp_path, monkeypatch):
    """A cache of its own with the trained weights and no export."""
    weights = training.file_of(known(NAME)).read_bytes()
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    path = training.file_of(known(NAME))
    path.write_bytes(weights)
    return path


def test_kept_weights_are_read_and_not_trained_again(own_weights, no_child, one_thread, monkeypatch):
    from models import digits_cnn

    monkeypatch.setattr(digits_cnn, "train", lambda: pytest.fail("trained again"))
    written = identity(own_weights)
    assert export.export(known(NAME), 8)
    assert not training.train(known(NAME))
    assert identity(own_weights) == written


@pytest.mark.thorough
@pytest.mark.slow
def test_two_processes_train_once(cache, tmp_path, monkeypatch, start_python):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    children = [start_python("-m", "models.training", NAME) for _ in range(2)]
    assert sorted(child.communicate()[0].strip() for child in children) == ["found", "trained"]
    assert training.find(known(NAME)) is not None
    assert not list((tmp_path / "models").glob(".*"))


@pytest.mark.parametrize(
    "damage", [lambda content: content[:2000], lambda content: b"", None], ids=["cut", "empty", "bit"]
)
def test_damaged_weights_are_found_and_said(own_weights, damage):
    content = bytearray(own_weights.read_bytes())
    if damage is None:
        content[len(content) // 2] ^= 1
    own_weights.write_bytes(content if damage is None else damage(content))
    with pytest.warns(UserWarning, match="is damaged .* will be trained again"):
        assert training.find(known(NAME)) is None


def test_damaged_weights_are_trained_again_and_kept_as_training_gives_them(own_weights, one_thread, monkeypatch):
    from models import digits_cnn

    trained = []
    train = digits_cnn.train
    monkeypatch.setattr(digits_cnn, "train", lambda: trained.append(train()) or trained[0])
    whole = training.find(known(NAME))
    own_weights.write_bytes(own_weights.read_bytes()[:2000])
    with pytest.warns(UserWarning, match="will be trained again"):
        assert training.train(known(NAME))
    again = training.find(known(NAME))
    (network,) = trained
    assert again.keys() == network.state_dict().keys() == whole.keys()
    for key, tensor in network.state_dict().items():
        np.testing.assert_array_equal(again[key], tensor.numpy())
        np.testing.assert_array_equal(again[key], whole[key])


def test_the_wait_is_told_and_a_failed_training_says_why(cache, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(FrameworkError, match=r"training digits-cnn failed \(1\)"):
        build(NAME, 8).sources["onnx"]()
    told = capsys.readouterr().err
    assert "digits-cnn has no weights yet: training it once (some seconds), to be kept as" in told
    assert str(training.file_of(known(NAME))) in told


def test_only_what_is_trained_can_be_trained(start_python, capfd):
    assert start_python("-m", "models.training", "resnet18").wait() == 1
    assert "resnet18 has seeded weights and is not trained" in capfd.readouterr().err


def test_other_sources_have_other_weights(cache, tmp_path, monkeypatch):
    before = training.file_of(known(NAME))
    for name in ("models/training.py", "models/weights.py", "models/digits_cnn.py", "labelled/digits.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((training.kept_files.BENCHMARKS / name).read_bytes())
    monkeypatch.setattr(training.kept_files, "BENCHMARKS", tmp_path)
    assert training.file_of(known(NAME)) == before
    with (tmp_path / "labelled" / "digits.py").open("a") as file:
        file.write("\n")
    assert training.file_of(known(NAME)) != before
