"""How far the measuring is; drawn only on request, so that nothing runs while a block is timed."""

from __future__ import annotations

import os
import shutil
import time
from typing import Callable, List, Optional, TextIO

from pytest_edgeperf.report.numbers import count, duration
from pytest_edgeperf.report.text import can_show_unicode, cells, middle_ellipsis, printable, shorten_name, wrap
from pytest_edgeperf.results.benchmark_matching import file_of

#: Elsewhere than on a terminal, no two lines on the progress are closer, and none is much later.
LINE_SECONDS = 30.0
#: On a terminal, what lasts is drawn after this, and again so often.
FIRST_DRAWN_SECONDS, DRAWN_SECONDS = 2.0, 1.0
_ERASE = "\r\x1b[K"
#: Cells of the bar; narrow terminals have the shorter one, or none.
_BAR, _SHORT_BAR = 20, 10
_WIDE, _NARROW = 110, 60
#: The line gives up its bar and the disturbed runs for so much of a benchmark's name, and the round for less.
_GOOD_NAME, _LEAST_NAME = 22, 6


class Progress:
    """A line that is redrawn on a terminal, or a plain line every 30 s elsewhere.

    Args:
        stream: what it is written to.
        total_runs: what the bar is a part of; more runs than that (suspects) only fill it.
        enabled: whether anything is written.
        live: whether a line may be redrawn, where the stream is a terminal that can.
        lines: whether lines that stay are written.
        width: in cells; ``None``: the terminal's, which may change meanwhile.
        clock: seconds.
    """

    def __init__(
        self,
        stream: TextIO,
        total_runs: int,
        *,
        enabled: bool = True,
        live: bool = True,
        lines: bool = True,
        width: Optional[int] = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._total = total_runs
        self._live = enabled and live and is_live(stream)
        self._lines = enabled and lines
        self._width = width
        self._clock = clock
        self._unicode = can_show_unicode(getattr(stream, "encoding", None))
        self._benchmarks = 0
        self._begun = 0
        self._round, self._rounds = 0, 0
        self._begun_in_round = 0
        self._disturbed = 0
        self._line = ""
        self._waited = False
        self._cooling = False
        self._began_s = self._written_s = self._drawn_s = clock()

    def start(self, rounds: int, benchmarks: int, total_runs: Optional[int] = None) -> None:
        """Say how many benchmarks each of the coming rounds has; again when suspects are measured on."""
        if self._benchmarks == 0 and not self._live:
            self._write(f"measuring {count(benchmarks, 'benchmark')} in {count(rounds, 'round')}")
        self._benchmarks = benchmarks
        self._total = self._total if total_runs is None else total_runs

    def update(
        self, round_number: int, rounds: int, benchmark_id: str, remaining_s: Optional[float], disturbed_runs: int = 0
    ) -> None:
        """Say that a run of ``benchmark_id`` begins; call it between timed blocks only."""
        self._cooling = False
        if round_number != self._round:
            self._round, self._begun_in_round = round_number, 0
        self._rounds, self._disturbed = rounds, disturbed_runs
        self._begun += 1
        self._begun_in_round += 1
        left = None if remaining_s is None else _span(max(remaining_s, 0.0))
        if self._live:
            times = self._elapsed() + ("" if left is None else f", {left} left")
            self._draw([times], benchmark_id)
        elif self._is_due():
            parts = [f"{self._begun_in_round - 1} of {count(self._benchmarks, 'benchmark')}", self._elapsed()]
            self._write(", ".join([*parts, *([] if left is None else [f"about {left} left"]), *self._disturbances()]))

    def doing(self, what: str) -> None:
        """Say what begins that takes seconds and cannot be asked how it goes; on a terminal only."""
        if self._live:
            self._draw([what], "")

    def busy(self, benchmark_id: str, what: str, seconds: float) -> None:
        """Say what has been going on for so long, of which nothing is timed; call it as often as you like.

        ``benchmark_id`` is empty where it is about no single benchmark.
        """
        now = self._clock()
        if self._live:
            if seconds >= FIRST_DRAWN_SECONDS and now - self._drawn_s >= DRAWN_SECONDS:
                self._draw([f"{what}, {_span(seconds)}"], benchmark_id)
        elif self._is_due():
            of_what = f" for {_name(benchmark_id)}" if benchmark_id else ""
            since = "" if seconds >= now - self._began_s - 1 else f"; {self._elapsed()} in all"
            self._write(f"{what}{of_what}, {_span(seconds)} so far{since}")

    def wait(self, seconds: float) -> None:
        """Say that the next round begins in so many seconds; elsewhere than on a terminal, once."""
        if self._live:
            self._draw([f"waiting {duration(seconds)}: consecutive runs would share one burst of noise"], "")
        elif not self._waited:
            self._write("few benchmarks: rounds are spaced (--edgeperf-spacing), because noise comes in bursts")
        elif self._is_due():
            self._write(f"waiting {duration(seconds)} for the next round")
        self._waited = True

    def cool(self, zone: str, temperature_c: float, target_c: float) -> None:
        """Say that the machine is waited for; elsewhere than on a terminal, when a wait begins and while it lasts."""
        if self._live:
            self._draw([f"cooling down: {zone} {temperature_c:.1f} degC, waiting for {target_c:.1f}"], "")
        elif not self._cooling or self._is_due():
            self._write(
                f"cooling down: {zone} is at {temperature_c:.1f} degC, waiting for {target_c:.1f}", round_=False
            )
        self._cooling = True

    def note(self, text: str) -> None:
        """Print a line that stays."""
        if not self._lines:
            return
        if self._live:
            self._stream.write(_ERASE)
        text = self._printable(text)
        # A terminal would break it inside of words.
        lines = wrap(text, self._columns(), hanging="  ") if self._live else [text]
        self._stream.write("\n".join(lines) + "\n")
        if self._live:
            self._stream.write(self._line)
        self._stream.flush()

    def finish(self) -> None:
        """Leave the terminal's line empty."""
        if self._line:
            self._stream.write(_ERASE)
            self._stream.flush()
        self._line = ""

    def _columns(self) -> int:
        return self._width or shutil.get_terminal_size().columns

    def _elapsed(self) -> str:
        return _span(self._clock() - self._began_s)

    def _disturbances(self) -> List[str]:
        return [f"{count(self._disturbed, 'disturbed run')}"] if self._disturbed else []

    def _is_due(self) -> bool:
        return self._clock() - self._written_s >= LINE_SECONDS

    def _write(self, text: str, *, round_: bool = True) -> None:
        """A line elsewhere than on a terminal."""
        self._written_s = self._clock()
        if self._lines:
            place = f"round {self._round}/{self._rounds}: " if self._round and round_ else ""
            self._stream.write(self._printable(place + text) + "\n")
            self._stream.flush()

    def _draw(self, states: List[str], benchmark_id: str) -> None:
        self._drawn_s = self._clock()
        # One cell less than the terminal has, as writing into the last one wraps on some; and two for ^C.
        width = self._columns() - 3
        ellipsis = "…" if self._unicode else "..."
        name = self._printable(_name(benchmark_id))
        states = [self._printable(state) for state in states]
        place = [f"round {self._round}/{self._rounds}"] if self._round else []
        disturbed = [f"{self._disturbed} disturbed"] if self._disturbed else []
        bar = [self._bar(_BAR if width >= _WIDE else _SHORT_BAR)] if place and width >= _NARROW else []
        # From what says most to what is given up last.
        for parts, name_cells in (
            ([*bar, *place, *states, *disturbed], _GOOD_NAME),
            ([*place, *states, *disturbed], _GOOD_NAME),
            ([*place, *states], _LEAST_NAME),
            (states, 0),
        ):
            line = "  ".join(parts)
            if cells(line) + 2 + min(cells(name), name_cells) <= width:
                break
        room = width - cells(line) - 2
        if name and room >= min(cells(name), _LEAST_NAME):
            line += "  " + shorten_name(name, room, ellipsis)
        self._line = middle_ellipsis(line, width, ellipsis)
        self._stream.write(_ERASE + self._line)
        self._stream.flush()

    def _bar(self, length: int) -> str:
        done = length * min(max(self._begun - 1, 0), self._total) // max(self._total, 1)
        return ("█" if self._unicode else "#") * done + ("░" if self._unicode else "-") * (length - done)

    def _printable(self, text: str) -> str:
        return printable(text, ascii_only=not self._unicode)


def is_live(stream: TextIO) -> bool:
    """Whether a line can be redrawn there, and somebody looks on: in continuous integration a terminal is a log."""
    try:
        terminal = stream.isatty()
    except ValueError:  # closed
        terminal = False
    in_ci = any(os.environ.get(variable) for variable in ("CI", "BUILD_NUMBER"))
    return terminal and not in_ci and (os.environ.get("TERM") or "dumb") != "dumb"


def _name(benchmark_id: str) -> str:
    return benchmark_id[len(file_of(benchmark_id)) :].lstrip(":") or benchmark_id


def _span(seconds: float) -> str:
    """A stretch of time in whole seconds, which a line that counts them needs no less of."""
    return f"{round(seconds)} s" if seconds < 10 else duration(round(seconds))
