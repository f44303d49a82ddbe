"""Whether a run was disturbed, and by what, given what is normal for its benchmark. Pure functions."""

from __future__ import annotations

import math
from statistics import median
from typing import Any, Callable, List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.evidence import TAIL_DISTURBED
from pytest_edgeperf.results.disturbance_words import causes_text
from pytest_edgeperf.results.types import Results, Run
from pytest_edgeperf.schedule.machine import strangers

#: On 986 recorded processes, runs beyond both had twice the spread.
LEAST_CPU_SHARE = 0.97
MOST_SWITCHES_PER_S = 20.0
#: A debugger that looks in, or a tool that takes a picture of the process, stops it for less. Chosen, not measured.
MOST_STOPPED_S = 0.02
#: Of one processor, by others or the hypervisor, whose slices of time do the same. Of 10 % all the time, which the
#: baseline did not have, 90 % of sessions raised an alarm by medians (docs/statistics-disturbances.md).
MOST_OTHERS_SHARE = 0.07
MOST_STEAL_SHARE = 0.07
#: The same, of a run whose tail is evidence: of 5 % all the time all sessions raised an alarm by tails, of 2 % none.
MOST_SHARE_OF_TAIL = 0.03
#: A machine at rest keeps a canary within 3 %.
CANARY_MARGIN = 1.03
#: Slower than nine in ten of the baseline's runs: a state that the baseline has accepted is not a disturbance.
CANARY_QUANTILE = 0.9
#: Swapping less than a MiB is any idle daemon's; a page has 4 KiB. Chosen, not measured.
MOST_SWAPPED_PAGES = 256
#: Of fewer runs a 90 % quantile says nothing.
FEWEST_CANARIES = 3
#: Work of its own threads and children that its baseline did not have, in processors: it may slow the canary itself.
OWN_HELP_SHARE = 0.1

#: Begins the reason of a run that other processes disturbed.
OTHERS = "others_share"

#: Settings that decide how fast a canary is.
SPEED = ("power_mode", "governor", "cpu_max_mhz", "cpus_online", "clocks_pinned")

Figures = Mapping[str, Any]


def preempted(quality: Figures) -> bool:
    """Whether the processor was taken away: CPU time well under wall time, and many involuntary switches."""
    share = quality.get("cpu_share")
    switches = quality.get("involuntary_switches_per_s")
    if share is None or switches is None:
        return False
    return bool(share < LEAST_CPU_SHARE and switches > MOST_SWITCHES_PER_S)


def taken(quality: Figures) -> bool:
    """Whether other processes used the run's processors."""
    return _above(quality, "others_share", MOST_OTHERS_SHARE)


def stolen(quality: Figures) -> bool:
    """Whether the hypervisor gave the run's processors to others."""
    return _above(quality, "steal_share", MOST_STEAL_SHARE)


def tail_disturbed(quality: Figures, baseline: Sequence[Figures] = (), *, pinned: bool = True) -> bool:
    """Whether others or the hypervisor used enough of the run's processors to move its tail, and nothing else of it.

    Args:
        quality: the figures of a run that is evidence.
        baseline: those of the benchmark's baseline runs; what at least half of them show too is no disturbance.
        pinned: whether the run had its own processors; if not, others may use some without disturbing it.
    """

    def above(name: str) -> bool:
        def sign(figures: Figures) -> bool:
            return _above(figures, name, MOST_SHARE_OF_TAIL)

        return sign(quality) and not _usual(sign, baseline, name)

    return (pinned and above(OTHERS)) or above("steal_share")


def swapped(quality: Figures) -> bool:
    """Whether the system swapped memory in or out."""
    return _above(quality, "swapped_pages", MOST_SWAPPED_PAGES)


def over_current(quality: Figures) -> bool:
    """Whether a Jetson's supply was limited."""
    return _above(quality, "overcurrent_events", 0)


def canary(quality: Figures) -> Optional[float]:
    """The run's canary in ms: the best of those around it, so that it reflects a state that lasted."""
    values = quality.get("canary_ms")
    return min(values) if isinstance(values, (list, tuple)) and values else None


def canary_limit(baseline: Sequence[Figures]) -> Optional[float]:
    """The canary in ms above which the machine was slower than for the baseline; ``None`` if there are too few runs.

    Held against the baseline's slower runs, not its fastest: fast candidates must not be compared with a
    baseline of slow and fast ones. On recorded runs this keeps 95 % of a usual hour, and drops 62 % of those of
    a slow hour that were over 10 % off; 3 % over the fastest tenth drops 40 % of the usual hour already.
    """
    known = sorted(value for value in map(canary, baseline) if value is not None)
    if len(known) < FEWEST_CANARIES:
        return None
    return CANARY_MARGIN * known[math.ceil(CANARY_QUANTILE * len(known)) - 1]


def disturbed_by(
    quality: Figures, baseline: Sequence[Figures] = (), *, pinned: bool = True, heated: bool = False
) -> List[str]:
    """The reasons why the run is disturbed and excluded from the comparison; empty if it is not.

    Signs that the benchmark causes itself are not held against it, or a regression could hide behind them:
    those that at least half of its baseline's runs show too, and those of a processor that was taken away
    while everybody else was idle (its own children, more threads than processors, input and output).

    Args:
        quality: the run's figures.
        baseline: the figures of the benchmark's baseline runs in the same environment.
        pinned: whether the run had its own processors; if not, others may use some without disturbing it.
        heated: the run is to find out what heat does to it, so what heat does is no disturbance.
    """
    reasons: List[str] = []
    others_are_to_blame = taken(quality) and not _usual(taken, baseline, "others_share")
    was_preempted = preempted(quality) and not _usual(preempted, baseline, "cpu_share")
    if others_are_to_blame and (pinned or was_preempted):
        reasons.append(f"{OTHERS} {quality['others_share']:.2f}")
    elif was_preempted and "others_share" not in quality and not _shared_with_children(quality):
        reasons.append(
            f"cpu_share {quality['cpu_share']:.2f} with "
            f"{quality['involuntary_switches_per_s']:.0f} involuntary switches/s"
        )
    if stolen(quality) and not _usual(stolen, baseline, "steal_share"):
        reasons.append(f"steal_share {quality['steal_share']:.2f}")
    value, limit = canary(quality), canary_limit(baseline)
    if value is not None and limit is not None and value > limit and not (heated or _helped_more(quality, baseline)):
        reasons.append(f"canary {value / limit * CANARY_MARGIN:.2f}x")
    if quality.get("throttled") and not heated:
        reasons.append(f"throttled {quality['throttled']}x ({', '.join(quality.get('throttled_by', ()))})")
    return reasons + stopped(quality) + _by_condition(quality, baseline, heated=heated)


def stopped(quality: Figures) -> List[str]:
    """The reason to exclude a run that was stopped while it was timed; empty if it was not."""
    return [f"stopped {quality['stopped_s']:.1f} s"] if quality.get("stopped_s", 0.0) > MOST_STOPPED_S else []


def _by_condition(quality: Figures, baseline: Sequence[Figures], *, heated: bool) -> List[str]:
    """The disturbances seen in the machine's condition before and after the run."""
    reasons: List[str] = []
    if quality.get("slowed_by") and not heated:
        reasons.append(f"slowed by {', '.join(quality['slowed_by'])}")
    if min(quality.get("headroom_c", (1.0,))) <= 0 and not heated:
        reasons.append(f"hot: {quality['temperature_zone']} {max(quality['temperature_c']):.1f} degC")
    if quality.get("settings_changed"):
        reasons.append(f"settings changed: {', '.join(quality['settings_changed'])}")
    if quality.get("oom_kills"):
        reasons.append(f"memory ran out: the kernel killed {quality['oom_kills']} processes")
    if swapped(quality) and not _usual(swapped, baseline, "swapped_pages"):
        reasons.append(f"swapped {quality['swapped_pages']} pages")
    # Some Jetsons count instantaneous over-current in normal operation: it matters only relative to a baseline.
    known = [run for run in baseline if "overcurrent_events" in run]
    if known and over_current(quality) and not _usual(over_current, known, "overcurrent_events"):
        reasons.append(f"over-current {quality['overcurrent_events']}x")
    return reasons


def comparable(run: Run, environments: Mapping[str, Mapping[str, Any]], environment: Mapping[str, Any]) -> bool:
    """Whether the run's canary may be compared: same machine, same Python, same processors, same clocks."""
    other = environments.get(run.environment, {})
    return (
        _of(other, "fingerprint") == _of(environment, "fingerprint")
        and _of(other, "software").get("python") == _of(environment, "software").get("python")
        and all(_of(other, "settings").get(name) == _of(environment, "settings").get(name) for name in ("cpus", *SPEED))
    )


def baseline_figures(
    baseline: Optional[Results], benchmark_id: str, environment: Mapping[str, Any]
) -> List[Mapping[str, Any]]:
    """The figures of the benchmark's good baseline runs in the same environment."""
    if baseline is None or benchmark_id not in baseline.benchmarks:
        return []
    return [
        run.quality
        for run in baseline.benchmarks[benchmark_id].runs
        if run.quality and not run.disturbed and comparable(run, baseline.environments, environment)
    ]


def summary(runs: Sequence[Run], replaced: int) -> Optional[str]:
    """One sentence on the disturbed runs of a session, by what disturbed them; ``None`` if there are none."""
    disturbed = [run.quality or {} for run in runs if run.disturbed]
    if not disturbed:
        return None
    causes = causes_text([figures.get("disturbed_by", ()) for figures in disturbed])
    others = strangers.as_text([figures["others"] for figures in disturbed if figures.get("others")])
    again = f"{replaced} {'was' if replaced == 1 else 'were'}" if replaced else "none was"
    return (
        f"{len(disturbed)} of {len(runs)} runs {'was' if len(disturbed) == 1 else 'were'} disturbed"
        f"{f': {causes}' if causes else ''}. Disturbed runs are stored but not compared; {again} replaced"
        f"{f'. The other processes, with the processors that each used: {others}' if others else ''}"
    )


def tail_summary(runs: Sequence[Run]) -> Optional[str]:
    """One sentence on the runs whose tails are excluded from the comparison; ``None`` if there are none."""
    marked = sum(bool((run.quality or {}).get(TAIL_DISTURBED)) for run in runs)
    if not marked:
        return None
    return (
        f"other processes used {100 * MOST_SHARE_OF_TAIL:.0f} % or more of the processors during {marked} of "
        f"{len(runs)} runs: the tails of these (p90 to p99) are not compared, their minima and medians are"
    )


def _above(quality: Figures, name: str, limit: float) -> bool:
    value = quality.get(name)
    return value is not None and bool(value > limit + float(quality.get("share_resolution", 0.0)))


def _shared_with_children(quality: Figures) -> bool:
    """Whether the processor that the run lacked was used by its own children."""
    return bool(quality.get("cpu_share", 0.0) + quality.get("children_share", 0.0) >= LEAST_CPU_SHARE)


def _usual(sign: Callable[[Figures], bool], baseline: Sequence[Figures], figure: str) -> bool:
    signs = [sign(run) for run in baseline if figure in run]
    return bool(signs) and bool(median(signs) >= 0.5)


def _help(quality: Figures) -> Optional[float]:
    """Processor time of the run's own further threads and children, in processors."""
    if "own_share" not in quality or "thread_share" not in quality:
        return None
    return float(quality["own_share"] - quality["thread_share"])


def _helped_more(quality: Figures, baseline: Sequence[Figures]) -> bool:
    own = _help(quality)
    if own is None:
        return False
    known = [value for value in map(_help, baseline) if value is not None]
    usual = median(known) if known else 0.0
    return own > usual + OWN_HELP_SHARE + float(quality.get("share_resolution", 0.0))


def _of(environment: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    values = environment.get(section, {})
    return values if isinstance(values, Mapping) else {}
