"""JSON Lines of flat records, for a notebook or a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

from pytest_edgeperf.report.exported import Exported, dumped
from pytest_edgeperf.report.exporters.interface import ResultsExporter
from pytest_edgeperf.report.flat_records import flat_records

if TYPE_CHECKING:
    from pytest_edgeperf.report.text import Paper


class JsonLines(ResultsExporter):
    """An object a line, all with the same fields; texts are as they were measured, but for long ones."""

    name = "jsonl"
    suffixes = (".jsonl",)

    def results(self, measured: Sequence[Exported], paper: Paper) -> str:
        """All runs of all metrics, with their summaries."""
        return "".join(f"{{{', '.join(parts)}}}\n" for parts in flat_records(measured, _members))


def _members(fields: Sequence[str], values: Sequence[Any]) -> str:
    return dumped(dict(zip(fields, values)))[1:-1]
