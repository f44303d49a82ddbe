"""What explains a slowdown as plain values for programs, as ``report_schema.json`` describes it."""

from __future__ import annotations

from typing import Any, Dict

from pytest_edgeperf.report.explanation_text import explanation_headline, named
from pytest_edgeperf.results.explanations import CostTable, ExplainedPart, Explanation


def explanation_to_dict(explanation: Explanation) -> Dict[str, Any]:
    """Times in milliseconds per inference, shares as fractions of the loss."""
    return {
        "headline": explanation_headline(explanation),
        "latency": {"before_ms": explanation.before_ms, "now_ms": explanation.after_ms},
        "tables": [_table(explanation, table) for table in explanation.tables],
        "reasons": list(explanation.reasons),
    }


def _table(explanation: Explanation, table: CostTable) -> Dict[str, Any]:
    return {
        "parts": table.parts,
        "source": table.source,
        "rows": [_row(explanation, row) for row in table.rows],
        "rest": {"parts": table.rest, "before_ms": table.rest_before_ms, "now_ms": table.rest_after_ms},
        "sum": {"before_ms": table.sum_before_ms, "now_ms": table.sum_after_ms},
        "blamed": table.blamed,
        "shift": table.shift,
    }


def _row(explanation: Explanation, row: ExplainedPart) -> Dict[str, Any]:
    return {
        "name": named(row),
        "label": row.label,
        "before_ms": row.before_ms,
        "before_is_at_most": row.at_most,
        "now_ms": row.after_ms,
        "difference_ms": row.difference_ms,
        "noise_ms": row.noise_ms,
        "share_of_loss": explanation.share(row.difference_ms),
        "blamed": row.blamed,
        "place": row.place or None,
        "was": row.was or None,
    }
