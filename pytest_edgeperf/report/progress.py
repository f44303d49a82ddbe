"""How far the measuring is; drawn only on request, so that nothing runs while a block is timed."""

from __future__ import annotations

import os
import shutil
from typing import Optional, TextIO

from pytest_edgeperf.report.numbers import count, duration
from pytest_edgeperf.report.text import can_show_unicode, cells, printable, shorten_name

_BAR = 20
_ERASE = "\r\x1b[K"


class Progress:
    """A line that is redrawn on a terminal, or a plain line per round elsewhere.

    ``total_runs`` is what the bar is a part of; more runs than that (suspects) only fill it.
    """

    def __init__(self, stream: TextIO, total_runs: int, *, enabled: bool = True, width: Optional[int] = None) -> None:
        self._stream = stream
        self._total = total_runs
        self._enabled = enabled
        self._width = width
        self._live = enabled and stream.isatty() and os.environ.get("TERM") != "dumb"
        self._unicode = can_show_unicode(getattr(stream, "encoding", None))
        self._benchmarks = 0
        self._begun = 0
        self._round = 0
        self._line = ""
        self._waited = False
        self._cooling = False

    def start(self, rounds: int, benchmarks: int, total_runs: Optional[int] = None) -> None:
        """Say how many benchmarks each of the coming rounds has; again when suspects are measured on."""
        if self._benchmarks == 0 and not self._live:
            self._plain(f"measuring {count(benchmarks, 'benchmark')} in {count(rounds, 'round')}")
        self._benchmarks = benchmarks
        self._total = self._total if total_runs is None else total_runs

    def update(self, round_number: int, rounds: int, benchmark_id: str, remaining_s: Optional[float]) -> None:
        """Say that a run of ``benchmark_id`` begins; call it between timed blocks only."""
        if not self._enabled:
            return
        begins = round_number != self._round
        self._cooling = False
        self._round = round_number
        left = "" if remaining_s is None else f", about {duration(round(max(remaining_s, 0.0)))} left"
        if self._live:
            self._draw(f"round {round_number}/{rounds}{left.replace(', ', '  ', 1)}", benchmark_id)
        elif begins:
            self._plain(f"round {round_number}/{rounds}: {count(self._benchmarks, 'benchmark')}{left}")
        self._begun += 1

    def wait(self, seconds: float) -> None:
        """Say that the next round begins in so many seconds; elsewhere than on a terminal, once."""
        if self._live:
            self._draw(f"waiting {duration(seconds)}: consecutive runs would share one burst of noise", "")
        elif not self._waited:
            self._plain("few benchmarks: rounds are spaced (--edgeperf-spacing), because noise comes in bursts")
        self._waited = True

    def cool(self, zone: str, temperature_c: float, target_c: float) -> None:
        """Say that the machine is waited for; elsewhere than on a terminal, once per wait."""
        if self._live:
            self._draw(f"cooling down: {zone} {temperature_c:.1f} degC, waiting for {target_c:.1f}", "")
        elif not self._cooling:
            self._plain(f"cooling down: {zone} is at {temperature_c:.1f} degC, waiting for {target_c:.1f}")
        self._cooling = True

    def note(self, text: str) -> None:
        """Print a line that stays."""
        if self._live:
            self._stream.write(_ERASE)
        self._plain(text)
        if self._live:
            self._stream.write(self._line)
            self._stream.flush()

    def finish(self) -> None:
        """Leave the terminal's line empty."""
        if self._live and self._line:
            self._stream.write(_ERASE)
            self._stream.flush()
        self._line = ""

    def _plain(self, text: str) -> None:
        if self._enabled:
            self._stream.write(printable(text, ascii_only=not self._unicode) + "\n")
            self._stream.flush()

    def _draw(self, state: str, benchmark_id: str) -> None:
        # one cell less than the terminal has: writing into the last one wraps on some
        width = (self._width or shutil.get_terminal_size().columns) - 1
        state = printable(state, ascii_only=not self._unicode)
        line = f"{self._bar()}  {state}  "
        if cells(line) + 10 > width:
            line = f"{state}  "
        name = printable(benchmark_id.rpartition("::")[2] or benchmark_id, ascii_only=not self._unicode)
        room = width - cells(line)
        line += shorten_name(name, room, "…" if self._unicode else "...") if room >= 4 else ""
        self._line = line.rstrip() if cells(line) <= width else line[:width]
        self._stream.write(_ERASE + self._line)
        self._stream.flush()

    def _bar(self) -> str:
        done = _BAR * min(self._begun, self._total) // max(self._total, 1)
        return ("█" if self._unicode else "#") * done + ("░" if self._unicode else "-") * (_BAR - done)
