"""What differs in what a benchmark that got worse loads, or that nothing does, in words."""

from __future__ import annotations

from collections import Counter
from typing import List, Optional, Sequence

from pytest_edgeperf.judge.loaded_differences import BASELINE, BOTH, PACKAGE, SOURCE, LoadedDifference
from pytest_edgeperf.judge.verdicts import REGRESSED, BenchmarkVerdict, Comparison
from pytest_edgeperf.report.placement_text import Differences, without_moved
from pytest_edgeperf.report.text import enumerate_names

#: Differences that a sentence lists; they are ordered from the nearest to the benchmark.
LISTED = 5
_PREFIXES = {"model": "model ", "engine": "engine "}
_OTHER_CONTENT = {"library": " (another build)"}
_OWN_FILES = " (of what it recorded: files that its own code opens are not in it)"
#: Kind -> the field of the environment that has the digest of such a file, without its name.
_FIELDS = {"model": "settings.engine.model_sha256", "engine": "settings.engine.engine_sha256"}
#: What a benchmark may be told to do otherwise, with all files as they were: then the machine is no suspect.
_SETTINGS = frozenset({"settings.engine", "settings.threads"})
_WITHOUT_RECORD = {
    BASELINE: "the baseline has no record of what its benchmarks loaded; the next refresh keeps one",
    BOTH: "no side has a record of what its benchmarks loaded",
}
_NO_CANDIDATE_RECORD = "these runs have no record of what they loaded"


def loaded_text(verdict: BenchmarkVerdict, commits: str = "") -> str:
    """What the benchmark loads that differs, or that nothing does; empty where that is not known.

    Packages whose versions the environment's differences show are not named again.

    Args:
        verdict: of a benchmark that regressed.
        commits: of both sides, to be said of the source files.
    """
    loaded = verdict.loaded
    if loaded is None or loaded.unknown is not None:
        return ""
    whose = "the other side's" if _is_paired(verdict) else "the baseline's"
    named = differences_of(verdict)
    if named:
        return f"What it loads differs from {whose}: {_listed(named, commits)}"
    if loaded.differences:
        return "Nothing else that this benchmark loads differs"
    known = "" if loaded.with_model else _OWN_FILES
    if _is_paired(verdict) or _is_told_otherwise(verdict):
        return f"Nothing that this benchmark loads differs from {whose}{known}"
    return f"Nothing that this benchmark loads differs from {whose}{known}: suspect the machine"


def environment_differences(verdict: BenchmarkVerdict) -> Differences:
    """What differs in the environment beside a moved placement, and beside files that :func:`loaded_text` names."""
    kinds = {difference.kind for difference in differences_of(verdict)}
    named = {field for kind, field in _FIELDS.items() if kind in kinds}
    return {name: pair for name, pair in without_moved(verdict).items() if name not in named}


def names_sources(verdict: BenchmarkVerdict) -> bool:
    """Whether a source file is among the differences that :func:`loaded_text` lists."""
    return any(difference.kind == SOURCE for difference in differences_of(verdict)[:LISTED])


def differences_of(verdict: BenchmarkVerdict) -> List[LoadedDifference]:
    """What differs, but for versions that the environment's differences show."""
    if verdict.loaded is None:
        return []
    software = {
        (name.partition(".")[2].partition(":")[0].replace("_", "-"), *pair)
        for name, pair in verdict.differences.items()
        if name.startswith("software.")
    }

    def is_said(difference: LoadedDifference) -> bool:
        versions = _version(difference.before), _version(difference.after)
        return difference.kind == PACKAGE and any(
            name in difference.name and (old, new) == versions for name, old, new in software
        )

    return [difference for difference in verdict.loaded.differences if not is_said(difference)]


def difference_text(difference: LoadedDifference) -> str:
    """``numpy 1.26.4 -> 2.0.1``, ``model resnet18.onnx``, ``libz.so.1 (another build)``, ``ops.py (new)``."""
    name = _PREFIXES.get(difference.kind, "") + difference.name
    if difference.before is None:
        return f"{name} (new)"
    if difference.after is None:
        return f"{name} (no longer loaded)"
    if difference.kind != PACKAGE:
        return name + _OTHER_CONTENT.get(difference.kind, "")
    old, new = _version(difference.before), _version(difference.after)
    return f"{name} {old} (another build)" if old == new else f"{name} {old} -> {new}"


def loads_text(verdicts: Sequence[BenchmarkVerdict]) -> Optional[str]:
    """What differs in what these benchmarks load, and for how many of them; ``None``: nothing that is known."""
    differing = Counter(difference_text(difference) for verdict in verdicts for difference in differences_of(verdict))
    if not differing:
        return None
    named = [
        text if number == len(verdicts) else f"{text} (for {number} of {len(verdicts)})"
        for text, number in differing.items()
    ]
    more = len(named) - LISTED
    listed = enumerate_names([*named[:LISTED], f"{more} more"] if more > 0 else named)
    return f"what {'it loads' if len(verdicts) == 1 else 'they load'} differs in {listed}"


def without_record_text(verdicts: Sequence[BenchmarkVerdict]) -> Optional[str]:
    """Which side has no record of what it loaded, where one of these benchmarks has none."""
    sides = {verdict.loaded.unknown for verdict in verdicts if verdict.loaded is not None and verdict.loaded.unknown}
    if not sides:
        return None
    return _WITHOUT_RECORD.get(BASELINE if BASELINE in sides else sides.pop(), _NO_CANDIDATE_RECORD)


def nothing_differs_text(comparison: Comparison) -> Optional[str]:
    """That nothing which the regressed benchmarks load differs from the baseline's, where that is known of all."""
    worse = [verdict for verdict in comparison.benchmarks.values() if verdict.verdict == REGRESSED]
    if not worse or not all(_shows_nothing(verdict) for verdict in worse):
        return None
    whose = "the regressed benchmark loads" if len(worse) == 1 else f"the {len(worse)} regressed benchmarks load"
    known = "" if all(verdict.loaded is not None and verdict.loaded.with_model for verdict in worse) else _OWN_FILES
    return f"Nothing that {whose} differs from the baseline's{known}."


def _shows_nothing(verdict: BenchmarkVerdict) -> bool:
    known = verdict.loaded is not None and verdict.loaded.nothing
    return known and not _is_told_otherwise(verdict) and not _is_paired(verdict)


def _is_told_otherwise(verdict: BenchmarkVerdict) -> bool:
    """Whether nodes moved or settings differ, which explains a loss where all files are the same."""
    return verdict.moved_placement is not None or not _SETTINGS.isdisjoint(verdict.differences)


def _listed(differences: Sequence[LoadedDifference], commits: str) -> str:
    shown = list(differences[:LISTED])
    texts = [difference_text(difference) for difference in shown]
    sources = [at for at, difference in enumerate(shown) if difference.kind == SOURCE]
    if sources and commits:
        texts[sources[-1]] += f" ({commits})"
    more = len(differences) - len(shown)
    return enumerate_names([*texts, f"{more} more"] if more > 0 else texts)


def _version(value: Optional[str]) -> str:
    """Of a package, without the digest of its content."""
    return (value or "").partition(" ")[0]


def _is_paired(verdict: BenchmarkVerdict) -> bool:
    return any(metric.paired for metric in verdict.metrics.values())
