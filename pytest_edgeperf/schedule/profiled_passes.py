"""After the last verdict: passes of workers that profile, to say why a benchmark got slower. They change no verdict.

Whatever happens to a pass, it is a sentence beside its benchmark: profiling may need more memory than measuring, and a
runtime's profiler may crash where the runtime does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Tuple

import pytest

from pytest_edgeperf.judge.verdicts import IMPROVED, INCONCLUSIVE, REGRESSED, UNCHANGED, BenchmarkVerdict, Comparison
from pytest_edgeperf.measure.source_places import nameless
from pytest_edgeperf.results.cost_profiles import CostProfile
from pytest_edgeperf.results.explanations import Explanation
from pytest_edgeperf.results.profile_files import AcceptedProfile, AcceptedProfiles
from pytest_edgeperf.results.types import Results
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.rounds import Strategy
from pytest_edgeperf.schedule.unexpected import message_of
from pytest_edgeperf.schedule.worker.faults import HUNG
from pytest_edgeperf.settings import ALL, OFF

#: Of so many that regressed the worst are explained: a change that slows all of them has one cause.
MOST_EXPLAINED = 10
#: Metrics of time that a profile explains; with ``latency`` also its quantiles.
EXPLAINED_METRICS = ("latency", "infer", "preprocess", "postprocess")

NOTHING_ACCEPTED = (
    "the accepted code has no profile to compare with: the next --baseline=refresh keeps one, and --against=baseline "
    "profiles both sides now"
)
OUTDATED = (
    "the accepted profile is of other runs than the baseline's: the next --baseline=refresh renews it, and "
    "--against=baseline profiles both sides now"
)
AFTER_A_HANG = "not profiled: profiling another benchmark hung until its worker was killed"
INTERRUPTED = "profiling was interrupted: the verdicts are as they were"


class Unprofiled(Exception):
    """There is no profile; the text is the reason, a sentence."""


@dataclass
class ProfiledPasses:
    """Profiles benchmarks of a session that has measured them.

    Args:
        strategy: that of the session, which knows how to start a worker of each side.
        accepted: of a benchmark's id, the profile that was accepted with its baseline; or raises :class:`Unprofiled`.
    """

    strategy: Strategy
    accepted: Callable[[str], CostProfile]
    #: Benchmark id -> why it is slower, or why that is not known: filled here.
    explanations: Dict[str, Explanation] = field(default_factory=dict)
    #: Sentences for the end of the report.
    notes: List[str] = field(default_factory=list)
    #: Whether a pass hung: each further one might wait as long, and the verdicts wait for it.
    _hung: bool = False

    def explain(self, comparison: Optional[Comparison]) -> None:
        """Profile what regressed (or all that was compared, where the settings say so) and explain it."""
        state = self.strategy.state
        if comparison is None or state.settings.explain == OFF or state.stopped:
            return
        every = state.settings.explain == ALL
        wanted = slower(comparison, every=every)
        chosen = wanted if every else wanted[:MOST_EXPLAINED]
        if len(chosen) < len(wanted):
            self.notes.append(
                f"{len(wanted)} benchmarks regressed, of which the {len(chosen)} slowest were profiled; "
                "--edgeperf-explain=all profiles every one"
            )
        plans = {plan.id: plan for plan in state.plans}
        try:
            for number, name in enumerate(chosen, 1):
                state.progress.doing(f"profiling {number} of {len(chosen)}")
                self.explanations[name] = self._explained(plans[name], comparison.benchmarks[name])
        except KeyboardInterrupt:
            self.notes.append(INTERRUPTED)
        finally:
            state.progress.finish()

    def profiles(self, names: Iterable[str]) -> Dict[str, CostProfile]:
        """Profile benchmarks whose runs were accepted; those that have no profile are left out, with a note."""
        state = self.strategy.state
        made: Dict[str, CostProfile] = {}
        reasons: List[str] = []
        if state.settings.explain == OFF or state.stopped:
            return made
        plans = {plan.id: plan for plan in state.plans}
        chosen = [plans[name] for name in names if name in plans]
        try:
            for number, plan in enumerate(chosen, 1):
                state.progress.doing(f"profiling {number} of {len(chosen)}")
                try:
                    made[plan.id] = self._profile(plan)
                except Unprofiled as why:
                    reasons.append(str(why))
                except Exception as error:  # the profiles of the others are kept
                    reasons.append(f"profiling failed: {message_of(error)}")
        except KeyboardInterrupt:
            self.notes.append(
                f"profiling was interrupted: the baseline is accepted, with profiles of {len(made)} of {len(chosen)} "
                "benchmarks"
            )
        finally:
            state.progress.finish()
        if reasons:
            usual = max(dict.fromkeys(reasons), key=reasons.count)
            self.notes.append(f"{len(reasons)} of {len(chosen)} accepted benchmarks have no profile: {usual}")
        return made

    def _explained(self, plan: Plan, verdict: BenchmarkVerdict) -> Explanation:
        from pytest_edgeperf.judge.explanation import explain

        latency = verdict.metrics.get("latency")
        before_ms, after_ms = (latency.baseline, latency.candidate) if latency is not None else (None, None)
        try:
            # Where there is nothing to compare with, this side is not profiled either.
            before = self._profile(plan, base=True) if self.strategy.has_base else self.accepted(plan.id)
            return explain(before, self._profile(plan), before_ms, after_ms)
        except Unprofiled as why:
            return Explanation(before_ms, after_ms, reasons=(str(why),))
        except Exception as error:  # whatever it is, the verdict stands
            return Explanation(before_ms, after_ms, reasons=(f"explaining it failed: {message_of(error)}",))

    def _profile(self, plan: Plan, *, base: bool = False) -> CostProfile:
        """One pass.

        Raises:
            Unprofiled: there is no profile; with the reason.
        """
        if self._hung:
            raise Unprofiled(AFTER_A_HANG)
        side = "the other side's " if base else ""
        try:
            with self.strategy.start_profile(plan, base=base) as attempt:
                attempt.profile()
                delivery = attempt.finish()
        except (Exception, pytest.exit.Exception) as error:
            raise Unprofiled(f"{side}profiling could not be started: {message_of(error)}") from error
        profile = delivery.profile
        if profile is None:
            self._hung = delivery.fault is not None and delivery.fault.startswith(HUNG)
            raise Unprofiled(f"{side}profiling failed: {_why_none(delivery)}")
        if profile.operators is None and profile.functions is None:
            raise Unprofiled(profile.reason_without or f"{side}profile is empty")
        return profile


def slower(comparison: Comparison, *, every: bool = False) -> List[str]:
    """The benchmarks whose time regressed, the worst first; ``every``: after them all others that were compared."""
    factors: Dict[str, Tuple[bool, float]] = {}
    for name, verdict in comparison.benchmarks.items():
        times = [metric for key, metric in verdict.metrics.items() if _is_time(key) and metric.gates]
        worse = [metric.ratio or 1.0 for metric in times if metric.verdict == REGRESSED]
        if verdict.verdict == REGRESSED and worse:
            factors[name] = True, max(worse)
        elif every and verdict.verdict in (REGRESSED, IMPROVED, UNCHANGED, INCONCLUSIVE):
            factors[name] = False, max((metric.ratio or 1.0 for metric in times), default=1.0)
    return sorted(factors, key=lambda name: factors[name], reverse=True)


@dataclass
class AcceptedLookup:
    """The accepted profiles of a session's benchmarks, read when the first is asked for.

    Args:
        read: the profiles of the device; ``None``: there are none. May raise, with the reason.
        baseline: the accepted runs, under the session's ids.
        ids: the session's id -> that of the baseline's file, where they differ.
    """

    read: Callable[[], Optional[AcceptedProfiles]]
    baseline: Optional[Results]
    ids: Mapping[str, str] = field(default_factory=dict)
    _there: Optional[Mapping[str, AcceptedProfile]] = None

    def __call__(self, name: str) -> CostProfile:
        """The profile of a benchmark.

        Raises:
            Unprofiled: there is none, or none of the accepted runs.
        """
        if self._there is None:
            try:
                profiles = self.read()
            except Exception as error:
                # It stays in results and comments, where a home folder has no business.
                raise Unprofiled(nameless(message_of(error))) from error
            self._there = profiles.benchmarks if profiles is not None else {}
        there = self._there.get(self.ids.get(name, name))
        if there is None or self.baseline is None or name not in self.baseline.benchmarks:
            raise Unprofiled(NOTHING_ACCEPTED)
        if there.session not in {run.session for run in self.baseline.benchmarks[name].runs}:
            raise Unprofiled(OUTDATED)
        return there.profile


def _is_time(metric: str) -> bool:
    return metric in EXPLAINED_METRICS or metric.startswith("latency_")


def _why_none(delivery: Delivery) -> str:
    if delivery.fault is not None:
        return (delivery.fault.splitlines() or ["its worker ended"])[0]
    if delivery.failed:
        return f"its {delivery.failed_phase} failed: {delivery.crash}"
    return "the test was skipped" if delivery.skipped else "it measured nothing"
