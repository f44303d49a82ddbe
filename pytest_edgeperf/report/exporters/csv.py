"""CSV for a spreadsheet or a notebook, of flat records."""

from __future__ import annotations

import csv
import io
import re
from itertools import chain
from typing import TYPE_CHECKING, Any, List, Sequence

from pytest_edgeperf.report.exported import Exported, safe_name, scalar
from pytest_edgeperf.report.exporters.interface import ResultsExporter
from pytest_edgeperf.report.flat_records import fields_of, flat_records

if TYPE_CHECKING:
    from pytest_edgeperf.report.text import Paper

#: What spreadsheets take for a formula, also in its wide letters, unless it is a number.
_FORMULA = re.compile(r"[=+\-@＝＋－＠](?!\d*\.?\d*(?:[eE][-+]?\d+)?\Z)")


class Csv(ResultsExporter):
    """A row a record: texts are in quotes, numbers are not, and what is not known is empty."""

    name = "csv"
    suffixes = (".csv",)

    def results(self, measured: Sequence[Exported], paper: Paper) -> str:
        """All runs of all metrics, with their summaries."""
        document = io.StringIO()
        writer = csv.writer(document, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(map(_text, fields_of(measured)))
        writer.writerows(chain(*parts) for parts in flat_records(measured, _cells))
        return document.getvalue()


def _cells(fields: Sequence[str], values: Sequence[Any]) -> List[Any]:
    return [_cell(value) for value in values]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    plain = str(value) if isinstance(value, bool) else scalar(value)
    return _text(plain) if isinstance(plain, str) else plain


def _text(text: str) -> str:
    """In one line, and led by an apostrophe where a spreadsheet would calculate it."""
    shown = safe_name(text) if text else ""
    return f"'{shown}" if _FORMULA.match(shown) else shown
