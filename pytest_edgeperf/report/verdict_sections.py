"""Which sections the table of verdicts has: what got worse first, then what is not clear, then the rest."""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.renames import GONE
from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    UNCHANGED,
    BenchmarkVerdict,
    Comparison,
)
from pytest_edgeperf.report.figures import LATENCY, deciding_metric
from pytest_edgeperf.report.regressions import explained, lines_explained
from pytest_edgeperf.report.sentences import differences_text, inconclusive_text
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import accepted, judged
from pytest_edgeperf.report.verdict_table import Section
from pytest_edgeperf.results.explanations import Explanation

#: Benchmarks that a section of what is not clear lists, and one of what is good, unless everything is asked for.
_UNCLEAR_LISTED, _REST_LISTED = 10, 20

_UNDECIDED = {
    INCONCLUSIVE: "neither cleared nor confirmed as worse",
    INCOMPARABLE: "the environment or the parameters differ from the baseline's",
}
#: Why a benchmark has no clear verdict, in a check and between two files.
WHY_IN_CHECK = {
    **_UNDECIDED,
    MISSING: "in the baseline, not measured now",
    NEW: "no baseline yet; --baseline=refresh accepts them",
}
WHY_IN_FILES = {**_UNDECIDED, MISSING: "only in the base", NEW: "only in the candidate"}
_STYLES = {NEW: "remark", IMPROVED: "good", UNCHANGED: "strong"}


def sections_of(report: SessionReport, *, everything: bool) -> List[Section]:
    """The sections of a session."""
    comparison = judged(report)
    refreshing = report.mode == "refresh"
    explanations = report.measured.explanations
    sections = _regressed(accepted(report), explanations, refreshing=refreshing, everything=everything)
    sections += _with_reasons("failed", report.faults, "bad")
    nothing_accepted = not {"created", "updated"}.intersection(report.refreshed.values())
    listed = None if everything else _UNCLEAR_LISTED
    sections += _with_reasons("not accepted", report.refused, "bad" if nothing_accepted else "warning", listed)
    said = {name for section in sections for name in section.ids}
    verdicts = {name: verdict for name, verdict in comparison.benchmarks.items() if name not in said}
    why = whys(report)
    sections += _not_clear(verdicts, why, everything=everything)
    sections += _rest(verdicts, why, everything=everything)
    measured = [name for name in report.measured.benchmarks if name not in said and name not in comparison.benchmarks]
    if measured:
        created = refreshing and all(report.refreshed.get(name) == "created" for name in measured)
        heading = f"new ({len(measured)}): accepted as the first baseline" if created else ""
        sections.append(Section(heading, "remark", measured))
    return sections


def sections_between(comparison: Comparison) -> List[Section]:
    """The sections of two results files."""
    explanations = {} if comparison.files is None else comparison.files.candidate_results.explanations
    sections = _regressed(comparison, explanations, refreshing=False, everything=False, in_full=True)
    verdicts = {name: one for name, one in comparison.benchmarks.items() if one.verdict != REGRESSED}
    sections += _not_clear(verdicts, WHY_IN_FILES, everything=True)
    return sections + _rest(verdicts, WHY_IN_FILES, everything=False, unfolded_by="--format json")


def why_in_refresh(comparison: Comparison) -> Mapping[str, str]:
    """Why a benchmark has no clear verdict in a refresh, which lists what it kept: only what no longer exists."""
    gone = any(verdict.reason == GONE for verdict in comparison.benchmarks.values())
    return {**_UNDECIDED, MISSING: WHY_IN_CHECK[MISSING]} if gone else _UNDECIDED


def why_against(label: str) -> Mapping[str, str]:
    """The same where another commit or Python was measured in lock-step."""
    return {
        INCONCLUSIVE: _UNDECIDED[INCONCLUSIVE],
        INCOMPARABLE: f"{label} has no runs of them",
        MISSING: f"in {label}, not here",
        NEW: f"not in {label}",
    }


def whys(report: SessionReport) -> Mapping[str, str]:
    """Why benchmarks of a session have no clear verdict, by the verdict; a refresh has fewer of them."""
    if report.against is not None:
        return why_against(report.against)
    if report.mode == "refresh":
        return {**why_in_refresh(judged(report)), NEW: "accepted without an earlier baseline"}
    return WHY_IN_CHECK


def _regressed(
    comparison: Comparison,
    explanations: Mapping[str, Explanation],
    *,
    refreshing: bool,
    everything: bool,
    in_full: bool = False,
) -> List[Section]:
    worse = [name for name, verdict in comparison.benchmarks.items() if verdict.verdict == REGRESSED]
    lines = lines_explained(comparison)
    if not worse and not lines:
        return []
    said = explained(comparison, explanations, everything=everything, in_full=in_full or everything)
    word = "accepted although worse than the earlier baseline" if refreshing else REGRESSED
    heading = f"{word} ({len(worse) + len(lines)})" + (f": {said.commits}" if said.commits else "")
    style = "warning" if refreshing else "bad"
    return [Section(heading, style, worse, said.differences, said.sentences, others=lines, apart=True)]


def _not_clear(verdicts: Mapping[str, BenchmarkVerdict], why: Mapping[str, str], *, everything: bool) -> List[Section]:
    sections = []
    for word in (INCONCLUSIVE, INCOMPARABLE, MISSING):
        ids = [name for name, verdict in verdicts.items() if verdict.verdict == word]
        if ids and word in why:
            details = {name: (detail,) for name in ids for detail in [_detail(verdicts[name])] if detail}
            sections.append(_section(word, why[word], "warning", ids, details, None if everything else _UNCLEAR_LISTED))
    return sections


def _rest(
    verdicts: Mapping[str, BenchmarkVerdict],
    why: Mapping[str, str],
    *,
    everything: bool,
    unfolded_by: str = "-v",
) -> List[Section]:
    sections = []
    only_new = all(verdict.verdict == NEW for verdict in verdicts.values())
    for word in (NEW, IMPROVED, UNCHANGED):
        ids = [name for name, verdict in verdicts.items() if verdict.verdict == word]
        if not ids:
            continue
        heading = f"{word} ({len(ids)})" + (f": {why[word]}" if word in why else "")
        many = len(ids) > _REST_LISTED and not everything and not only_new
        if many and word != IMPROVED:
            sections.append(Section(heading, _STYLES[word], ids, folded=word, unfolded_by=unfolded_by))
        else:
            sections.append(Section(heading, _STYLES[word], ids, listed=_REST_LISTED if many else None))
    return sections


def _with_reasons(word: str, reasons: Mapping[str, str], style: str, listed: Optional[int] = None) -> List[Section]:
    """A section of what has a reason each; the reason of all stands in the heading."""
    if not reasons:
        return []
    details = {name: tuple(reason.splitlines()) for name, reason in reasons.items()}
    return [_section(word, "", style, list(reasons), details, listed)]


def _section(
    word: str,
    why: str,
    style: str,
    ids: Sequence[str],
    details: Mapping[str, Sequence[str]],
    listed: Optional[int],
) -> Section:
    """A section whose heading says why; what is said of each stands there, too, where it is the same of all."""
    said = {tuple(details.get(name, ())) for name in ids}
    shared = _joined(said.pop()) if len(said) == 1 else ""
    if shared:
        details = {}
        if why == _UNDECIDED[INCOMPARABLE]:
            why = f"differs from the baseline: {shared}"
        else:
            why = "; ".join(filter(None, [why, shared]))
    return Section(f"{word} ({len(ids)})" + (f": {why}" if why else ""), style, ids, details=details, listed=listed)


def _joined(texts: Sequence[str]) -> str:
    """Clauses parted by semicolons; a sentence among them ends itself."""
    return "; ".join(texts).replace(".; ", ". ")


def _detail(verdict: BenchmarkVerdict) -> str:
    if verdict.verdict == INCONCLUSIVE:
        # The change of the latency stands in the row.
        return inconclusive_text(verdict, with_change=deciding_metric(verdict) != LATENCY)
    if verdict.verdict == MISSING and verdict.reason == GONE:
        return f"{GONE}; edgeperf baseline prune --missing-from RESULTS removes them"
    if verdict.verdict == INCOMPARABLE and verdict.differences:
        return differences_text(verdict.differences)
    return (verdict.reason or "").rstrip(".") if verdict.verdict == INCOMPARABLE else ""
