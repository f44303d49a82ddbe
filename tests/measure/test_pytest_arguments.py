from __future__ import annotations

import pytest

from pytest_edgeperf.measure import pytest_arguments
from pytest_edgeperf.measure.pytest_arguments import configured, is_odd, split, within_file

OFF = ["-p", "no:terminal", "-p", "no:cacheprovider"]


@pytest.mark.parametrize(("path", "odd"), [("/a b/é*?.py", False), ("/net[v2]/a.py", True), ("/a::b/a.py", True)])
def test_what_pytest_takes_for_the_end_of_a_path_is_odd(path, odd):
    assert is_odd(path) is odd


def test_what_is_behind_the_file_in_a_node_id():
    assert within_file("tests/a.py::TestA::test_b[x::y]", "/p/tests/a.py", "/p") == "TestA::test_b[x::y]"
    assert within_file("a::b/a.py::test_b", "/p/a::b/a.py", "/p") == "test_b"
    assert within_file("../q/a.py::test_b", "/q/a.py", "/p") == "test_b"
    assert within_file("elsewhere.py::test_b", "/q/a.py", "/p") == "test_b"


def test_a_target_is_split_behind_its_path():
    assert split("/p/a.py::test_b[x::y]", None) == ("/p/a.py", "::test_b[x::y]")
    assert split("/p::q/a.py::test_b", "/p::q") == ("/p::q/a.py", "::test_b")
    assert split("/p/a.py", None) == ("/p/a.py", "")


def collected(folder, *arguments):
    found = []

    class Recorder:
        def pytest_collection_finish(self, session):
            found.extend(item.nodeid for item in session.items)

    options = {"plugins": [], "collectonly": True}
    config = configured(options, [f"--rootdir={folder}", f"--confcutdir={folder}", *OFF, *arguments], folder)
    config.pluginmanager.register(Recorder())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        config.hook.pytest_cmdline_main(config=config)
    config._ensure_unconfigure()
    return sorted(found)


@pytest.mark.parametrize("name", ["net[v2]", "a::b", "x[1]::y z"])
def test_files_in_an_odd_folder_are_found(tmp_path, name):
    folder = tmp_path / name
    (folder / "sub").mkdir(parents=True)
    (folder / f"test_plain{len(name)}.py").write_text("import pytest\ndef test_a(): pass\ndef test_b(): pass\n")
    (folder / "sub" / f"test_sub{len(name)}.py").write_text("def test_c(): pass\n")
    plain, sub = f"test_plain{len(name)}.py", f"sub/test_sub{len(name)}.py"
    assert collected(str(folder), f"{folder}/{plain}::test_b") == [f"{plain}::test_b"]
    both = [f"{sub}::test_c", f"{plain}::test_b"]
    assert collected(str(folder), f"{folder}/{plain}::test_b", f"{folder}/{sub}") == both


def test_a_file_with_an_odd_name_is_found_and_no_other_is_imported(tmp_path):
    (tmp_path / "test_[odd].py").write_text("def test_a(): pass\n")
    (tmp_path / "test_broken.py").write_text("raise AssertionError\n")
    folder = str(tmp_path)
    assert collected(folder, f"{folder}/test_[odd].py::test_a") == ["test_[odd].py::test_a"]


def test_plain_targets_are_given_as_they_are(monkeypatch):
    given = []
    monkeypatch.setattr(
        pytest_arguments.Config, "fromdictargs", lambda options, arguments: given.append((options, arguments))
    )
    configured({"capture": "no"}, ["-p", "no:x", "/p/a.py::test_b"], None)
    assert given == [({"capture": "no"}, ["-p", "no:x", "/p/a.py::test_b"])]
