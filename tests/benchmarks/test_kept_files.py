from __future__ import annotations

import ast
import sys

import pytest
from models import conversions, export, kept_files, training
from models.networks import NETWORKS, known

from pytest_edgeperf import FrameworkError

#: Modules that change neither weights nor outputs; "training" is named by the networks that it trains.
WITHOUT_INFLUENCE = {"models/kept_files", "models/libraries", "models/network", "models/networks"}


def imported(name):
    """The files of the experiments that a file imports when it is loaded."""
    for node in ast.parse((kept_files.BENCHMARKS / f"{name}.py").read_text("utf-8")).body:
        if not isinstance(node, ast.ImportFrom):
            continue
        path = node.module.replace(".", "/")
        for candidate in (path, *(f"{path}/{alias.name}" for alias in node.names)):
            if "/" in candidate and (kept_files.BENCHMARKS / f"{candidate}.py").is_file():
                yield candidate


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_an_exports_name_depends_on_every_file_that_its_network_is_made_from(network):
    found, waiting = set(), [f"models/{network.module}"]
    while waiting:
        name = waiting.pop()
        if name in found or name in WITHOUT_INFLUENCE:
            continue
        found.add(name)
        waiting += [] if name == "models/training" else imported(name)
    assert found <= {f"models/{network.module}", *export.USED_BY_ALL, *network.uses}
    assert len(found) > 1


def test_a_cache_that_cannot_be_used_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(OSError, match="file is not a folder"):
        training.file_of(known("digits-cnn"))


def test_what_others_could_have_written_is_not_read(tmp_path):
    kept = tmp_path / "kept"
    assert kept_files.untrusted(kept) is None
    kept.write_text("")
    kept.chmod(0o600)
    assert kept_files.untrusted(kept, tmp_path / "absent") is None
    kept.chmod(0o666)
    assert kept_files.untrusted(kept) == f"others could have written {kept}; if it is yours: chmod -R go-w {kept}"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "absent")
    assert kept_files.untrusted(link) is not None


def test_what_a_child_made_is_closed_to_others(tmp_path):
    made = tmp_path / "made" / "deep" / "file"
    made.parent.mkdir(parents=True)
    made.write_text("")
    made.chmod(0o664)
    assert kept_files.untrusted(tmp_path / "made") is not None
    kept_files.close_to_others(tmp_path / "made")
    assert kept_files.untrusted(tmp_path / "made") is None


@pytest.fixture
def installed(monkeypatch):
    versions = {"torch": "2.13.0", "torchvision": "0.28.0"}

    def version(name):
        if name not in versions:
            raise kept_files.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(kept_files.metadata, "version", version)
    return versions


def test_a_name_in_the_cache_has_the_versions_of_all_that_defines_the_network(installed, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    assert export.folder_of(known("resnet18")).name.endswith("-torch-2.13.0")
    assert export.folder_of(known("resnet50")).name.endswith("-torch-2.13.0-torchvision-0.28.0")
    del installed["torchvision"]
    assert kept_files.versions_suffix(["torchvision"]) == ""


def test_where_nothing_can_be_made_what_any_versions_made_will_do(installed, tmp_path):
    place = tmp_path / "vgg16-0123"
    for versions in ("torch-2.12.0-torchvision-0.27.0", "torch-2.13.0-torchvision-0.28.0"):
        (tmp_path / f"vgg16-0123-{versions}").mkdir()
    present = kept_files.made_by_any_version(place, ["torchvision"])
    assert [path.name for path in present] == ["vgg16-0123-torch-2.13.0-torchvision-0.28.0"]
    installed["torchvision"] = "0.29.0"
    assert not kept_files.made_by_any_version(place, ["torchvision"])[0].exists()
    del installed["torchvision"]
    assert [path.name[-6:] for path in kept_files.made_by_any_version(place, ["torchvision"])] == ["0.27.0", "0.28.0"]


def test_without_what_defines_a_network_the_commands_that_install_it_are_named(installed, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    installed.clear()
    with pytest.raises(FrameworkError, match=r"needs torch and torchvision: install .* && pip install --no-deps torch"):
        export.ensure(known("vgg16"), 224)
    with pytest.raises(FrameworkError, match=r"converted to caffe, which needs torch and torchvision: install"):
        conversions.converted("caffe", "vgg16", 224)


def test_networks_name_the_libraries_that_their_modules_import():
    imports = {"models/torchvision_import": "torchvision"}
    for network in NETWORKS.values():
        text = (kept_files.BENCHMARKS / f"models/{network.module}.py").read_text("utf-8")
        used = {library for file, library in imports.items() if file in network.uses}
        used |= {"pytorchcv"} if "pytorchcv.models" in text else set()
        assert set(network.libraries) == used, network.name
        assert all(network.source.startswith(library) for library in network.libraries)


def test_without_what_locks_files_its_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(FrameworkError, match="exporting a network needs the package filelock: pip install filelock"):
        with kept_files.locked(tmp_path / "a", "exporting a network"):
            pass


def test_who_waits_too_long_for_a_lock_gets_its_file(monkeypatch, tmp_path):
    monkeypatch.setattr(kept_files, "LONGEST_WAIT_S", 0.01)
    with kept_files.locked(tmp_path / "a", "waiting"):
        with pytest.raises(FrameworkError, match=r"another process has been exporting x for 0.01 s \(lock: .*a.lock\)"):
            with kept_files.locked(tmp_path / "a", "exporting x"):
                pytest.fail("two hold it")
    with kept_files.locked(tmp_path / "a", "again"):
        pass
