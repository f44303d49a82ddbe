"""Refresh a baseline on this machine, check without a change, then with real extra work in two benchmarks.

    python -m tests.live.check [--short | --rebuilt]

``--rebuilt``: networks are exported and engines built anew before each of twenty checks.

Prints false alarms, what was found and what was missed. Exits with 1 after a false alarm, or when extra work of
25 % was missed; an inconclusive verdict is excused by a disturbed machine, and by noise in which the session itself
claims to find no less than 16 %. Where others used the machine meanwhile, or its speed varies, what could not be shown
is skipped with the reason, and what was shown to be wrong is still wrong.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple
from xml.etree import ElementTree

from pytest_edgeperf.results import read
from tests.quiet import Neighbours, unsteadiness

ROOT = Path(__file__).parents[2]
WORK = "tests/live/work.py"
REFRESHES = 3
#: What a benchmark that was refused by the refresh, or that no check could judge, is excused with.
DISTURBED = "machine disturbed"
#: So much extra work must be found.
SURE = 0.25
#: A session that says it finds this four times out of five finds SURE in all but one of a thousand.
CLEAR = 0.16


class Plan(NamedTuple):
    """What is measured how often."""

    options: Tuple[str, ...]
    checks: int
    extras: Tuple[float, ...]
    slowed: Tuple[str, ...]
    #: Whether what networks were exported to is thrown away before each session.
    rebuilt: bool = False
    refresh: Tuple[str, ...] = ()


FULL = Plan((), checks=10, extras=(0.10, 0.25), slowed=("letterbox", "mobilenetv2-onnxruntime"))
SHORT = Plan(
    ("-k", "letterbox or detections", "--edgeperf-budget=0.5", "--edgeperf-spacing=2"),
    checks=1,
    extras=(0.25,),
    slowed=("letterbox",),
    refresh=("--edgeperf-rounds=10",),
)

#: torch runs its modules as they are: only what is exported has an engine that is built anew.
REBUILT = Plan(
    ("-k", "(resnet18 or mobilenetv2) and onnxruntime", "--edgeperf-budget=0.5", "--edgeperf-spacing=2"),
    checks=20,
    extras=(0.25,),
    slowed=("mobilenetv2-onnxruntime",),
    rebuilt=True,
)


class Verdict(NamedTuple):
    """What a session said of one benchmark."""

    word: str
    reason: str
    change: str
    #: The smallest slowdown, as a share, that the session claims to find; ``None`` where it claims nothing.
    finds: Optional[float] = None

    @property
    def excused(self) -> bool:
        """Whether the machine was too disturbed or noisy to say anything."""
        noisy = self.finds is not None and self.finds > CLEAR
        return self.word == "inconclusive" and (noisy or DISTURBED in self.reason)


class Sessions:
    """pytest sessions over the six workloads, in a folder of their own."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan

    def run(self, *options: str, extra: float = 0.0) -> Tuple[int, Dict[str, Verdict], str]:
        """Run one; return its exit code, the verdicts by workload and the output."""
        junit = self._folder / "junit.xml"
        if junit.exists():
            junit.unlink()
        environment = dict(os.environ)
        if self._plan.rebuilt:
            cache = self._folder / "cache"
            shutil.rmtree(cache, ignore_errors=True)
            environment["EDGEPERF_CACHE_DIR"] = str(cache)
        extras = ",".join(f"{name}:{extra}" for name in self._plan.slowed) if extra else ""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", WORK, "-q", "-p", "no:cacheprovider", f"--junitxml={junit}"),
                *("-o", "junit_family=xunit1"),
                f"--edgeperf-baseline-dir={self._folder}",
                *self._plan.options,
                *options,
            ],
            cwd=ROOT,
            env={**environment, "EDGEPERF_LIVE_EXTRA": extras},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if not junit.exists():
            raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout}")
        return done.returncode, _verdicts(junit), done.stdout

    def refresh(self) -> Tuple[int, Dict[str, Verdict], str]:
        """Run one that accepts what it measures."""
        return self.run("--baseline=refresh", "--edgeperf-reason=live check", *self._plan.refresh)

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
        detectable = properties.get("edgeperf.latency_detectable_ratio")
        found[name] = Verdict(
            properties.get("edgeperf.verdict", "none"),
            properties.get("edgeperf.reason", ""),
            change,
            None if detectable is None else float(detectable) - 1,
        )
    return found


def refreshed(sessions: Sessions) -> bool:
    """Refresh until a try accepts every benchmark; False when the machine never let it."""
    for _ in range(REFRESHES):
        code, verdicts, output = sessions.refresh()
        if len(sessions.accepted()) == len(verdicts):
            return True
        if "disturbed" not in output:
            raise SystemExit(f"the refresh failed with {code}:\n{output}")
        print("refresh: some benchmark was disturbed in every run; once more", flush=True)
    return False


class Findings(NamedTuple):
    """What the sessions showed."""

    #: Of which some is a false alarm.
    judged: int
    alarms: Sequence[str] = ()
    found: int = 0
    #: Of 25 %, called unchanged or improved.
    denied: Sequence[str] = ()
    #: Of 25 %, not decided.
    unclear: Sequence[str] = ()
    #: Of less, not called regressed.
    missed: Sequence[str] = ()
    excused: int = 0
    accepted: bool = True


def answer(findings: Findings, load: Optional[str]) -> Tuple[int, List[str]]:
    """The exit code and the last lines.

    Args:
        findings: what the sessions showed.
        load: what others used meanwhile, or how the machine's speed varies; ``None`` on a quiet machine.
    """
    if not findings.accepted:
        unshown = f"{REFRESHES} refreshes accepted not every benchmark ({DISTURBED})"
        return (0, [f"skipped, this machine was not quiet: {load}; {unshown}"]) if load else (1, [unshown])
    alarms, missed = findings.alarms, [*findings.denied, *findings.unclear, *findings.missed]
    lines = [
        f"false alarms: {len(alarms)} in {findings.judged} verdicts: {', '.join(alarms) or 'none'}",
        f"found: {findings.found}; missed: {', '.join(missed) or 'none'}; "
        f"excused ({DISTURBED} or noisy): {findings.excused}",
    ]
    if alarms or findings.denied:
        return 1, lines
    if load and (findings.unclear or findings.excused):
        return 0, [*lines, f"skipped in part, this machine was not quiet: {load}"]
    return (1 if findings.unclear else 0), lines


def show(title: str, verdicts: Dict[str, Verdict], seconds: float) -> None:
    """One line of a session."""
    parts = [f"{name} {one.word} {one.change}".rstrip() for name, one in verdicts.items()]
    print(f"{title} ({seconds:.0f} s): {', '.join(parts)}", flush=True)


def check(plan: Plan, folder: Path) -> int:
    """Run the plan; the exit code."""
    with Neighbours() as neighbours:
        findings = measured(plan, Sessions(folder, plan))
    shown = findings.accepted and not findings.unclear
    code, lines = answer(findings, neighbours.load or (None if shown else unsteadiness()))
    print("\n".join(lines), flush=True)
    return code


def measured(plan: Plan, sessions: Sessions) -> Findings:
    """Run the plan's sessions."""
    if not refreshed(sessions):
        return Findings(0, accepted=False)
    alarms: List[str] = []
    missed: Dict[str, List[str]] = {"denied": [], "unclear": [], "missed": []}
    excused = judged = found = 0
    for number in range(plan.checks + len(plan.extras)):
        extra = 0.0 if number < plan.checks else plan.extras[number - plan.checks]
        began = time.monotonic()
        _, verdicts, _ = sessions.run(extra=extra)
        title = f"{100 * extra:.0f} % of extra work" if extra else f"unchanged, {number + 1} of {plan.checks}"
        show(title, verdicts, time.monotonic() - began)
        for name, verdict in verdicts.items():
            slowed = bool(extra) and name in plan.slowed
            judged += not slowed
            if verdict.excused:
                excused += 1
            elif slowed and verdict.word == "regressed":
                found += 1
            elif slowed:
                kind = "missed" if extra < SURE else "unclear" if verdict.word == "inconclusive" else "denied"
                missed[kind].append(f"{name} at {100 * extra:.0f} % ({verdict.word})")
            elif verdict.word == "regressed":
                alarms.append(f"{name} in session {number + 1}")
    return Findings(judged, alarms, found, excused=excused, **missed)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="two benchmarks, one unchanged check, one with 25 %%")
    parser.add_argument("--rebuilt", action="store_true", help="twenty unchanged checks, each with engines built anew")
    options = parser.parse_args(arguments)
    plan = SHORT if options.short else REBUILT if options.rebuilt else FULL
    with tempfile.TemporaryDirectory(prefix="edgeperf-live-") as folder:
        return check(plan, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
