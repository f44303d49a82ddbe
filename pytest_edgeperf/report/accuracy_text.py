"""Accuracies as a person reads them: in points, with the examples that were lost and won."""

from __future__ import annotations

import math
from typing import List, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import AccuracyFigures, MetricVerdict
from pytest_edgeperf.report.figures import figure
from pytest_edgeperf.report.numbers import NOTHING, count, decimal_column
from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.results.example_answers import PERCENT
from pytest_edgeperf.results.types import Benchmark


def points(value: float, unit: str) -> str:
    """A size, as a person sets it or reads of it: ``0.5 points`` of percentages, else in the unit: ``0.12 dB``."""
    return f"{value:.3g} {_name(unit, 'points')}".rstrip()


def difference(figures: AccuracyFigures, unit: str, confidence: str = "") -> str:
    """The difference with its interval: ``-6.2 points [-8.7, -4.2]``."""
    moved, low, high = _moved(figures, unit)
    return f"{moved} {_name(unit, 'points')}".rstrip() + f" [{confidence}{low}, {high}]"


def change_cells(figures: AccuracyFigures, unit: str) -> Tuple[str, str, str]:
    """For narrow columns: ``-6.2 pt``, and the ends of its interval."""
    moved, low, high = _moved(figures, unit)
    return f"{moved} {_name(unit, 'pt')}".rstrip(), low, high


def examples_text(figures: AccuracyFigures) -> str:
    """``30 of 450 examples lost, 2 won``; of average precision, which no single image has, ``over 150 images``."""
    if figures.lost is None or figures.won is None:
        return f"over {count(figures.examples, 'image')}"
    return f"{figures.lost} of {count(figures.examples, 'example')} lost, {figures.won} won"


def detectable_text(metric: MetricVerdict) -> Optional[str]:
    """``a loss of 2.1 points``: what these examples would have shown; ``None`` where that is unknown."""
    if metric.accuracy is None or metric.accuracy.detectable is None:
        return None
    return f"a loss of {metric.accuracy.detectable:.2g} {_name(metric.unit, 'points')}".rstrip()


def accuracy_column(benchmarks: Sequence[Optional[Benchmark]]) -> Column:
    """Each benchmark's first accuracy that gates, or else informs; the name is in the title where there is one only."""
    names = [None if benchmark is None else _first_accuracy(benchmark) for benchmark in benchmarks]
    known = list(dict.fromkeys(name for name in names if name is not None))
    if not known:
        return Column("accuracy", [""] * len(names))
    values = [
        None if benchmark is None or name is None else figure(benchmark, name)
        for benchmark, name in zip(benchmarks, names)
    ]
    units = {
        benchmark.metrics[name].unit
        for benchmark, name in zip(benchmarks, names)
        if benchmark is not None and name is not None
    }
    texts = decimal_column(values)
    shown = [text if benchmark is not None else "" for text, benchmark in zip(texts, benchmarks)]
    if len(known) == 1 and len(units) == 1:
        unit = next(iter(units))
        return Column(f"{known[0]}, {unit}" if unit else known[0], shown, spare=1)
    named = [text if name is None else f"{text} {name}" for text, name in zip(shown, names)]
    return Column("accuracy", [text if text.strip() != NOTHING else NOTHING for text in named], spare=1)


def _first_accuracy(benchmark: Benchmark) -> Optional[str]:
    names: List[str] = [name for name, metric in benchmark.metrics.items() if metric.is_accuracy]
    gating = [name for name in names if not benchmark.metrics[name].informs]
    return next(iter(gating or names), None)


def _name(unit: str, of_percent: str) -> str:
    return of_percent if unit == PERCENT else unit


def _moved(figures: AccuracyFigures, unit: str) -> Tuple[str, str, str]:
    """The difference and the ends of its interval with one number of digits behind the point."""
    values = (figures.difference, *figures.interval)
    largest = max(map(abs, values))
    decimals = 1 if unit == PERCENT and largest >= 0.95 else 2
    if unit != PERCENT and 0 < largest < 100:
        decimals = max(0, 2 - math.floor(math.log10(largest)))
    texts = [f"{value:+.{decimals}f}" for value in values]
    moved, low, high = (text.lstrip("+-") if float(text) == 0 else text for text in texts)
    return moved, low, high
