from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from models import export, given_weights, weights_check
from models.given_weights import VARIABLE, mismatch
from models.networks import known

from pytest_edgeperf import FrameworkError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    made = tmp_path / "weights"
    made.mkdir()
    monkeypatch.setenv(VARIABLE, str(made))
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))
    return made


def test_without_a_folder_nothing_is_given(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert given_weights.file_of("resnet18") is None
    assert given_weights.digest_of("resnet18") == ""


def test_a_networks_file_is_found_by_its_name(folder):
    for name in ("resnet18.pth", "vgg16.safetensors", "notes.txt"):
        (folder / name).write_text(name)
    assert [path.name for path in given_weights.files()] == ["resnet18.pth", "vgg16.safetensors"]
    assert given_weights.file_of("resnet18") == folder / "resnet18.pth"
    assert given_weights.file_of("resnet50") is None
    (folder / "vgg16.pt").write_text("")
    with pytest.raises(FrameworkError, match=r"vgg16 has several files: vgg16\.pt, vgg16\.safetensors; keep one"):
        given_weights.file_of("vgg16")


def test_an_exports_place_depends_on_its_own_file_alone(folder):
    seeded = {name: export.folder_of(known(name)) for name in ("resnet18", "mobilenetv2")}
    (folder / "resnet18.pth").write_bytes(b"first")
    first = export.folder_of(known("resnet18"))
    assert first != seeded["resnet18"]
    assert export.folder_of(known("mobilenetv2")) == seeded["mobilenetv2"]
    whole = given_weights.digest()
    (folder / "resnet18.pth").write_bytes(b"second, longer")
    os.utime(folder / "resnet18.pth", ns=(1, 1))
    assert export.folder_of(known("resnet18")) not in (first, seeded["resnet18"])
    assert given_weights.digest() != whole


def test_what_differs_is_named_and_not_all_of_it():
    right = {"a.weight": (2, 3), "b.weight": (4,), "b.num_batches_tracked": ()}
    assert mismatch(right, right) == ""
    assert mismatch(right, {"a.weight": (2, 3), "b.weight": (4,)}) == ""
    assert mismatch(right, {"a.weight": (3, 2), "b.weight": (4,)}) == "a.weight is (3, 2), not (2, 3)"
    given = {"a.weight": (2, 3), **{f"extra.{place}": (1,) for place in range(5)}}
    assert mismatch(right, given) == ("it has no b.weight; the network has no extra.0, extra.1, extra.2 and 2 more")


def test_files_that_are_no_networks_are_refused_first(folder):
    with pytest.raises(ValueError, match=r"no file of the folder ends in \.pth, \.pt, \.safetensors"):
        weights_check.verify()
    (folder / "resnet19.pth").write_text("")
    with pytest.raises(ValueError, match=r"resnet19\.pth: no network is called 'resnet19'"):
        weights_check.verify()


def saved(torch, network, path, change=None):
    weights = network.state_dict()
    if change is not None:
        change(weights)
    torch.save(weights, str(path))
    return weights


def test_a_networks_own_weights_are_loaded_and_others_refused(folder, one_thread):
    network = known("cifarnet")
    with one_thread.random.fork_rng():
        one_thread.manual_seed(77)
        weights = saved(one_thread, network.architecture(), folder / "cifarnet.pth")
    built = network.build()
    assert not built.training
    assert all(one_thread.equal(value, weights[key]) for key, value in built.state_dict().items())
    assert list(weights_check.wrong()) == []
    # what torchvision's files have beside
    extra = {**weights, "AuxLogits.fc.weight": one_thread.zeros(3)}
    one_thread.save({"state_dict": extra}, str(folder / "cifarnet.pth"))
    assert set(given_weights.read(folder / "cifarnet.pth")) == set(weights)
    key = next(iter(weights))
    one_thread.save({**weights, key: one_thread.zeros(2, 2)}, str(folder / "cifarnet.pth"))
    shape = tuple(weights[key].shape)
    expected = f"is not a state dict of cifarnet: {key} is (2, 2), not {shape}"
    with pytest.raises(FrameworkError) as raised:
        network.build()
    assert expected in str(raised.value)
    assert [text.partition(": ")[2] for text in weights_check.wrong()] == [expected]


@pytest.mark.parametrize(
    ("content", "note"),
    [(b"no pickle", "cannot be read"), (None, "is not a state dict: save one by torch.save")],
)
def test_what_is_no_state_dict_is_said(folder, one_thread, content, note):
    if content is None:
        one_thread.save([1, 2], str(folder / "cifarnet.pth"))
    else:
        (folder / "cifarnet.pth").write_bytes(content)
    with pytest.raises(FrameworkError, match=note):
        known("cifarnet").build()


def test_a_right_folder_is_checked_once(folder, monkeypatch):
    pytest.importorskip("torch")
    calls = []
    done = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(weights_check.kept_files, "run_module", lambda *names: calls.append(names) or done)
    (folder / "resnet18.pth").write_text("")
    weights_check.verify()
    weights_check.verify()
    assert calls == [("models.weights_check",)]
    (folder / "resnet18.pth").write_text("changed")
    os.utime(folder / "resnet18.pth", ns=(1, 1))
    done.returncode, done.stderr = 1, "--weights x: is not a state dict of resnet18"
    with pytest.raises(ValueError, match="is not a state dict of resnet18"):
        weights_check.verify()


def collect(*arguments):
    files = ("benchmarks/test_warmup.py", "benchmarks/test_model_zoo.py")
    command = [sys.executable, "-m", "pytest", *files, "--collect-only", "-q", *arguments]
    environment = {**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_benchmarks_of_other_weights_are_others(folder, tmp_path):
    (folder / "resnet18.pth").write_text("")
    text = given_weights.digest()[:8]
    child = collect("--suite=full", "--framework=torch", f"--weights={folder}")
    ids = [line for line in child.stdout.splitlines() if "::" in line]
    assert {line.partition("::")[0] for line in ids} == {"benchmarks/test_warmup.py", "benchmarks/test_model_zoo.py"}
    assert all(f"weights-{text}" in line for line in ids)
    child = collect(f"--weights={tmp_path / 'absent'}")
    assert child.returncode == 4
    assert "absent: is no folder" in child.stderr
