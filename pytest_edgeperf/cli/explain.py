"""``edgeperf explain``: why one benchmark got slower, as a session found out or by two files of profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, Tuple

import click

from pytest_edgeperf.cli.options import format_option
from pytest_edgeperf.cli.outputs import deliver, output_of, output_option

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_edgeperf.report.exporters.interface import Exporter
    from pytest_edgeperf.results.explanations import Explanation
    from pytest_edgeperf.results.profile_files import AcceptedProfile

#: Names that an error lists.
_LISTED = 5


@click.command()
@click.argument("benchmark", metavar="ID")
@click.option(
    "--candidate",
    metavar="FILE",
    help="The session's results, or with --base the profiles of the slower side.  [default: the latest session's "
    "results in the cache]",
)
@click.option("--base", metavar="FILE", help="The profiles of the faster side, such as baselines/profiles/host.json.")
@format_option("explanation", "How to print the explanation.")
@output_option
def explain(
    benchmark: str, candidate: Optional[str], base: Optional[str], shown_by: Exporter, output: Optional[str]
) -> None:
    """Print why a benchmark got slower.

    A session explains what regressed, and keeps that with its results. With --base, two files of profiles are
    compared instead, such as those of two accepted baselines. ID may be a part of a name that only one has. Exits with
    0, or with 4 when a file cannot be used or holds nothing of the benchmark.
    """
    if base is not None and candidate is None:
        raise click.UsageError("--base needs --candidate: another file of profiles to compare with it")
    latest = candidate if candidate is not None else str(_latest_results())
    file = output_of(output, "explanation", shown_by, [latest, *([base] if base is not None else [])])
    if base is None:
        stored = _stored(latest)
        name = _only(benchmark, stored, latest)
        explanation = stored[name]
    else:
        there, here = _both(base, latest)
        name = _only(benchmark, here, latest)
        _only(name, there, base)
        explanation = _compared(there[name], here[name])
    deliver(lambda form, on: form.explanation(name, explanation, on), shown_by, file)


def _latest_results() -> Path:
    from pytest_edgeperf.caches import cache_folder
    from pytest_edgeperf.results import ResultsError

    folder = cache_folder("results")
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    if not files:
        raise ResultsError(f"{folder}: no results of a session here; name them: --candidate FILE")
    return files[-1]


def _stored(path: str) -> Mapping[str, Explanation]:
    from pytest_edgeperf.results import ResultsError, read

    explanations = read(path).explanations
    if not explanations:
        raise ResultsError(
            f"{path}: this session explained nothing; --edgeperf-explain=regressed does it for what regressed, and "
            "--edgeperf-explain=all for all benchmarks that are compared"
        )
    return explanations


def _both(base: str, candidate: str) -> Tuple[Mapping[str, AcceptedProfile], Mapping[str, AcceptedProfile]]:
    """The profiles of two files.

    Raises:
        ResultsError: one cannot be used, or they are of two devices.
    """
    from pytest_edgeperf.results import ResultsError

    (device, there), (other_device, here) = _profiles(base), _profiles(candidate)
    if device != other_device:
        raise ResultsError(
            f"{base} is of {device}, {candidate} of {other_device}: profiles of two devices explain no change"
        )
    return there, here


def _profiles(path: str) -> Tuple[str, Mapping[str, AcceptedProfile]]:
    """The device of a file of kept profiles, and its profiles."""
    from pytest_edgeperf.results import profile_files
    from pytest_edgeperf.results.decoding import decode, file_bytes

    profiles = profile_files.parse(decode(file_bytes(path), path), path)
    return profiles.device, profiles.benchmarks


def _compared(before: AcceptedProfile, after: AcceptedProfile) -> Explanation:
    from pytest_edgeperf.judge.explanation import explain as explained

    return explained(before.profile, after.profile, before.profile.latency_ms, after.profile.latency_ms)


def _only(wanted: str, known: Mapping[str, Any], path: str) -> str:
    """The benchmark of that name, or the only one with that in its name.

    Raises:
        ResultsError: there is none, or there are several.
    """
    from pytest_edgeperf.results import ResultsError

    having = [wanted] if wanted in known else [name for name in known if wanted in name]
    if len(having) > 1:
        raise ResultsError(f"{path}: {len(having)} benchmarks have {wanted!r} in their names: {_listed(having)}")
    if not having:
        raise ResultsError(f"{path}: nothing on {wanted!r}; it has {_listed(list(known))}")
    return having[0]


def _listed(names: Sequence[str]) -> str:
    shown: List[str] = [name if len(name) <= 100 else f"{name[:60]}…{name[-39:]}" for name in names[:_LISTED]]
    more = len(names) - len(shown)
    return ", ".join(shown or ["none"]) + (f" and {more} more" if more else "")
