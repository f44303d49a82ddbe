"""Figures 4.3 to 4.12: warm-up, minutes of load, and how much the times vary."""

from __future__ import annotations

from typing import List, Tuple

from papers import key
from papers.trinh_2023 import MOBILE_CLASSIFIERS

from checklists.findings import Part, above, below, combined, most, untested
from checklists.intervals import average, estimate, ratio
from checklists.reading import VARIATION, Row, Rows
from checklists.trinh_2023.choosing import CPU, CUDA, among, is_network, only

WARM_UP = "test_warmup.py"
SUSTAINED = "test_sustained.py"
SLOW_START = 1.1
#: Inferences that the paper warms up with.
WARM_UP_INFERENCES = 100
#: A latency that rises by no more under load has no step.
STEP = 1.02
#: Where the difference is said to be largest.
LARGE = ("inception-v3", "densenet121")
STEADY = ("alexnet", "googlenet")


def t11(rows: Rows) -> Tuple[Part, ...]:
    """The first inference is slow, most for large networks."""
    measured = rows.of(WARM_UP, ("first_inference", "latency")).where(lambda row: row.device != "rpi3")
    parts: List[Part] = []
    for (device, framework), group in measured.by("device", "framework").items():
        for row in group:
            found = ratio(row.quantity("first_inference"), row.quantity(_warm(row)))
            figures = f"{device}, {framework}, {row.network}: first inference over the warm ones"
            parts.append(above(found, SLOW_START, figures, len(group)))
        lost = {row.network: row.quantity("first_inference").minus(row.quantity(_warm(row))) for row in group}
        for network in (name for name in lost if any(key(name) == key(large) for large in LARGE)):
            others = [ratio(lost[network], value) for name, value in lost.items() if name != network]
            more = [above(found, 1.0, "", len(others)) for found in others]
            if more:
                parts.append(most(more, f"{device}, {framework}: {network} loses more time at first than"))
    return combined(parts, "no first inference was measured")


def _warm(row: Row) -> str:
    """The metric of the later inferences: the first is without pre- and post-processing."""
    return "infer" if "infer" in row.quantities else "latency"


def t12(rows: Rows) -> Tuple[Part, ...]:
    """A Raspberry Pi 3 begins fast, and warms up for more than 100 inferences."""
    measured = rows.of(WARM_UP, ("first_inference", "latency", "warm_up")).on("rpi3")
    parts: List[Part] = []
    for row in measured:
        name = f"{row.framework}, {row.network}"
        first = ratio(row.quantity("first_inference"), row.quantity(_warm(row)))
        parts.append(below(first, 1.0, f"{name}: first inference over the later ones", len(measured)))
        count = ratio(row.quantity("warm_up"), row.quantity("latency"))
        parts.append(above(count, WARM_UP_INFERENCES, f"{name}: inferences until warm", len(measured)))
    return combined(parts, "needs results of test_warmup.py on a Raspberry Pi 3 (rpi3)")


def t13(rows: Rows) -> Tuple[Part, ...]:
    """Under load mobile networks get slower in steps on Xavier and TX2, as the board throttles."""
    mobile = set(map(key, MOBILE_CLASSIFIERS))
    measured = rows.of(SUSTAINED, ("latency_start", "latency_sustained")).on("agx-xavier", "tx2")
    chosen = measured.where(lambda row: key(row.network) in mobile)
    parts = [
        above(
            ratio(row.quantity("latency_sustained"), row.quantity("latency_start")),
            STEP,
            f"{row.device}, {row.framework}, {row.network}: latency under load over that at the start",
            len(chosen),
        )
        for row in chosen
    ]
    if not parts:
        return (untested("needs results of test_sustained.py on an AGX Xavier (agx-xavier) or a TX2 (tx2)"),)
    return (*parts, untested("whether it goes in steps, and with the clocks: the curve of a run is no metric"))


def t14(rows: Rows) -> Tuple[Part, ...]:
    """Mobile networks vary less than AlexNet and GoogLeNet on a GPU, and not on a CPU."""
    metric = f"infer{VARIATION}"
    parts = []
    for (device,), group in among(rows, (*MOBILE_CLASSIFIERS, *STEADY), metric).by("device").items():
        for framework in (CUDA, CPU):
            chosen = only(group, framework)
            large = [row for row in chosen if any(is_network(row, name) for name in STEADY)]
            mobile = [row for row in chosen if row not in large]
            if not large or not mobile:
                continue
            means = [average([estimate(row.quantity(metric)) for row in side]) for side in (mobile, large)]
            figures = f"{device}, {framework}: variation of mobile networks over AlexNet's and GoogLeNet's"
            found = means[0].minus(means[1])
            parts.append(below(found, 1.0, figures) if framework == CUDA else above(found, 1 / SLOW_START, figures))
    return combined(parts, "the spread of inference times was not measured for both groups of networks")
