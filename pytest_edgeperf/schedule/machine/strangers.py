"""Which other processes used a run's processors: their names and ids only. Pure functions."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

#: So many are kept of a run and named in a sentence.
MOST = 3
#: In processors: less is not worth a name.
LEAST_SHARE = 0.02


class Stranger(NamedTuple):
    """Another process, with its processor time in clock ticks, and the processor that it ran on last."""

    pid: int
    name: str
    ticks: int
    processor: Optional[int] = None


def rises(before: Mapping[int, Stranger], after: Mapping[int, Stranger], cpus: Sequence[int]) -> List[Stranger]:
    """What each process used between two looks, its children that ended included.

    Args:
        before, after: all processes by id; one that began meanwhile used all that it has.
        cpus: the processors that count; all if empty, and for a process of which it is not known.
    """
    used = []
    for pid, now in after.items():
        then = before.get(pid)
        ticks = now.ticks - then.ticks if then is not None else now.ticks
        if ticks > 0 and (not cpus or now.processor is None or now.processor in cpus):
            used.append(now._replace(ticks=ticks))
    return used


def busiest(used: Sequence[Stranger], tick_s: float, wall_s: float) -> List[Dict[str, Any]]:
    """For a run's quality figures: ``pid``, ``name`` and ``share`` (in processors) of those that used the most."""
    ticks: Dict[Tuple[int, str], int] = {}
    for process in used:
        ticks[process.pid, process.name] = ticks.get((process.pid, process.name), 0) + process.ticks
    ordered = sorted(ticks.items(), key=lambda pair: (-pair[1], pair[0]))
    shares = [(pid, _plain(name), round(count * tick_s / wall_s, 2)) for (pid, name), count in ordered]
    return [{"pid": pid, "name": name, "share": share} for pid, name, share in shares if share >= LEAST_SHARE][:MOST]


def as_text(runs: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """Those of several runs by name, with what they used on the average: ``cc1plus (pid 71) 0.90``; empty if none."""
    shares: Dict[str, float] = {}
    pids: Dict[str, List[int]] = {}
    for run in runs:
        for process in run:
            shares[process["name"]] = shares.get(process["name"], 0.0) + process["share"] / len(runs)
            pids.setdefault(process["name"], []).append(process["pid"])
    ordered = sorted(shares, key=lambda name: (-shares[name], name))[:MOST]
    return ", ".join(f"{name} ({_pids(pids[name])}) {shares[name]:.2f}" for name in ordered)


def _pids(pids: Sequence[int]) -> str:
    different = sorted(set(pids))
    return f"pid {different[0]}" if len(different) == 1 else f"{len(different)} processes"


def _plain(name: str) -> str:
    """Any program names itself as it likes, line ends and escapes included."""
    return "".join(character if character.isascii() and character.isprintable() else "?" for character in name)
