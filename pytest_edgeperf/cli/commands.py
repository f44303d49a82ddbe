"""The list of commands; each is imported when it is called, or when all are listed."""

from __future__ import annotations

from importlib import import_module
from typing import Any, List, Mapping, Optional

import click

from pytest_edgeperf.cli.ending import reason_of, unusable

#: Command -> where it is: a module of ours and the command in it.
COMMANDS = {
    "baseline": "pytest_edgeperf.cli.baseline:baseline",
    "compare": "pytest_edgeperf.cli.compare:compare",
    "devices": "pytest_edgeperf.cli.devices:devices",
    "doctor": "pytest_edgeperf.cli.doctor:doctor",
    "explain": "pytest_edgeperf.cli.explain:explain",
    "export": "pytest_edgeperf.cli.export:export",
    "frameworks": "pytest_edgeperf.cli.frameworks:frameworks",
    "noise": "pytest_edgeperf.cli.noise:noise",
    "report": "pytest_edgeperf.cli.report:report",
    "schema": "pytest_edgeperf.cli.schema:schema",
    "sensors": "pytest_edgeperf.cli.sensors:sensors",
}
#: Other packages' commands are entry points of this group; they cannot replace ours.
EXTENSIONS = "edgeperf.commands"


class CommandList(click.Group):
    """A group that imports a command when it is asked for it.

    Args:
        places: command -> ``module:attribute``.
        extensions: the group of entry points with further commands.
    """

    def __init__(
        self, *arguments: Any, places: Mapping[str, str], extensions: Optional[str] = None, **keywords: Any
    ) -> None:
        super().__init__(*arguments, **keywords)
        self._places = places
        self._extensions = extensions

    def list_commands(self, ctx: click.Context) -> List[str]:
        """The names of all commands, sorted."""
        return sorted({*self._places, *self._others()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> Optional[click.Command]:
        """The command of a name, ``None`` where there is none."""
        if cmd_name in self._places:
            module, _, attribute = self._places[cmd_name].partition(":")
            command = getattr(import_module(module), attribute)
            assert isinstance(command, click.Command)
            return command
        return self._extension(cmd_name) if cmd_name in self._others() else None

    def _others(self) -> Mapping[str, Any]:
        if self._extensions is None:
            return {}
        from pytest_edgeperf.extensions import extensions

        return extensions(self._extensions)

    def _extension(self, name: str) -> click.Command:
        """Another package's command; where it cannot be loaded, one that says so."""
        from pytest_edgeperf.extensions import ExtensionError, extension

        assert self._extensions is not None
        try:
            registered = extension(self._extensions, name)
            command = registered.load()
            if not isinstance(command, click.Command):
                raise ExtensionError(f"{name!r}: {registered.origin} is no click.Command")
        except ExtensionError as error:
            return _unloadable(name, error)
        return command


def _unloadable(name: str, reason: Exception) -> click.Command:
    """Listed as any other command, so that the others can be; called, it fails."""

    def fail(arguments: object) -> None:
        raise reason

    arguments = click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)
    settings = {"ignore_unknown_options": True}
    help_text = f"Cannot be used: {reason}"
    return click.Command(name, callback=fail, params=[arguments], help=help_text, context_settings=settings)


class Edgeperf(CommandList):
    """The whole command: whatever file, device or package cannot be used, it ends in one way."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an unusable file is a sentence on the standard error and exit code 4."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            reason = reason_of(error)
            if reason is None:
                raise
            unusable(reason)


@click.command(
    cls=Edgeperf,
    places=COMMANDS,
    extensions=EXTENSIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="pytest-edgeperf", prog_name="edgeperf")
def main() -> None:
    """Look at what pytest-edgeperf measured, and at the machine it measures on."""
