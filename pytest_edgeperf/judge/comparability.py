"""Which runs may be compared: what of the environment must be equal, and what only informs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.results.placement import PLACEMENT_FIELD, placement_changed
from pytest_edgeperf.results.types import Results, Run

Differences = Mapping[str, Tuple[Any, Any]]

#: What says which kernel and distribution ran: it changes with every update, so it only informs.
SOFT_FINGERPRINT = frozenset({"kernel", "kernel_release", "kernel_version", "os", "os_release", "os_version"})

#: What of the settings changes the quantity that is measured, and not only how it is measured.
HARD_SETTINGS = frozenset(
    {
        "blocks",
        "budget_s",
        "clocks_pinned",
        "cpu_max_mhz",
        "cpus",
        "cpus_online",
        "emc_max_mhz",
        "emc_pinned",
        "governor",
        "gpu_max_mhz",
        "gpu_pinned",
        "power_mode",
        "threads",
    }
)

#: Software that does not run between the first and the last instruction of an inference.
SOFT_SOFTWARE = frozenset({"python", "pytest", "pytest_edgeperf", "pytest_benchmark", "numpy"})

DEVICE = "fingerprint.device"


@dataclass(frozen=True)
class Comparable:
    """The runs of two sides that may be judged against each other, and how their environments differ."""

    baseline: Tuple[Run, ...]
    candidate: Tuple[Run, ...]
    differences: Differences = field(default_factory=dict)
    #: Why nothing may be compared; the baseline is empty then.
    reason: Optional[str] = None


def is_hard(name: str) -> bool:
    """Whether runs that differ in the field ``section.key`` must not be compared."""
    section, _, key = name.partition(".")
    if section == "fingerprint":
        return key not in SOFT_FINGERPRINT
    if section == "software":
        return key.replace("-", "_") not in SOFT_SOFTWARE
    return section == "settings" and key in HARD_SETTINGS


def environment_fields(results: Results, environment: str) -> Dict[str, Any]:
    """Flatten an environment into ``section.key`` -> value."""
    sections = results.environments.get(environment, {})
    return {f"{section}.{key}": value for section in sections for key, value in sections[section].items()}


def is_allowed(name: str, allowed: Sequence[str]) -> bool:
    """Whether the field ``section.key`` may differ because it was allowed to, by either name."""
    return name in allowed or name.partition(".")[2] in allowed


def environment_differences(
    baseline: Mapping[str, Any],
    candidate: Mapping[str, Any],
    devices: Tuple[str, str],
    allowed: Sequence[str] = (),
) -> Tuple[Differences, Differences]:
    """Return the hard and the soft differences, each name -> (baseline value, candidate value).

    What is ``allowed`` to differ only informs; so does a field that one side lacks (a file from elsewhere knows
    less), unless it is the device. Where neither environment names the device, the two files' own ``devices``
    are compared.
    """
    hard: Dict[str, Tuple[Any, Any]] = {}
    soft: Dict[str, Tuple[Any, Any]] = {}
    for name in sorted(set(baseline) | set(candidate)):
        pair = (baseline.get(name), candidate.get(name))
        if pair[0] == pair[1] and (name in baseline) == (name in candidate):
            continue
        if name == PLACEMENT_FIELD and not placement_changed(pair):
            # Runs from before placements were recorded, and runtimes that do not say, are no change.
            continue
        both = name in baseline and name in candidate
        matters = name == DEVICE or (both and is_hard(name) and not is_allowed(name, allowed))
        (hard if matters else soft)[name] = pair
    if DEVICE not in baseline and DEVICE not in candidate and devices[0] != devices[1]:
        hard[DEVICE] = devices
    return hard, soft


def recency(run: Run) -> Tuple[str, str, str]:
    """Order runs by when they started, whatever their order in the file."""
    return (run.started, run.session, run.environment)


def _latest_environment(runs: Sequence[Run]) -> str:
    environments = {run.environment for run in runs}
    return environments.pop() if len(environments) == 1 else max(runs, key=recency).environment


def environment_matcher(
    base: Results, candidate: Results, allowed: Sequence[str] = ()
) -> Callable[[str, str], Tuple[Differences, Differences]]:
    """Return a function of two environment hashes to their differences that works each pair out once."""
    known: Dict[Tuple[str, str], Tuple[Differences, Differences]] = {}

    def differences(left: str, right: str) -> Tuple[Differences, Differences]:
        pair = (left, right)
        if pair not in known:
            known[pair] = environment_differences(
                environment_fields(base, left),
                environment_fields(candidate, right),
                (base.device, candidate.device),
                allowed,
            )
        return known[pair]

    return differences


def comparable_runs(
    baseline: Sequence[Run],
    candidate: Sequence[Run],
    differences: Callable[[str, str], Tuple[Differences, Differences]],
) -> Comparable:
    """Keep the runs whose hard fields agree with those of the most recent candidate run.

    Where no baseline run agrees, the differences reported are those of the most recent one.
    """
    environment = _latest_environment(candidate)
    agrees: Dict[str, bool] = {
        hash_: not differences(hash_, environment)[0] for hash_ in {run.environment for run in baseline}
    }
    kept: List[Run] = [run for run in baseline if agrees[run.environment]]
    if not kept:
        hard, soft = differences(_latest_environment(baseline), environment)
        named = "; ".join(f"{name}: baseline {old!r}, candidate {new!r}" for name, (old, new) in hard.items())
        return Comparable((), tuple(candidate), {**hard, **soft}, f"the environment differs in {named}")
    latest = _latest_environment(kept)
    measured = tuple(
        run for run in candidate if run.environment == environment or not differences(latest, run.environment)[0]
    )
    return Comparable(tuple(kept), measured, differences(latest, environment)[1])
