"""Measuring all benchmarks of a session, before pytest goes through its items."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import List, Sequence

import pytest

from pytest_edgeperf.devices import Device
from pytest_edgeperf.plugin.parameters import device_of
from pytest_edgeperf.plugin.report_files import report_files, write_reports
from pytest_edgeperf.plugin.state import (
    COLLECTED,
    COLLECTORS,
    NOTHING_MEASURED,
    REFUSING,
    SESSION,
    SETTINGS,
    usage_error,
)
from pytest_edgeperf.report.progress import Progress
from pytest_edgeperf.results import ResultsError
from pytest_edgeperf.schedule.against.opponent import opponent_of
from pytest_edgeperf.schedule.collection import CollectedTests
from pytest_edgeperf.schedule.distributed import RefusingWorker
from pytest_edgeperf.schedule.earlier_files import EarlierFiles
from pytest_edgeperf.schedule.machine.lock import DeviceLock, LockError
from pytest_edgeperf.schedule.selection import is_adoptable, is_benchmark, not_measured, nothing_measured
from pytest_edgeperf.schedule.session import MeasuringSession
from pytest_edgeperf.settings import OFF, OTHER_SIDE, Settings, SettingsError


def measure_session(session: pytest.Session) -> None:
    """Measure the benchmarks of a session; in an xdist worker, a usage error is one of the items that it concerns.

    Raises:
        pytest.UsageError: nothing can be measured as it was asked for.
    """
    try:
        _measure_what_is_asked(session)
    except pytest.UsageError as error:
        if not hasattr(session.config, "workerinput"):
            raise
        _refuse_under_xdist(session, str(error))


def _measure_what_is_asked(session: pytest.Session) -> None:
    config = session.config
    settings = config.stash[SETTINGS]
    items = _to_measure(session.items, settings)
    if items or settings.device != "auto":
        device = device_of(config)
        if items and not settings.in_process:
            _measure(config, settings, device, items)
    if not items and session.items and _asks_for_comparison(config, settings):
        config.stash[NOTHING_MEASURED] = nothing_measured(session.items)


def _refuse_under_xdist(session: pytest.Session, reason: str) -> None:
    """Report a usage error by the items that it concerns: all benchmarks, or all items where there are none."""
    items = _to_measure(session.items, session.config.stash[SETTINGS]) or session.items
    concerned = {item.nodeid for item in items}
    session.config.stash[SESSION] = None
    session.config.pluginmanager.register(RefusingWorker(reason, lambda item: item.nodeid in concerned), REFUSING)


def _asks_for_comparison(config: pytest.Config, settings: Settings) -> bool:
    """Whether a comparison was typed, and not only allowed for by an ini key."""
    typed = (getattr(config.option, f"edgeperf_{key}", None) for key in ("baseline", *OTHER_SIDE))
    return any(typed) and settings.baseline != OFF


def _to_measure(items: Sequence[pytest.Item], settings: Settings) -> List[pytest.Item]:
    return [
        item
        for item in items
        if (is_benchmark(item) or (settings.gate_benchmarks and is_adoptable(item)))
        and item.get_closest_marker("skip") is None
    ]


def _measure(config: pytest.Config, settings: Settings, device: Device, items: Sequence[pytest.Item]) -> None:
    if config.option.usepdb:
        raise pytest.UsageError(
            "--pdb cannot reach into the fresh processes that benchmarks are measured in; add --edgeperf-in-process"
        )
    lock = DeviceLock()
    try:
        lock.acquire(config.rootpath)
        _measure_alone(config, settings, device, items)
    except (LockError, ResultsError, SettingsError) as error:
        raise usage_error(str(error)) from error
    finally:
        lock.release()


def _measure_alone(config: pytest.Config, settings: Settings, device: Device, items: Sequence[pytest.Item]) -> None:
    progress = _progress(config, len(items))
    reports = report_files(config, settings, device.name)
    collected = CollectedTests(config.stash[COLLECTED], config.stash[COLLECTORS])
    with ExitStack() as stack:
        stack.callback(progress.finish)
        opponent = stack.enter_context(opponent_of(settings, config.rootpath, device.name, items, progress.busy))
        progress.doing("examining the machine and the sources")
        measuring = MeasuringSession(config, settings, device, items, progress, opponent, collected)
        if settings.gate_benchmarks:
            measuring.coordinator.notes.extend(f"not measured: {why}" for why in not_measured(items[0].session.items))
        config.stash[SESSION] = measuring
        earlier = EarlierFiles("report")
        try:
            earlier.set_aside(file.path for file in reports)
            measuring.measure()
            write_reports(config, measuring, reports, earlier)
        except (KeyboardInterrupt, pytest.exit.Exception):
            measuring.abandon()
            write_reports(config, measuring, reports, earlier)
            raise
        except BaseException:
            measuring.abandon()
            raise
        finally:
            measuring.written.extend(earlier.remaining())


def _progress(config: pytest.Config, runs: int) -> Progress:
    """With ``-q`` only a line that is redrawn and leaves nothing behind; with ``-s``, where tests print, none."""
    # The option is the terminal's: with -p no:terminal there is neither.
    verbosity = getattr(config.option, "verbose", 0)
    shown = config.pluginmanager.has_plugin("terminalreporter") and verbosity >= -1
    return Progress(
        config.get_terminal_writer()._file if shown else sys.stderr,
        runs,
        enabled=shown,
        live=config.option.capture != "no",
        lines=verbosity >= 0,
    )
