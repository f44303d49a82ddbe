"""What must hold before a release: version, changelog, built files, and an installation into a fresh environment.

Run by ``tox run -e release-check``; not collected by pytest. ``-- --final`` also insists on the dated section of the
changelog, which the commit of a release adds.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import Iterable, List, Sequence

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
UNRELEASED = "Unreleased"
#: Files that a wheel without them would only miss when it is used.
NEEDED_IN_WHEEL = (
    "pytest_edgeperf/__init__.py",
    "pytest_edgeperf/py.typed",
    "pytest_edgeperf/devices/profiles.toml",
    "pytest_edgeperf/results/schema.json",
    "pytest_edgeperf/published/nano.json",
    "pytest_edgeperf/report/html/assets/page.js",
    "pytest_edgeperf/report/html/vendor/echarts/echarts.min.js",
    "pytest_edgeperf/report/html/vendor/echarts/LICENSE",
)
NEEDED_IN_SDIST = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "mkdocs.yml", "tox.ini")
HEADING = re.compile(r"^## (?P<version>\S+)(?: \((?P<date>\d{4}-\d{2}-\d{2})\))?$", re.MULTILINE)
#: Imports what is public, as the installed package has it, and shows where it lies.
IMPORT_ALL = """
import pytest_edgeperf
for name in pytest_edgeperf.__all__:
    getattr(pytest_edgeperf, name)
print(pytest_edgeperf.__file__)
"""


def version_of(root: Path) -> str:
    """The version, from the only place that has it."""
    with open(root / "pyproject.toml", "rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def other_places(version: str, sources: Iterable[Path]) -> List[str]:
    """The lines of these files that repeat the version: a release would forget them."""
    pattern = re.compile(rf"version\w*\"?\s*[:=]+\s*[\"']{re.escape(version)}[\"']", re.IGNORECASE)
    return [
        f"{path}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def changelog_problem(text: str, version: str, *, final: bool) -> str:
    """What the changelog lacks for a release of this version; empty if it lacks nothing."""
    sections = list(HEADING.finditer(text))
    if not sections:
        return "CHANGELOG.md has no section: write '## Unreleased' with the changes below it"
    end = sections[1].start() if len(sections) > 1 else len(text)
    newest = sections[0]
    if not re.search(r"^- ", text[newest.end() : end], re.MULTILINE):
        return f"the section {newest['version']!r} of CHANGELOG.md lists no change"
    if newest["version"] == UNRELEASED:
        if final:
            return f"CHANGELOG.md begins with 'Unreleased': make it '## {version} (YYYY-MM-DD)'"
        if any(section["version"] == version for section in sections):
            return f"CHANGELOG.md already has a section {version!r}: raise the version in pyproject.toml"
        return ""
    if newest["version"] != version:
        return f"CHANGELOG.md begins with {newest['version']!r}, pyproject.toml has the version {version!r}"
    return "" if newest["date"] else f"the section {version!r} of CHANGELOG.md has no date: '## {version} (YYYY-MM-DD)'"


def absent(names: Iterable[str], needed: Sequence[str]) -> List[str]:
    """The needed files that are not among these names, with or without a folder of the archive's own."""
    present = set(names)
    stripped = {name.partition("/")[2] for name in present}
    return [name for name in needed if name not in present and name not in stripped]


def foreign(names: Iterable[str]) -> List[str]:
    """Files of a wheel that would be installed beside the package."""
    return [name for name in names if not re.match(r"pytest_edgeperf(-[^/]+\.dist-info)?/", name)]


def check_files(wheel: Path, sdist: Path) -> List[str]:
    """What is wrong with the built files."""
    import tarfile

    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    with tarfile.open(sdist) as archive_:
        sources = archive_.getnames()
    problems = [f"{wheel.name} lacks {name}" for name in absent(names, NEEDED_IN_WHEEL)]
    problems += [f"{wheel.name} has {name}, which is not of the package" for name in foreign(names)]
    return problems + [f"{sdist.name} lacks {name}" for name in absent(sources, NEEDED_IN_SDIST)]


def run(*command: object, cwd: Path = ROOT, quiet: bool = False) -> str:
    """Run a command, show and return its output; a failure ends the check."""
    words = [str(word) for word in command]
    print("$", *words, flush=True)
    done = subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or not quiet:
        print(done.stdout, flush=True)
    if done.returncode:
        raise SystemExit(f"release-check: exit status {done.returncode}")
    return done.stdout


def check_installed(wheel: Path, version: str, folder: Path) -> List[str]:
    """What is wrong with the wheel in an environment of its own, used from outside of this checkout."""
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    run(programs / "python", "-m", "pip", "install", "--quiet", wheel, "-c", ROOT / "requirements" / "gate.txt")
    problems = []
    if version not in run(programs / "edgeperf", "--version", cwd=folder):
        problems.append(f"edgeperf --version does not say {version}")
    if str(folder) not in run(programs / "python", "-c", IMPORT_ALL, cwd=folder):
        problems.append("the package was imported from elsewhere than the fresh environment")
    if "--edgeperf-budget" not in run(programs / "python", "-m", "pytest", "--help", cwd=folder, quiet=True):
        problems.append("pytest does not load the plugin")
    run(programs / "edgeperf", "devices", cwd=folder)
    return problems


def main(arguments: Sequence[str]) -> int:
    """Check everything; print what is wrong; the exit code."""
    version = version_of(ROOT)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    problems = [changelog_problem(changelog, version, final="--final" in arguments)]
    package = sorted((ROOT / "pytest_edgeperf").rglob("*.py"))
    problems += [f"{place} repeats the version" for place in other_places(version, package)]
    os.environ.pop("PYTHONPATH", None)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist")
        built = sorted((folder / "dist").iterdir())
        run(sys.executable, "-m", "twine", "check", "--strict", *built)
        (wheel,) = (path for path in built if path.suffix == ".whl")
        (sdist,) = (path for path in built if path.name.endswith(".tar.gz"))
        if f"-{version}-" not in wheel.name:
            problems.append(f"{wheel.name} is not of version {version}")
        problems += check_files(wheel, sdist)
        problems += check_installed(wheel, version, folder)
    problems = [problem for problem in problems if problem]
    for problem in problems:
        print(f"release-check: {problem}", file=sys.stderr)
    if not problems:
        print(f"release-check: {version} can be released")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
