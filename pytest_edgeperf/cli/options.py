"""Options that several commands have, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, List, Optional, TypeVar, cast

import click

from pytest_edgeperf.cli.printing import say

if TYPE_CHECKING:
    from pytest_edgeperf.devices import Device
    from pytest_edgeperf.report.exporters.interface import Exporter

    _ParamType = click.ParamType[Exporter]
else:
    # Generic since click 8.3 only.
    _ParamType = click.ParamType

#: The exporter for a terminal.
_TERMINAL = "text"
#: What a format was called earlier -> its name.
_FORMER = {"table": _TERMINAL}
Decorated = TypeVar("Decorated", bound=Callable[..., Any])

device_option = click.option(
    "--device",
    "device",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="The device that this machine must be.",
)
folder_option = click.option(
    "--dir", "folder", metavar="DIR", default="baselines", show_default=True, help="Folder of the baseline files."
)
reason_option = click.option("--reason", required=True, help="Why these runs are accepted; stored with them.")


class Format(_ParamType):
    """The exporters that can show a kind of report, by their names: the same names for every command.

    Args:
        kind: the name of a method of ``Exporter``.
    """

    name = "format"

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def get_metavar(self, param: click.Parameter, ctx: Optional[click.Context] = None) -> str:
        """All names, for the help."""
        return f"[{'|'.join(self._names())}]"

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Exporter:
        """The exporter of a name."""
        from pytest_edgeperf.report.exporters import UnknownFormat, exporter

        if not isinstance(value, str):
            assert hasattr(value, "can_show")
            return cast("Exporter", value)
        known = self._names()
        if value in _FORMER and value not in known:
            say(f"edgeperf: --format {value} is deprecated: use --format {_FORMER[value]}", err=True)
            value = _FORMER[value]
        try:
            return exporter(value, self._kind)
        except UnknownFormat:
            self.fail(f"{value!r} is not one of {', '.join(known)}.", param, ctx)

    def _names(self) -> List[str]:
        from pytest_edgeperf.report.exporters import names

        return names(self._kind)


def format_option(kind: str, help: str) -> Callable[[Decorated], Decorated]:
    """``--format``: how to show a kind of report; the command gets the exporter as ``shown_by``."""
    return click.option("--format", "shown_by", type=Format(kind), default=_TERMINAL, show_default=True, help=help)


def resolved(name: str) -> Device:
    """The device that this machine is.

    Raises:
        DeviceError: this machine is not known, or not the one named.
    """
    from pytest_edgeperf.devices import resolve

    return resolve(name, rootdir=Path.cwd())


def this_device() -> str:
    """The name of the device that this machine is.

    Raises:
        DeviceError: this machine is not known.
    """
    return resolved("auto").name
