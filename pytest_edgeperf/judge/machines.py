"""Whether two sides were measured on the same machine, as far as their environments and boots say; it only informs."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, FrozenSet, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.results.types import Results, Run

MACHINE = "machine"

Fields = Mapping[str, Any]
#: Whether two runs were made on one machine (``None``: not known), and what shows that they were not.
Relation = Tuple[Optional[bool], str]
#: A run's environment and boot.
_Place = Tuple[str, Optional[str]]
_UNKNOWN: Relation = (None, "")


class OtherMachine(NamedTuple):
    """How it is known that the baseline is not of this machine, as a clause, and for how many judged benchmarks."""

    why: str
    benchmarks: int
    judged: int

    def to_dict(self) -> Dict[str, Any]:
        """What ``edgeperf compare --format json`` prints."""
        return dict(self._asdict())


def relation(old: Fields, new: Fields, *, same_boot: Optional[bool]) -> Relation:
    """Whether two ``machine`` sections are of one machine.

    Only what both know is held against each other. A boot is of one machine, so that it decides where a container
    or a hosted runner hides what the machine is; images that are started twice share an id, so that an equal one
    does not decide against another product.

    Args:
        old: the section of a baseline run's environment.
        new: that of a candidate run's.
        same_boot: whether both runs are of one boot, where both know theirs.
    """
    for name in ("hypervisor", "product"):
        if _differ(old, new, name):
            return False, f"the baseline was measured on a different machine ({name} {old[name]} -> {new[name]})"
    for name, word in (("instance", "cloud instance"), ("serial", "board")):
        # Digests of different sources say nothing of each other.
        if name in old and name in new and _source(old[name]) == _source(new[name]):
            change = f"{name} {old[name]} -> {new[name]}"
            same = old[name] == new[name]
            return same, "" if same else f"the baseline was measured on a different {word} ({change})"
    if same_boot:
        return True, ""
    if "runner" in new:
        return False, f"each job on a CI runner hosted by {new['runner']} runs on a different machine"
    if "runner" in old:
        return False, f"the baseline was measured on a CI runner hosted by {old['runner']}"
    if _differ(old, new, "id"):
        change = f"id {old['id']} -> {new['id']}"
        return False, f"the baseline was measured on a different machine, or before this one was reinstalled ({change})"
    return (True, "") if "id" in old and "id" in new else _UNKNOWN


def other_machine(
    base: Results, candidate: Results, judged: Sequence[Tuple[Sequence[Run], Sequence[Run]]]
) -> Optional[OtherMachine]:
    """How many of the judged benchmarks have no baseline run of the machine that measured the candidate.

    A benchmark with one counts as measured here, and one of which nothing is known is not counted as another's.

    Args:
        base, candidate: where the runs' environments are.
        judged: of each benchmark the runs of both sides that were compared.
    """

    def related(old: _Place, new: _Place) -> Relation:
        same_boot = old[1] == new[1] if old[1] and new[1] else None
        return relation(_section(base, old[0]), _section(candidate, new[0]), same_boot=same_boot)

    known: Dict[Tuple[FrozenSet[_Place], FrozenSet[_Place]], Relation] = {}
    others = []
    for runs, measured in judged:
        sides = (_places(runs), _places(measured))
        if sides not in known:
            relations = [related(old, new) for old in sorted(sides[0], key=str) for new in sorted(sides[1], key=str)]
            same = any(is_same for is_same, _ in relations)
            known[sides] = (
                _UNKNOWN if same else next((relation for relation in relations if relation[0] is False), _UNKNOWN)
            )
        if known[sides][0] is False:
            others.append(known[sides][1])
    return OtherMachine(Counter(others).most_common(1)[0][0], len(others), len(judged)) if others else None


def _places(runs: Sequence[Run]) -> FrozenSet[_Place]:
    return frozenset([(run.environment, run.boot) for run in runs])


def _section(results: Results, environment: str) -> Fields:
    return results.environments.get(environment, {}).get(MACHINE, {})


def _differ(old: Fields, new: Fields, name: str) -> bool:
    return name in old and name in new and old[name] != new[name]


def _source(value: Any) -> str:
    return str(value).partition(" ")[0]
