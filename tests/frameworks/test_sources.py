from __future__ import annotations

import os
import sys
import warnings

import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks import as_model
from pytest_edgeperf.frameworks.formats import ONNX
from pytest_edgeperf.frameworks.interface import FrameworkError, Model
from pytest_edgeperf.frameworks.sources import best_source, missing_source, obtain
from tests.frameworks.registrations import register


def test_a_model_passes_through():
    model = Model("net", {})
    assert as_model(model) is model


def test_an_onnx_path_is_made_absolute(tmp_path, monkeypatch):
    (tmp_path / "net.onnx").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    model = as_model("net.onnx")
    monkeypatch.chdir("/")
    assert (model.name, model.sources["onnx"]()) == ("net", str(tmp_path / "net.onnx"))


def test_a_missing_file_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FrameworkError, match=f"{tmp_path}/nope.onnx does not exist"):
        as_model("nope.onnx")


def test_an_unknown_kind_is_refused(tmp_path):
    (tmp_path / "net.h5").write_bytes(b"")
    with pytest.raises(FrameworkError, match=r"unknown kind '\.h5'"):
        as_model(tmp_path / "net.h5")


def test_a_source_that_is_no_function_is_explained():
    with pytest.raises(FrameworkError, match=r"sources\['onnx'\] is a str, not a function"):
        obtain(Model("net", {"onnx": "net.onnx"}), "onnx")


def test_a_missing_source_is_explained():
    model = Model("net", {"torch": object})
    assert missing_source(model, ONNX) == (
        "model 'net' has no 'onnx' source, only: torch; export it once with torch.onnx.export and add a function that "
        "returns the file's path: Model(sources={'onnx': ...})"
    )
    with pytest.raises(FrameworkError, match=r"'net' has no 'onnx' source, only: torch; add a function"):
        obtain(model, "onnx")


class Bomb:
    def __reduce__(self):
        return os.mkdir, (os.environ["BOMB"],)


@pytest.mark.parametrize("suffix", [".pt", ".pth"])
def test_a_pickle_is_refused_and_not_opened(tmp_path, monkeypatch, suffix):
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    path = tmp_path / f"net{suffix}"
    torch.save(Bomb(), path)
    with pytest.raises(FrameworkError, match="would unpickle it"):
        as_model(path)
    assert not (tmp_path / "exploded").exists()


def test_an_exported_program_is_refused_because_its_loader_unpickles(tmp_path):
    torch = pytest.importorskip("torch")
    program = torch.export.export(torch.nn.ReLU(), (torch.zeros(2),))
    torch.export.save(program, tmp_path / "net.pt2")
    with pytest.raises(FrameworkError, match="would unpickle it"):
        as_model(tmp_path / "net.pt2")


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "net.pt").write_bytes(b"\x80\x02legacy")
    with pytest.raises(FrameworkError, match="not TorchScript"):
        as_model(tmp_path / "net.pt")


@pytest.mark.filterwarnings("error")
def test_torchscript_is_read(tmp_path):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.ReLU(), torch.zeros(2)), tmp_path / "net.pt")
    module = as_model(tmp_path / "net.pt").sources["torch"]()
    assert module(torch.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("net.tflite", "tflite"), ("net.keras", "tensorflow"), ("net.mnn", "mnn"), ("net.pte", "executorch")],
)
def test_files_of_other_runtimes_are_their_sources(tmp_path, name, kind):
    (tmp_path / name).write_bytes(b"")
    model = as_model(tmp_path / name)
    assert obtain(model, kind) == str(tmp_path / name)
    assert model.name == "net"


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [("a.cfg", "a.weights", "darknet"), ("a.prototxt", "a.caffemodel", "caffe"), ("a.param", "a.bin", "ncnn")],
)
def test_a_network_in_two_files_needs_both(tmp_path, first, second, kind):
    (tmp_path / first).write_bytes(b"")
    with pytest.raises(FrameworkError, match=f"{second} does not exist; it belongs to {first}"):
        as_model(tmp_path / first)
    (tmp_path / second).write_bytes(b"")
    assert obtain(as_model(tmp_path / first), kind) == (str(tmp_path / first), str(tmp_path / second))


def test_a_saved_model_is_a_folder(tmp_path):
    (tmp_path / "net").mkdir()
    with pytest.raises(FrameworkError, match="does not exist"):
        as_model(tmp_path / "net")
    (tmp_path / "net" / "saved_model.pb").write_bytes(b"")
    assert obtain(as_model(tmp_path / "net"), "tensorflow") == str(tmp_path / "net")


THIRD_PARTY = """
from pytest_edgeperf import Framework, SourceFormat

class Paper(Framework):
    name = "paper"
    install_advice = "pip install paper"
    formats = (SourceFormat("paper", (".paper", ".onnx")), SourceFormat("folded", (".fold",), companion=".crease"))

    def version(self):
        return "1.0"

    def unsupported(self, model, precision):
        return None

    def _load(self, configuration):
        raise AssertionError
"""


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """A framework of another package, which declares suffixes of its own; a folder for files."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "paper_runtime", raising=False)
    register(tmp_path / "site", "edgeperf-paper", "paper", "paper_runtime:Paper")
    (tmp_path / "site" / "paper_runtime.py").write_text(THIRD_PARTY)
    return tmp_path


def test_another_package_declares_suffixes_of_its_own(paper):
    (paper / "net.paper").write_bytes(b"")
    assert obtain(as_model(paper / "net.paper"), "paper") == str(paper / "net.paper")
    (paper / "net.fold").write_bytes(b"")
    with pytest.raises(FrameworkError, match=r"net\.crease does not exist; it belongs to net\.fold"):
        as_model(paper / "net.fold")
    (paper / "net.unknown").write_bytes(b"")
    with pytest.raises(FrameworkError, match=r"unknown kind '\.unknown'; .*\.fold, .*\.onnx, \.paper"):
        as_model(paper / "net.unknown")


def test_a_file_is_first_what_the_framework_that_loads_it_declares(paper):
    (paper / "net.onnx").write_bytes(b"")
    assert set(as_model(paper / "net.onnx", frameworks.get("paper")).sources) == {"paper"}
    assert set(as_model(paper / "net.onnx", frameworks.get("onnxruntime")).sources) == {"onnx"}
    # And for one that declares neither, it is both.
    assert set(as_model(paper / "net.onnx", frameworks.get("torch")).sources) == {"onnx", "paper"}


def test_a_framework_that_cannot_be_used_is_named_where_a_kind_is_unknown(paper):
    (paper / "site" / "paper_runtime.py").write_text("raise ImportError('no paper')")
    (paper / "net.paper").write_bytes(b"")
    with pytest.raises(
        FrameworkError, match=r"unknown kind '\.paper'.*; framework 'paper' cannot be loaded .*no paper"
    ):
        as_model(paper / "net.paper")
    (paper / "net.onnx").write_bytes(b"")
    assert set(as_model(paper / "net.onnx").sources) == {"onnx"}


def test_a_source_in_the_precision_is_taken_first():
    model = Model("net", {"onnx": str, "onnx:int8": str, "torch:bf16": str})
    assert best_source(model, "onnx", "int8") == "onnx:int8"
    assert best_source(model, "onnx", "fp16") == "onnx"
    assert best_source(model, "torch", "fp32") is None


def test_a_source_whose_file_is_gone_is_named():
    def gone():
        raise FileNotFoundError("weights.bin")

    with pytest.raises(FrameworkError, match=r"'net': what sources\['torch'\] reads is missing: weights.bin"):
        obtain(Model("net", {"torch": gone}), "torch")
