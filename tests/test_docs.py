"""The README and the pages of ``docs/`` agree with the code: options, commands, metrics, runtimes, names, examples."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from dataclasses import fields
from pathlib import Path

import click
import pytest

import pytest_edgeperf
from pytest_edgeperf.cli import main as edgeperf
from pytest_edgeperf.frameworks import get
from pytest_edgeperf.measure.measurement import METRICS
from pytest_edgeperf.results import write
from pytest_edgeperf.settings import OPTIONS, BenchmarkOptions

from .judge.builders import latency_runs, results

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), ROOT / "benchmarks" / "README.md"])
#: The README is read in two minutes, or not at all.
README_BYTES = 8192
BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
PLUGIN_OPTION = re.compile(r"--(?:no-)?(?:edgeperf-[a-z-]+|device|framework|precision|baseline|against[a-z-]*)\b")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def text_of(page):
    return page.read_text(encoding="utf-8")


def first_column(page, heading):
    """The code in the first cells of the table whose head begins so."""
    rows = text_of(page).partition(f"\n| {heading} |")[2].split("\n\n")[0].splitlines()[2:]
    assert rows, f"{page.name} has no table {heading!r}"
    return [code for row in rows for code in CODE.findall(row.replace("\\|", "/").split("|")[1])]


def commands():
    """Everything that a reader may type: lines of a console, and code in the text that is one."""
    for page in PAGES:
        if page.name == "CHANGELOG.md":
            # It names what was there at the time.
            continue
        text = text_of(page)
        for language, block in BLOCKS.findall(text):
            if language == "console":
                yield from ((page.name, line[2:]) for line in block.splitlines() if line.startswith("$ "))
        for code in CODE.findall(BLOCKS.sub("", text)):
            if code.startswith(("edgeperf ", "pytest ", "tox ")):
                yield page.name, code


def words_of(command):
    """The words of a command; what stands for something in the text is one word."""
    return shlex.split(command.replace("…", "").replace("[", "").replace("]", ""), comments=True)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A folder with the results files that examples read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baselines").mkdir()
    for name in ("baselines/host.json", "results.json"):
        write(tmp_path / name, results({"t.py::test": latency_runs([1.0, 1.01, 0.99])}))


#: The tour's examples have a test of their own.
WITH_EXAMPLES = [page for page in PAGES if page.name != "tour.md" and "```python" in text_of(page)]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_examples_run(page, measured):
    known = {"__name__": "example", "pytest": pytest}
    for language, text in BLOCKS.findall(text_of(page)):
        if language == "python":
            exec(compile(text, page.name, "exec"), known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_examples_of_tables_are_toml(page):
    for language, text in BLOCKS.findall(text_of(page)):
        if language == "toml":
            tomllib.loads(text)


def test_the_rates_that_pages_quote_are_those_of_the_table():
    table = text_of(DOCS / "statistics-rates.md").partition("<!-- rules -->")[2].partition("<!-- /rules -->")[0]
    (row,) = (line for line in table.splitlines() if line.startswith("| **edgeperf, a session"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    alarms, sessions = re.match(r"([\d.]+) % \(of (\d+)", cells[2]).groups()
    found = [re.match(r"[\d.]+", cell).group() for cell in cells[4:7]]
    quoted = " ".join(text_of(DOCS / "sessions.md").split())
    assert f"In {sessions} sessions of 50 unchanged benchmarks" in quoted
    assert f"{alarms} % raised an alarm" in quoted
    assert f"are detected in {found[0]}, {found[1]} and {found[2]} % of cases" in quoted
    assert f"of {sessions} sessions of 50 unchanged benchmarks, {alarms} % raised" in " ".join(
        text_of(ROOT / "README.md").split()
    )


def test_every_option_and_ini_key_has_its_row():
    page = DOCS / "options.md"
    rows = {row.split(" ")[0]: row.replace("/", "|") for row in first_column(page, "option")}
    typed = {option.name(False): option for option in OPTIONS if not option.ini_only}
    assert set(rows) == set(typed)
    for name, option in typed.items():
        assert rows[name] == f"{name} {option.metavar}" if option.metavar else name
    assert set(first_column(page, "ini key")) == {option.dest for option in OPTIONS if option.ini_only}


def test_every_option_that_a_page_names_exists():
    known = {option.name(False) for option in OPTIONS} | {option.name(True) for option in OPTIONS}
    for page in PAGES:
        named = set(PLUGIN_OPTION.findall(text_of(page)))
        assert named <= known, page.name


def test_every_variable_of_the_environment_has_its_row():
    sources = "\n".join(text_of(path) for path in (ROOT / "pytest_edgeperf").rglob("*.py"))
    named = {code.partition("=")[0] for code in first_column(DOCS / "options.md", "variable")}
    assert named == set(re.findall(r"\bEDGEPERF_[A-Z_]+[A-Z]\b", sources))


def inner(group):
    """The commands of a group by name, which may be loaded when they are asked for."""
    context = click.Context(group)
    return {name: group.get_command(context, name) for name in group.list_commands(context)}


def test_every_command_has_its_row():
    listed = {tuple(code.split()[1:]) for code in first_column(DOCS / "commands.md", "command")}
    listed |= {
        tuple(code.split()[1:])
        for code in CODE.findall(text_of(DOCS / "commands.md").partition("## edgeperf baseline")[2])
        if code.startswith("edgeperf ")
    }
    names = set()
    for name, command in inner(edgeperf).items():
        names |= {(name, second) for second in inner(command)} if isinstance(command, click.Group) else {(name,)}
    assert {row[: 2 if row[0] == "baseline" else 1] for row in listed} == names


def test_every_command_that_a_page_names_exists():
    count = 0
    for page, command in commands():
        words = words_of(command)
        if words[0] != "edgeperf":
            continue
        count += 1
        named, inside = edgeperf, words[1:]
        while isinstance(named, click.Group):
            assert inside, f"{page}: {command}"
            assert inside[0] in inner(named), f"{page}: {command}"
            named, inside = inner(named)[inside[0]], inside[1:]
        options = {name for parameter in named.params for name in parameter.opts}
        takes_others = named.context_settings.get("ignore_unknown_options")
        for word in inside:
            option = word.partition("=")[0]
            assert not option.startswith("--") or takes_others or option in options, f"{page}: {command}"
    assert count > 20


def test_every_environment_of_tox_that_a_page_names_exists():
    known = set(re.findall(r"^\[testenv:([\w-]+)\]", (ROOT / "tox.ini").read_text(encoding="utf-8"), re.MULTILINE))
    known |= {"py38", "py313"}
    for page in PAGES:
        named = re.findall(r"tox\s+run\s+-e\s+([\w,-]+)", text_of(page))
        assert {name for names in named for name in names.split(",")} <= known, page.name


def test_every_metric_has_its_row():
    assert set(first_column(DOCS / "metrics.md", "metric")) == set(METRICS)


def test_every_framework_and_variant_has_its_row():
    expected = set()
    for name in PYPROJECT["project"]["entry-points"]["edgeperf.frameworks"]:
        expected |= {name, *(f"{name}:{variant}" for variant in get(name).variants)}
    assert set(first_column(DOCS / "frameworks.md", "`--framework`")) == expected


def test_every_extra_has_its_row():
    assert set(first_column(DOCS / "install.md", "extra")) == set(PYPROJECT["project"]["optional-dependencies"])


def test_every_keyword_of_the_marker_has_its_row():
    expected = {field.name[:-2] if field.name.endswith("_s") else field.name for field in fields(BenchmarkOptions)}
    assert set(first_column(DOCS / "writing-benchmarks.md", "keyword")) == expected


def test_every_option_of_a_framework_has_its_row():
    declared = set()
    for name in PYPROJECT["project"]["entry-points"]["edgeperf.frameworks"]:
        declared |= {f"{name}.{option.name}" for option in get(name).options}
    assert set(first_column(DOCS / "frameworks.md", "option")) == declared


def test_every_group_of_entry_points_has_its_row():
    sources = "\n".join(text_of(path) for path in (ROOT / "pytest_edgeperf").rglob("*.py"))
    groups = set(re.findall(r"^\w+ = \"(edgeperf\.\w+)\"$", sources, re.MULTILINE))
    assert set(first_column(DOCS / "extending.md", "group of entry points")) == groups


#: What users meet through a fixture, inherit from or return.
MORE_NAMES = {"TimedInference", "FrameworkContract", "Sensor", "Reading", "Unavailable", "Exporter", "ResultsExporter"}


def test_every_public_name_is_on_the_page_of_the_api():
    named = re.findall(r"^::: pytest_edgeperf\.(?:[\w.]+\.)?(\w+)$", text_of(DOCS / "api.md"), re.MULTILINE)
    assert sorted(named) == sorted({*pytest_edgeperf.__all__, *MORE_NAMES})


def outside_pages():
    spec = importlib.util.spec_from_file_location("outside_pages", DOCS / "outside_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_between_files_become_links_between_pages():
    missing = []
    text = "[a](docs/metrics.md#power) ![b](docs/runs.svg) [c](benchmarks/README.md) [d](tox.ini) [e](https://e.org)"
    text += " [f](#g) `[h](tox.ini) x\\|y` [i](docs/nothing.md)\n```python\n[j](tox.ini)\n```\n"
    expected = "[a](metrics.md#power) ![b](runs.svg) [c](experiments.md) d (`tox.ini`) [e](https://e.org) [f](#g)"
    expected += " `[h](tox.ini) x|y` [i](nothing.md)\n```python\n[j](tox.ini)\n```\n"
    assert outside_pages().relinked(text, "README.md", missing.append) == expected
    assert missing == ["docs/nothing.md"]


def test_links_are_resolved_from_where_the_file_lies():
    relinked = outside_pages().relinked
    assert relinked("[a](../benchmarks/README.md#b)", "docs/studies.md", pytest.fail) == "[a](experiments.md#b)"
    assert relinked("[a](studies.md)", "docs/status.md", pytest.fail) == "[a](studies.md)"
    assert relinked("[tox.ini](../tox.ini)", "docs/status.md", pytest.fail) == "`tox.ini`"
