"""What got slower or worse, could not be measured, or is not clear: the first of a page's answers."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import INCONCLUSIVE
from pytest_edgeperf.report.explanation_text import explanation_headline
from pytest_edgeperf.report.html.benchmark_data import anchor
from pytest_edgeperf.report.html.elements import Html, element, long_text
from pytest_edgeperf.report.html.machine_card import commits_text
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.line_text import line_headline
from pytest_edgeperf.report.loaded_text import loads_text
from pytest_edgeperf.report.placement_text import counted_placements
from pytest_edgeperf.report.regressions import worst_first
from pytest_edgeperf.report.sentences import inconclusive_text, ruled_out_text, worse_text
from pytest_edgeperf.report.text import common_path

#: Of one kind, so that all answers fit on a screen; the list below has all.
_MOST_WORSE, _MOST_OTHERS = 8, 4
#: Letters of a name's beginning and end that a link shows.
_HEAD, _TAIL = 120, 40

#: A benchmark's id, and what to say of it.
_Entry = Tuple[str, str]


def worse_parts(subject: Subject) -> List[Html]:
    """The answer with the commits between which it lies; each benchmark links to its place in the list."""
    report, comparison = subject.report, subject.comparison
    verdicts = comparison.benchmarks
    worse = worst_first(comparison)
    whys = {name: explanation_headline(one) for name, one in report.measured.explanations.items()}
    worst = [(name, "; ".join(filter(None, [worse_text(verdicts[name]), whys.get(name)]))) for name in worse]
    failed = [(name, f"not measured: {' '.join(reason.split())}") for name, reason in report.faults.items()]
    refused = list(report.refused.items())
    unclear = [
        (name, inconclusive_text(verdict)) for name, verdict in verdicts.items() if verdict.verdict == INCONCLUSIVE
    ]
    shown = [*worst[:_MOST_WORSE], *(entry for kind in (failed, refused, unclear) for entry in kind[:_MOST_OTHERS])]
    shared = common_path([name for name, _ in shown]) if len(shown) > 1 else ""

    of_worse = [verdicts[name] for name in worse]
    moved = [
        f"{text} ({number} of {len(worse)})." if number < len(worse) else f"{text}."
        for text, number in counted_placements(of_worse).items()
    ]
    parts = [element("p", long_text(text)) for text in moved[:_MOST_OTHERS]]
    loads = loads_text(of_worse)
    said = (
        commits_text(subject),
        f"{loads[:1].upper()}{loads[1:]}." if loads else None,
        f"In {shared.rstrip(':')}" if shared else None,
    )
    parts += [element("p", long_text(text)) for text in said if text]
    lines = [element("li", long_text(line_headline(line))) for line in comparison.regressed_lines[:_MOST_OTHERS]]
    items = [*_items(worst, _MOST_WORSE, shared), *lines, *_items(failed, _MOST_OTHERS, shared)]
    nothing = "Nothing, as far as this measurement can tell." if subject.decided else "Nothing could be compared."
    parts.append(element("ul", *items) if items else element("p", nothing))
    for title, entries in (("Not accepted", refused), ("Not clear", unclear)):
        if entries:
            parts.append(element("h3", f"{title} ({len(entries)})"))
            parts.append(element("ul", *_items(entries, _MOST_OTHERS, shared)))
    rules_out = ruled_out_text(comparison)
    if rules_out:
        parts.append(element("p", f"{rules_out[:1].upper()}{rules_out[1:]}.", class_="remark"))
    return parts


def _items(entries: Sequence[_Entry], most: int, shared: str) -> List[Html]:
    """The first entries, and how many more there are."""
    items = [_item(name, remark, shared) for name, remark in entries[:most]]
    more = len(entries) - most
    if more > 0:
        items.append(element("li", element("a", f"and {more} more, in the list below", href="#benchmarks")))
    return items


def _item(benchmark_id: str, remark: str, shared: str) -> Html:
    name = benchmark_id[len(shared) :] if benchmark_id.startswith(shared) else benchmark_id
    short = name if len(name) <= _HEAD + _TAIL else f"{name[:_HEAD]}…{name[-_TAIL:]}"
    link = element("a", element("bdi", short or benchmark_id[:_HEAD]), href=f"#{anchor(benchmark_id)}")
    return element("li", link, " ", long_text(remark))
