from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_edgeperf.measure.protocol import Specification
from pytest_edgeperf.schedule.against.side_specification import existing_targets, side_specification, two_sides


@pytest.fixture
def trees(tmp_path):
    checkout, worktree = tmp_path / "checkout", tmp_path / "worktree"
    for tree in (checkout, worktree):
        (tree / "bench").mkdir(parents=True)
        (tree / "bench" / "test_it.py").write_text("")
        (tree / "pyproject.toml").write_text("")
    (checkout / "pytest.ini").write_text("")
    (checkout / "bench" / "test_newer.py").write_text("")
    return checkout, worktree


def ordinary(checkout, *arguments, test="bench/test_it.py::test_it[a::b]", **options):
    return Specification(
        nodeid=test,
        args=[f"--rootdir={checkout}", f"--confcutdir={checkout / 'gone'}", *arguments],
        targets=[f"{checkout}/{test}"],
        options=options,
        sys_path=list(sys.path),
    )


def test_root_files_and_target_are_those_of_the_side(trees):
    checkout, worktree = trees
    base, candidate = two_sides(checkout, worktree)
    given = ordinary(checkout, f"--config-file={checkout / 'pyproject.toml'}", "-p", "no:terminal", "-Wignore::X")
    mapped = side_specification(given, base)
    assert mapped.args == [
        f"--rootdir={worktree}",
        f"--confcutdir={worktree / 'gone'}",
        f"--config-file={worktree / 'pyproject.toml'}",
        "-p",
        "no:terminal",
        "-Wignore::X",
    ]
    assert mapped.targets == [f"{worktree}/bench/test_it.py::test_it[a::b]"]
    sent = mapped.to_message()
    assert Specification.from_message(json.loads(json.dumps(sent))).to_message() == sent
    assert mapped.side == base
    assert side_specification(given, candidate) == replace(given, side=candidate)


def test_an_ini_file_that_the_base_has_not_serves_both(trees):
    checkout, worktree = trees
    base, _ = two_sides(checkout, worktree)
    given = ordinary(checkout, f"--config-file={checkout / 'pytest.ini'}")
    assert f"--config-file={checkout / 'pytest.ini'}" in side_specification(given, base).args


def test_options_that_name_files_are_mapped_where_the_base_has_them(trees):
    checkout, worktree = trees
    base, _ = two_sides(checkout, worktree)
    given = ordinary(
        checkout,
        models=str(checkout / "bench"),
        ignore=[str(checkout / "bench"), "bench", str(checkout / "bench" / "test_newer.py")],
        output=str(checkout / "out.json"),
        number=3,
    )
    assert side_specification(given, base).options == {
        "models": str(worktree / "bench"),
        "ignore": [str(worktree / "bench"), "bench", str(checkout / "bench" / "test_newer.py")],
        "output": str(checkout / "out.json"),
        "number": 3,
    }


def test_two_workers_at_once_do_not_share_a_folder_that_pytest_empties(trees):
    checkout, worktree = trees
    given = ordinary(checkout, basetemp="/tmp/somewhere")
    folders = [side_specification(given, side).options["basetemp"] for side in two_sides(checkout, worktree)]
    assert folders == ["/tmp/somewhere-base", "/tmp/somewhere"]
    base, _ = two_sides(checkout, None, other_python=True)
    assert side_specification(given, base, own_python=True).options["basetemp"] == "/tmp/somewhere-base"


def test_a_benchmark_whose_file_the_base_has_not_is_known_before_it_starts(trees):
    checkout, worktree = trees
    base, candidate = two_sides(checkout, worktree)
    given = ordinary(checkout, test="bench/test_newer.py::test_it")
    assert existing_targets(side_specification(given, base)) == []
    assert existing_targets(side_specification(given, candidate)) == given.targets


def test_another_interpreter_gets_the_users_entries_and_keeps_its_own(trees):
    checkout, worktree = trees
    base, _ = two_sides(checkout, worktree, other_python=True)
    standard = os.path.dirname(os.__file__)
    given = replace(
        ordinary(checkout),
        sys_path=[
            "/opt/models",
            str(checkout),
            standard.rpartition("/")[0] + "/python311.zip",
            standard,
            f"{standard}/lib-dynload",
            "/venv/lib/python3.11/site-packages",
            "__editable__.sided-1.finder.__path_hook__",
            str(checkout / "src"),
            "/another/project/src",
        ],
    )
    mapped = side_specification(given, base, own_python=True)
    assert mapped.sys_path == ["/opt/models", str(checkout), None, str(checkout / "src")]


def test_without_a_commit_both_sides_are_the_checkout(tmp_path):
    base, candidate = two_sides(tmp_path, None, other_python=True)
    assert (base.tree, base.other) == (candidate.tree, candidate.other) == (str(tmp_path), None)
    assert base.separate_environments
    assert candidate.separate_environments
    assert base.distribution is not None
    assert Path(base.distribution, "METADATA").exists()
    assert candidate.distribution is None
