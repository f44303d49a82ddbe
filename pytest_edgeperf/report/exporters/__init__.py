"""The formats of reports, one file each. Other packages add theirs as entry points ``edgeperf.exporters``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Dict, Iterator, List, Set

from pytest_edgeperf.extensions import ExtensionError, extension, extensions
from pytest_edgeperf.report.exporters.interface import Exporter

#: Name -> where it is: a module of ours and the class in it.
EXPORTERS = {
    "text": "pytest_edgeperf.report.exporters.text:Text",
    "markdown": "pytest_edgeperf.report.exporters.markdown:Markdown",
    "json": "pytest_edgeperf.report.exporters.json:Json",
    "junit": "pytest_edgeperf.report.exporters.junit:JUnit",
    "html": "pytest_edgeperf.report.exporters.html:HtmlPage",
    "svg": "pytest_edgeperf.report.exporters.svg:Svg",
    "bencher": "pytest_edgeperf.report.exporters.bencher:Bencher",
    "pytest-benchmark": "pytest_edgeperf.report.exporters.pytest_benchmark:PytestBenchmark",
    "smaller-is-better": "pytest_edgeperf.report.exporters.github_action_benchmark:SmallerIsBetter",
    "bigger-is-better": "pytest_edgeperf.report.exporters.github_action_benchmark:BiggerIsBetter",
    "openmetrics": "pytest_edgeperf.report.exporters.openmetrics:OpenMetrics",
    "csv": "pytest_edgeperf.report.exporters.csv:Csv",
    "jsonl": "pytest_edgeperf.report.exporters.jsonl:JsonLines",
}
#: Other packages' exporters are entry points of this group; they cannot replace ours.
GROUP = "edgeperf.exporters"


class UnknownFormat(ValueError):
    """No exporter has this name, or none writes such files; the message says which there are."""


def exporter(name: str, kind: str) -> Exporter:
    """The exporter of a name, for a kind of report: the name of a method of :class:`Exporter`.

    Raises:
        UnknownFormat: there is none, or it cannot show that.
        ExtensionError: another package's cannot be loaded.
    """
    if name in EXPORTERS or name in extensions(GROUP):
        loaded = _load(name)
        if loaded.can_show(kind):
            return loaded
    raise UnknownFormat(f"{name!r} is not one of {', '.join(names(kind))}")


def exporter_for(path: Path, kind: str) -> Exporter:
    """The exporter that writes files which end as ``path`` does; ``.bmf.json`` comes before ``.json``.

    Raises:
        UnknownFormat: there is none.
    """
    known: Dict[str, Exporter] = {}
    for candidate in _usable():
        if candidate.can_show(kind):
            for suffix in candidate.suffixes:
                known.setdefault(suffix, candidate)
    endings = [suffix for suffix in known if path.name.lower().endswith(suffix)]
    if endings:
        return known[max(endings, key=len)]
    raise UnknownFormat(f"{path}: no format of reports has files that end so; there are {', '.join(known)}")


def names(kind: str) -> List[str]:
    """The names of the exporters that can show a kind of report: ours, then other packages'."""
    return [usable.name for usable in _usable() if usable.can_show(kind)]


def _usable() -> Iterator[Exporter]:
    """All exporters but those that cannot be loaded: who asks for one of these by its name gets the reason."""
    seen: Set[str] = set(EXPORTERS)
    for name in EXPORTERS:
        yield _load(name)
    for name in sorted(set(extensions(GROUP)) - seen):
        try:
            yield _load(name)
        except ExtensionError:
            continue


def _load(name: str) -> Exporter:
    if name in EXPORTERS:
        module, _, attribute = EXPORTERS[name].partition(":")
        made = getattr(import_module(module), attribute)()
    else:
        registered = extension(GROUP, name)
        kind = registered.load()
        if not (isinstance(kind, type) and issubclass(kind, Exporter)):
            raise ExtensionError(
                f"{name!r}: {registered.origin} is no subclass of pytest_edgeperf.report.exporters.interface.Exporter"
            )
        made = kind()
        made_name = getattr(made, "name", None)
        if made_name != name:
            raise ExtensionError(f"{name!r}: {registered.origin} calls itself {made_name!r}; both names must agree")
    assert isinstance(made, Exporter)
    return made
