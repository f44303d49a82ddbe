"""The doctor's answer, and the list of sensors, for a person."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from pytest_edgeperf.devices.doctor import ADVICE, OK, PROBLEM, STATES, UNKNOWN, Check, Diagnosis
from pytest_edgeperf.devices.sensors.interface import UNITS, Sensor, Unavailable
from pytest_edgeperf.report.text import Paper, wrap

#: State -> what it is called, and its colour.
_WORDS = {PROBLEM: ("problem", "bad"), ADVICE: ("hint", "warning"), UNKNOWN: ("unknown", "faint"), OK: ("ok", "good")}
_INDENT = 2


def doctor_text(machine: str, diagnosis: Diagnosis, paper: Paper) -> str:
    """All checks, the worst first: what was found, why it matters, and the command that fixes it on its own line."""
    width = max(len(check.id) for check in diagnosis.checks) if diagnosis.checks else 0
    lines = [paper.paint(paper.clean(machine), "strong"), ""]
    for state in STATES:
        for check in diagnosis.of(state):
            lines += _check(check, width, paper)
    verdict = "good" if diagnosis.fit else "bad"
    lines += ["", *(paper.paint(line, verdict) for line in wrap(diagnosis.summary(), paper.width))]
    return "\n".join(lines)


def _check(check: Check, width: int, paper: Paper) -> List[str]:
    word, colour = _WORDS[check.state]
    label = f"{word:<7}  {check.id:<{width}}  "
    indent = " " * len(label)
    first, *rest = wrap(paper.clean(check.found), paper.width - len(label)) or [""]
    lines = [paper.paint(label, colour) + first, *(indent + line for line in rest)]
    if check.why:
        lines += [indent + line for line in wrap(paper.clean(check.why), paper.width - len(label))]
    if check.remedy:
        # Whole, to be copied.
        lines.append(f"{indent}{paper.paint('->', colour)} {paper.clean(check.remedy)}")
    return lines


def sensor_rows(sensors: Sequence[Sensor]) -> List[Tuple[str, ...]]:
    """Name, value with unit, kind, how often it is new, and source of each sensor, read now."""
    rows: List[Tuple[str, ...]] = []
    for sensor in sorted(sensors, key=lambda sensor: sensor.name):
        reading = sensor.read()
        value = reading.reason or "" if reading.value is None else f"{_number(reading.value)} {UNITS[sensor.quantity]}"
        refresh = f"{sensor.refresh_hz:g} Hz" if sensor.refresh_hz is not None else ""
        rows.append((sensor.name, value, "total" if sensor.is_total else "", refresh, sensor.source))
    return rows


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def absent_text(absent: Sequence[Unavailable], paper: Paper) -> str:
    """What cannot be read, and why."""
    lines: List[str] = []
    for unavailable in sorted(absent, key=lambda each: each.name):
        lines += wrap(paper.clean(f"{unavailable.name}: {unavailable.reason}"), paper.width, hanging=" " * _INDENT)
    return "\n".join(["not available:", *lines]) if lines else ""
