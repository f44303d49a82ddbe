from __future__ import annotations

import ast

import pytest
from models import export, kept_files, training
from models.networks import NETWORKS, known

#: Modules that change neither weights nor outputs; "training" is named by the networks that it trains.
WITHOUT_INFLUENCE = {"models/kept_files", "models/network", "models/networks"}


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
