"""Refresh a baseline on this machine, check without a change, then with real extra work in two benchmarks.

    python -m tests.live.check [--short]

Prints false alarms, what was found and what was missed. Exits with 1 after a false alarm, or when extra work of
25 % was missed; only ``inconclusive: machine disturbed`` is excused.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple
from xml.etree import ElementTree

from pytest_edgeperf.results import read

ROOT = Path(__file__).parents[2]
WORK = "tests/live/work.py"
REFRESHES = 3
#: What a benchmark that was refused by the refresh, or that no check could judge, is excused with.
DISTURBED = "machine disturbed"


class Plan(NamedTuple):
    """What is measured how often."""

    options: Tuple[str, ...]
    checks: int
    extras: Tuple[float, ...]
    slowed: Tuple[str, ...]


FULL = Plan((), checks=10, extras=(0.10, 0.25), slowed=("letterbox", "mobilenetv2-onnxruntime"))
SHORT = Plan(
    ("-k", "letterbox or detections", "--edgeperf-budget=0.5", "--edgeperf-spacing=2"),
    checks=2,
    extras=(0.25,),
    slowed=("letterbox",),
)


class Verdict(NamedTuple):
    """What a session said of one benchmark."""

    word: str
    reason: str
    change: str

    @property
    def excused(self) -> bool:
        """Whether the machine was too disturbed to say anything."""
        return self.word == "inconclusive" and DISTURBED in self.reason


class Sessions:
    """pytest sessions over the six workloads, in a folder of their own."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan

    def run(self, *options: str, extra: float = 0.0) -> Tuple[int, Dict[str, Verdict], str]:
        """Run one; return its exit code, the verdicts by workload and the output."""
        junit = self._folder / "junit.xml"
        extras = ",".join(f"{name}:{extra}" for name in self._plan.slowed) if extra else ""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", WORK, "-q", "-p", "no:cacheprovider", f"--junitxml={junit}"),
                f"--edgeperf-baseline-dir={self._folder}",
                *self._plan.options,
                *options,
            ],
            cwd=ROOT,
            env={**os.environ, "EDGEPERF_LIVE_EXTRA": extras},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode not in (0, 1):
            raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout}")
        return done.returncode, _verdicts(junit), done.stdout

    def accepted(self) -> List[str]:
        """The ids that have a baseline by now."""
        return [name for file in self._folder.glob("*.json") for name in read(file).benchmarks]


def _verdicts(junit: Path) -> Dict[str, Verdict]:
    found = {}
    for case in ElementTree.parse(str(junit)).iter("testcase"):
        properties = {one.get("name"): one.get("value", "") for one in case.iter("property")}
        name = case.get("name", "").replace("test_", "").replace("[", "-").replace("]", "")
        ratio = float(properties.get("edgeperf.latency_ratio", "nan"))
        change = f"{100 * (ratio - 1):+.1f} %" if ratio == ratio else ""
        found[name] = Verdict(properties.get("edgeperf.verdict", "none"), properties.get("edgeperf.reason", ""), change)
    return found


def refreshed(sessions: Sessions) -> bool:
    """Refresh until a try accepts every benchmark; False when the machine never let it."""
    for _ in range(REFRESHES):
        code, verdicts, output = sessions.run("--baseline=refresh", "--edgeperf-reason=live check")
        if code != 0:
            raise SystemExit(f"the refresh failed:\n{output}")
        if len(sessions.accepted()) == len(verdicts):
            return True
        print("refresh: some benchmark was disturbed in every run; once more", flush=True)
    return False


def show(title: str, verdicts: Dict[str, Verdict], seconds: float) -> None:
    """One line of a session."""
    parts = [f"{name} {one.word} {one.change}".rstrip() for name, one in verdicts.items()]
    print(f"{title} ({seconds:.0f} s): {', '.join(parts)}", flush=True)


def check(plan: Plan, folder: Path) -> int:
    """Run the plan; the exit code."""
    sessions = Sessions(folder, plan)
    if not refreshed(sessions):
        print(f"excused: {DISTURBED}, {REFRESHES} refreshes accepted not every benchmark")
        return 0
    alarms: List[str] = []
    missed: List[str] = []
    excused = judged = found = 0
    for number in range(plan.checks + len(plan.extras)):
        extra = 0.0 if number < plan.checks else plan.extras[number - plan.checks]
        began = time.monotonic()
        _, verdicts, _ = sessions.run(extra=extra)
        title = f"{100 * extra:.0f} % of extra work" if extra else f"unchanged, {number + 1} of {plan.checks}"
        show(title, verdicts, time.monotonic() - began)
        for name, verdict in verdicts.items():
            slowed = bool(extra) and name in plan.slowed
            judged += 1
            if verdict.excused:
                excused += 1
            elif slowed and verdict.word == "regressed":
                found += 1
            elif slowed:
                missed.append(f"{name} at {100 * extra:.0f} %")
            elif verdict.word == "regressed":
                alarms.append(f"{name} in session {number + 1}")
    tried = len(plan.extras) * len(plan.slowed)
    print(f"false alarms: {len(alarms)} in {judged - tried} verdicts {alarms or ''}")
    print(f"found: {found} of {tried}; missed: {', '.join(missed) or 'none'}; excused: {excused}")
    return 1 if alarms or any("at 25 %" in one for one in missed) else 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="two benchmarks, two unchanged checks, one with 25 %%")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="edgeperf-live-") as folder:
        return check(SHORT if options.short else FULL, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
