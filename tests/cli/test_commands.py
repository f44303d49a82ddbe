"""Commands of other packages: one file and an entry point, and whatever is wrong with them spoils no other."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from pytest_edgeperf.cli import main
from pytest_edgeperf.cli.commands import COMMANDS
from tests.fakes.distributions import distribution

GROUP = "edgeperf.commands"
GREET = """
import click
from pytest_edgeperf.results import ResultsError

@click.command()
@click.option("--fail", is_flag=True)
def greet(fail):
    "Greet the world."
    if fail:
        raise ResultsError("hello.json: the file is empty")
    click.echo("hello")
"""


def run(*arguments):
    try:
        runner = CliRunner(mix_stderr=False)
    except TypeError:  # click 8.2 always keeps them apart
        runner = CliRunner()
    return runner.invoke(main, arguments)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    def install(points, **modules):
        monkeypatch.syspath_prepend(str(distribution(tmp_path / "site", "edgeperf-more", {GROUP: points}, **modules)))

    return install


def test_a_command_of_another_package_is_listed_and_runs(installed):
    installed({"greet": "greetings:greet"}, greetings=GREET)
    assert "greet" in run("--help").stdout.split()
    assert "Greet the world." in run("--help").stdout
    assert run("greet").stdout == "hello\n"


def test_its_unusable_file_ends_as_ours_do(installed):
    installed({"greet": "greetings:greet"}, greetings=GREET)
    done = run("greet", "--fail")
    assert (done.exit_code, done.stdout, done.stderr) == (4, "", "edgeperf: hello.json: the file is empty\n")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("nowhere:greet", "'greet' cannot be loaded from nowhere:greet of edgeperf-more: ModuleNotFoundError"),
        ("broken:greet", "ZeroDivisionError: division by zero; repair or uninstall edgeperf-more"),
        ("number:greet", "'greet': number:greet of edgeperf-more is no click.Command"),
    ],
)
def test_one_that_cannot_be_loaded_spoils_no_other(installed, place, says):
    installed({"greet": place}, broken="1 / 0", number="greet = 5")
    listed = run("--help")
    assert listed.exit_code == 0
    assert "greet" in listed.stdout.split()
    done = run("greet", "world", "--loud")
    assert (done.exit_code, done.stdout) == (4, "")
    assert says in done.stderr
    assert run("--version").exit_code == 0


def test_ours_cannot_be_replaced(installed):
    installed({"compare": "greetings:greet"}, greetings=GREET)
    assert "Judge one results file against another" in run("compare", "--help").stdout


def test_two_packages_with_one_name_are_an_error_that_names_both(tmp_path, monkeypatch):
    for name in ("edgeperf-one", "edgeperf-two"):
        place = f"{name.replace('-', '_')}:greet"
        monkeypatch.syspath_prepend(str(distribution(tmp_path / name, name, {GROUP: {"greet": place}})))
    done = run("greet")
    assert done.exit_code == 4
    assert "edgeperf-one (edgeperf_one:greet), edgeperf-two (edgeperf_two:greet)" in done.stderr


def test_what_is_no_command_is_refused():
    done = run("comapre")
    assert done.exit_code == 2
    assert "No such command 'comapre'" in done.stderr


def commands(group, context, path=()):
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, context, (*path, name))


def test_each_command_is_where_the_lists_say_and_has_its_help():
    found = dict(commands(main, click.Context(main)))
    assert {path[0] for path in found} == set(COMMANDS)
    for path, command in found.items():
        assert command.name == path[-1]
        assert command.get_short_help_str(), path
        assert run(*path, "--help").exit_code == 0
