"""What a release is checked for, as far as it can be shown without building one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .release_check import ROOT, absent, changelog_problem, foreign, other_places, version_of

CHANGES = "# Changelog\n\n## {}\n\n- something\n\n## 0.0.9 (2026-01-02)\n\n- first\n"


def test_this_checkout_could_be_released():
    version = version_of(ROOT)
    assert changelog_problem((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version, final=False) == ""
    assert other_places(version, (ROOT / "pytest_edgeperf").rglob("*.py")) == []


@pytest.mark.parametrize(
    ("heading", "final", "problem"),
    [
        ("Unreleased", False, ""),
        ("Unreleased", True, "begins with 'Unreleased'"),
        ("0.1.0 (2026-03-04)", True, ""),
        ("0.1.0 (2026-03-04)", False, ""),
        ("0.1.0", True, "has no date"),
        ("0.2.0 (2026-03-04)", True, "begins with '0.2.0', pyproject.toml has the version '0.1.0'"),
    ],
)
def test_the_changelog_begins_with_the_section_of_the_version(heading, final, problem):
    found = changelog_problem(CHANGES.format(heading), "0.1.0", final=final)
    assert problem in found
    assert bool(problem) == bool(found)


def test_a_version_that_was_released_needs_to_be_raised():
    assert "raise the version" in changelog_problem(CHANGES.format("Unreleased"), "0.0.9", final=False)


@pytest.mark.parametrize("text", ["", "# Changelog\n", CHANGES.format("Unreleased").replace("- something\n", "")])
def test_a_changelog_without_a_change_is_no_release(text):
    assert changelog_problem(text, "0.1.0", final=False)


def test_a_second_place_of_the_version_is_found(tmp_path):
    file = tmp_path / "a.py"
    file.write_text('"""1.2.3"""\n__version__ = "1.2.3"\nversion: "1.2.3"\nversion = "1.2.30"\n')
    assert other_places("1.2.3", [file]) == [f"{file}:2", f"{file}:3"]


def test_files_that_are_absent_from_an_archive_or_do_not_belong_there_are_found():
    assert absent(["p-1/README.md", "p-1/a/b"], ["README.md", "a/b", "c"]) == ["c"]
    assert foreign(["pytest_edgeperf/a.py", "pytest_edgeperf-1.dist-info/METADATA", "tests/a.py"]) == ["tests/a.py"]


def test_pre_commit_has_the_ruff_of_the_gate():
    pinned = re.search(r"^ruff==(\S+)", (ROOT / "requirements" / "gate.txt").read_text(encoding="utf-8"), re.MULTILINE)
    configured = re.findall(r"ruff==([\w.]+)", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert set(configured) == {pinned.group(1)}, "write the version of requirements/gate.txt into the configuration"


def test_the_source_archive_holds_every_file_that_a_developer_reads():
    listed = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("*.yml"), Path(".pre-commit-config.yaml")):
        assert f'"/{path.name}"' in listed
