"""Measure the rule for accuracies on simulated answers, and print its tables.

python -m tests.statistics.accuracy [--write docs] [--pairs N]

An unchanged pair: both sides are right on 95 % of the examples, and differ on a share of them that says how much the
sides' noise matters (1 and 3 % as after another numeric format; 9.5 % is what two networks differ by that have nothing
in common but their accuracy). Detections: both sides keep all but 3 % of the same detector's matches, drawn for each.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np

from pytest_edgeperf import DetectionSet
from pytest_edgeperf.judge.statistics.paired_answers import (
    compare_detections,
    compare_scores,
    detectable_loss,
    p_of_counts,
)
from pytest_edgeperf.results.example_answers import MARGIN_POINTS

from .calibration import write_between

ALPHA = 0.01
#: Of a session in which nothing but latency, memory and accuracies gates.
ACCURACY_SHARE = 0.2
#: What a session's only accuracy is tested at, and one of ten.
LEVELS = {1: ALPHA * ACCURACY_SHARE, 10: ALPHA * ACCURACY_SHARE / 10}
EXAMPLES = (450, 1000, 5000)
ACCURACY = 0.95
DIFFERING = (0.01, 0.03, 0.095)
LOSSES_POINTS = (1, 2, 5)
IMAGES = (50, 100, 200)
MARGIN = MARGIN_POINTS / 100
THRESHOLDS = np.linspace(0.5, 0.95, 10)


@lru_cache(maxsize=None)
def p_value(lost: int, won: int, count: int, margin: float) -> float:
    """As the judge's."""
    return p_of_counts(lost, won, count, margin)


def share_rejected(
    generator: np.random.Generator,
    pairs: int,
    count: int,
    differing: float,
    loss: float,
    level: float,
    margin: float = MARGIN,
) -> float:
    """Share of simulated pairs of right and wrong answers that are called worse at ``level``."""
    won = max(differing - loss, 0.0) / 2
    lost = won + loss
    drawn = generator.multinomial(count, [lost, won, 1 - lost - won], pairs)
    return float(np.mean([p_value(int(b), int(c), count, margin) <= level for b, c, _ in drawn]))


def drawn_detections(generator: np.random.Generator, images: int) -> DetectionSet:
    """A detector of two categories that finds 90 % of the objects, with overlaps from 0.45 to 1, and false ones."""
    truths = generator.poisson(1.0, (2, images))
    truths[0, 0] += 1
    rows: List[Tuple[int, int, float, float]] = []
    for category, image in np.argwhere(truths > 0):
        for _ in range(generator.binomial(truths[category, image], 0.9)):
            rows.append((category, image, generator.random() ** 0.5, generator.uniform(0.45, 1)))
    rows += [(int(generator.integers(2)), image, generator.random(), 0.0) for image in range(images)]
    category, image, scores, overlap = (np.array(column) for column in zip(*rows))
    order = np.lexsort((-scores, category))
    matched = overlap[order] >= THRESHOLDS[:, None]
    return DetectionSet(
        THRESHOLDS, category[order].astype(int), image[order].astype(int), matched, np.zeros_like(matched), truths
    )


def without_matches(generator: np.random.Generator, found: DetectionSet, share: float) -> DetectionSet:
    """The same detections, of which a share matches nothing any more."""
    return replace(found, matched=found.matched & (generator.random(len(found.category)) >= share))


def detections_compared(
    generator: np.random.Generator, pairs: int, images: int, shares: Tuple[float, float]
) -> Tuple[List[float], float]:
    """P-values of pairs, and their mean loss in points; ``shares``: of the matches that each side has not."""
    p_values, losses = [], []
    for _ in range(pairs):
        both = drawn_detections(generator, images)
        base, new = (without_matches(generator, both, share) for share in shares)
        told = compare_detections([base], [new], MARGIN_POINTS, ALPHA, "all")
        p_values.append(told.p_worse)
        losses.append(told.loss)
    return p_values, float(np.mean(losses))


def scores_rejected(
    generator: np.random.Generator, pairs: int, count: int, loss: float, level: float, heavy: bool
) -> float:
    """Share of pairs of scores that are called worse, whose differences are normal or (Student's, 3) heavy-tailed."""
    found = 0
    for _ in range(pairs):
        spread = generator.standard_t(3, count) if heavy else generator.normal(size=count)
        found += compare_scores(0.02 * spread + loss, MARGIN, level).p_worse <= level
    return found / pairs


def alarms_table(pairs: int) -> str:
    """False alarms."""
    generator = np.random.default_rng(1)
    lines = [
        "| unchanged | examples | called worse at 1 %, margin 0 | at 1 %, margin 0.5 points | at 0.2 %, margin 0.5 |",
        "|:--|--:|--:|--:|--:|",
    ]
    for differing in DIFFERING:
        for count in EXAMPLES:
            cells = [
                share_rejected(generator, pairs, count, differing, 0.0, level, margin)
                for level, margin in ((ALPHA, 0.0), (ALPHA, MARGIN), (LEVELS[1], MARGIN))
            ]
            shown = " | ".join(_percent(one) for one in cells)
            lines.append(f"| right or wrong, {100 * differing:g} % answered otherwise | {count} | {shown} |")
    fewer = max(200, pairs // 40)
    for heavy in (False, True):
        for count in (100, 1000):
            cells = [scores_rejected(generator, fewer, count, 0.0, level, heavy) for level in (ALPHA, LEVELS[1])]
            kind = "heavy-tailed" if heavy else "normal"
            lines.append(f"| scores, differences {kind} | {count} | | {' | '.join(map(_percent, cells))} |")
    for images in IMAGES:
        p_values, _ = detections_compared(generator, fewer, images, (0.03, 0.03))
        cells = [float(np.mean(np.array(p_values) <= level)) for level in (ALPHA, LEVELS[1])]
        shown = " | ".join(map(_percent, cells))
        lines.append(f"| average precision, 3 % of matches otherwise | {images} | | {shown} |")
    return "\n".join(lines)


def power_table(pairs: int) -> str:
    """What is found of true losses."""
    generator = np.random.default_rng(2)
    header = " | ".join(f"{loss} point{'s' if loss > 1 else ''}" for loss in LOSSES_POINTS)
    lines = [
        f"| examples | answered otherwise by chance | accuracies in the session | {header} | found with 80 % power |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for count in EXAMPLES:
        for differing in DIFFERING[:2]:
            for accuracies, level in LEVELS.items():
                cells = [
                    share_rejected(generator, pairs, count, differing + loss / 100, loss / 100, level)
                    for loss in LOSSES_POINTS
                ]
                finds = detectable_loss(differing / 2, count, MARGIN, level)
                shown = " | ".join(f"{100 * one:.0f} %" for one in cells)
                reach = "-" if finds is None else f"{100 * finds:.1f} points"
                lines.append(f"| {count} | {100 * differing:g} % | {accuracies} | {shown} | {reach} |")
    return "\n".join(lines)


def precision_table(pairs: int) -> str:
    """What is found of average precision that falls."""
    generator = np.random.default_rng(3)
    lines = ["| images | matches lost | mean loss of average precision | found |", "|--:|--:|--:|--:|"]
    for images in IMAGES:
        for lost in (0.03, 0.06, 0.12):
            p_values, loss = detections_compared(generator, pairs, images, (0.03, 0.03 + lost))
            found = float(np.mean(np.array(p_values) <= LEVELS[1]))
            lines.append(f"| {images} | {100 * lost:g} % | {loss:.1f} points | {100 * found:.0f} % |")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Print the tables, or write them into a document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="a page, or a folder of pages, whose tables are made anew")
    parser.add_argument(
        "--pairs", type=int, default=20_000, help="simulated pairs a cell; a fortieth where they are slow"
    )
    options = parser.parse_args(arguments)
    sections = {
        "accuracy-alarms": alarms_table(options.pairs),
        "accuracy-power": power_table(options.pairs),
        "accuracy-precision": precision_table(max(100, options.pairs // 200)),
    }
    for name, content in sections.items():
        print(f"{name}\n{content}\n")
    if options.write is not None:
        write_between(options.write, sections)
    return 0


if __name__ == "__main__":
    sys.exit(main())
