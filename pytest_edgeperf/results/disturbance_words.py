"""What disturbed runs, in words: of the reasons that the quality figures of runs hold, each beginning with its kind."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Iterable, Sequence

#: Kind of a reason -> what happened during the run.
_CLAUSES: Dict[str, str] = {
    "others_share": "other processes used the processors",
    "cpu_share": "the processor was taken away",
    "steal_share": "the hypervisor gave the processors to others",
    "canary": "the machine was slower than for the baseline",
    "throttled": "the device throttled",
    "stopped": "the process was stopped",
    "slowed": "the device slowed itself down",
    "hot": "the device was too hot",
    "settings": "settings of the device changed",
    "memory": "memory ran out",
    "swapped": "memory was swapped",
    "over-current": "the power supply was overloaded",
}


def causes_text(runs: Iterable[Sequence[Any]]) -> str:
    """What disturbed how many runs, the most frequent first; empty where no reason is known.

    ``other processes used the processors in 6, the device throttled in 1``; of a single run without the number, and
    ``in all`` where several have the same.

    Args:
        runs: the reasons of each run, such as ``("others_share 0.31", "canary 1.21x")``.
    """
    kinds = [dict.fromkeys(map(_kind, reasons)) for reasons in runs]
    counts = Counter(kind for of_run in kinds for kind in of_run)
    texts = []
    for kind, number in counts.most_common():
        clause = _CLAUSES.get(kind, kind)
        where = "" if len(kinds) == 1 else f" in {'all' if number == len(kinds) else number}"
        texts.append(clause + where)
    return ", ".join(texts)


def _kind(reason: Any) -> str:
    words = str(reason).split()
    return words[0].rstrip(":") if words else "for an unknown reason"
