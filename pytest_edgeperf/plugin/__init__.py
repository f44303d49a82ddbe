"""The pytest plugin: options, markers, fixtures and hooks, each handed on to its room when there is work for it.

A session without benchmarks imports no more than this file, the state and the options.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Generator, List, Optional

import pytest

from pytest_edgeperf.plugin.options import add_options, read_settings
from pytest_edgeperf.plugin.state import (
    COLLECTED,
    COLLECTORS,
    LINES_FOR_GITHUB,
    MARKER,
    NOTHING_MEASURED,
    REFUSING,
    SESSION,
    SETTINGS,
    SOFTWARE,
    STACK,
    usage_error,
    worker_of,
)
from pytest_edgeperf.settings import OPTIONS

if TYPE_CHECKING:
    from pytest_edgeperf.devices import Device
    from pytest_edgeperf.frameworks.handle import FrameworkHandle
    from pytest_edgeperf.measure.timed_inference import TimedInference
    from pytest_edgeperf.results.types import Results


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our ini keys."""
    for option in OPTIONS:
        parser.addini(option.dest, option.help, default=None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, None, None]:
    """Add our options when all other plugins and conftests have added theirs, so that a clash is one sentence."""
    yield
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings and declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(tolerance, gate, threads, budget, timeout, curve, power_series, stack, builds): a benchmark that "
        "pytest-edgeperf measures in fresh processes and compares with the device's baseline",
    )
    config.stash[SETTINGS] = settings = read_settings(config)
    if settings.frameworks:
        from pytest_edgeperf.plugin.parameters import framework_named

        for name in settings.frameworks:
            framework_named(name)
    config.stash[SOFTWARE] = {}
    config.stash[COLLECTED] = []
    config.stash[COLLECTORS] = []
    _under_xdist(config)


def _under_xdist(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and getattr(config.option, "dist", "no") == "no":
        return
    from pytest_edgeperf.schedule import distributed

    if not hasattr(config, "workerinput"):
        from pytest_edgeperf.plugin.delivery import DeliveryOfWorkers

        config.pluginmanager.register(distributed.Controller(), "edgeperf-xdist-controller")
        config.pluginmanager.register(DeliveryOfWorkers(config), "edgeperf-xdist-delivery")
    elif distributed.refuses(config):
        config.pluginmanager.register(distributed.RefusingWorker(), REFUSING)


# Collection.


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep every test, whatever is deselected later."""
    item.config.stash[COLLECTED].append(item)


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Keep which files are read."""
    collector.config.stash[COLLECTORS].append(collector.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise our ``framework`` and ``precision`` fixtures by what was asked for."""
    wanted = [name for name in ("framework", "precision") if name in metafunc.fixturenames]
    if not wanted:
        return
    from pytest_edgeperf.plugin.parameters import framework_parameters, is_ours

    settings = metafunc.config.stash[SETTINGS]
    for name in wanted:
        if is_ours(metafunc, name, __name__):
            values = settings.precisions if name == "precision" else framework_parameters(settings)
            metafunc.parametrize(name, values, indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """Check the marker's arguments, and mark what uses the fixture without it."""
    wrong = []
    for item in items:
        if MARKER in getattr(item, "fixturenames", ()) and item.get_closest_marker(MARKER) is None:
            item.add_marker(MARKER)
        marker = item.get_closest_marker(MARKER)
        if marker is not None:
            from pytest_edgeperf.settings import SettingsError, parse_marker

            try:
                parse_marker(marker.args, marker.kwargs)
            except SettingsError as error:
                wrong.append(f"{item.nodeid}: {error}")
    if wrong:
        raise usage_error("\n".join(wrong))


# Measuring, before the ordinary loop.


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Measure all benchmarks in rounds of fresh processes, then let pytest go through its items."""
    config = session.config
    elsewhere = worker_of(config) or config.pluginmanager.has_plugin(REFUSING)
    if not (elsewhere or config.option.collectonly or session.testsfailed) and _asks_for_us(session):
        from pytest_edgeperf.plugin.measuring import measure_session

        measure_session(session)
    outcome = yield
    measuring = config.stash.get(SESSION, None)
    if measuring is not None:
        from pytest_edgeperf.plugin.verdicts import exit_as_asked

        exit_as_asked(measuring)
    return outcome


def _asks_for_us(session: pytest.Session) -> bool:
    """Whether there may be something to measure, or to say of the device or of what is not measured."""
    settings = session.config.stash[SETTINGS]
    return (
        settings.gate_benchmarks
        or settings.device != "auto"
        or any(item.get_closest_marker(MARKER) is not None for item in session.items)
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: Optional[pytest.Item]) -> Optional[bool]:
    """Report a measured benchmark from what its workers did; a regressed one fails."""
    measuring = item.config.stash.get(SESSION, None)
    if measuring is None or item.nodeid not in measuring.plans:
        return None
    from pytest_edgeperf.plugin.verdicts import report_item

    report_item(item, nextitem, measuring)
    return True


# Reporting.


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Deliver the report, and say by the exit code what must not go unseen, where the settings ask for it."""
    measuring = session.config.stash.get(SESSION, None)
    if measuring is not None:
        from pytest_edgeperf.plugin.delivery import deliver

        deliver(session.config, measuring)
    if measuring is not None and exitstatus == pytest.ExitCode.OK:
        from pytest_edgeperf.plugin.verdicts import set_exit_status

        set_exit_status(session, measuring)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> Generator[None, object, object]:
    """Print the session's table, what was not judged, and what to do next.

    Below pytest's own summary: its lines of failed tests would push the answers off the screen.
    """
    try:
        return (yield)
    finally:
        # Also where the summary of another plugin failed: nothing else says what was measured.
        nothing = config.stash.get(NOTHING_MEASURED, None)
        if nothing is not None:
            terminalreporter.write_line(f"edgeperf: {nothing}", yellow=True, bold=True)
        measuring = config.stash.get(SESSION, None)
        if measuring is not None:
            from pytest_edgeperf.plugin.summary import print_summary

            print_summary(terminalreporter, config, measuring)
        # GitHub reads a command only where it begins a line.
        for line in config.stash.get(LINES_FOR_GITHUB, ()):
            terminalreporter.write_line(line)
        config.stash[LINES_FOR_GITHUB] = []


def pytest_unconfigure(config: pytest.Config) -> None:
    """Print on the standard error what no summary has printed (``-p no:terminal``)."""
    for line in config.stash.get(LINES_FOR_GITHUB, ()):
        print(line, file=sys.stderr)
    measuring = config.stash.get(SESSION, None)
    if measuring is not None:
        from pytest_edgeperf.results.characters import printable_lines

        for sentence in measuring.coordinator.errors.unprinted():
            print(f"edgeperf: {printable_lines(sentence)}", file=sys.stderr)


def session_results(config: pytest.Config) -> Optional[Results]:
    """What this session has measured, for a ``conftest.py`` that reads it in ``pytest_terminal_summary``, say.

    ``None`` in a session that measures nothing, in one with ``--edgeperf-in-process``, and in a worker.
    """
    measuring = config.stash.get(SESSION, None)
    return None if measuring is None else measuring.coordinator.measured()


# Fixtures.


@pytest.fixture(scope="session")
def device(pytestconfig: pytest.Config) -> Device:
    """The device under test: ``device.name``, ``device.fingerprint``."""
    from pytest_edgeperf.plugin.parameters import device_of

    return device_of(pytestconfig)


@pytest.fixture(scope="session")
def framework(request: pytest.FixtureRequest) -> FrameworkHandle:
    """An inference runtime of ``--framework``; ``framework.load(model, precision=…)`` gives an engine."""
    from pytest_edgeperf.plugin.parameters import framework_handle

    return framework_handle(request.config, request.param)


@pytest.fixture(scope="session")
def precision(request: pytest.FixtureRequest) -> str:
    """A numeric format of ``--precision``."""
    return str(request.param)


@pytest.fixture
def timed_inference(request: pytest.FixtureRequest) -> TimedInference:
    """Measures an engine or a callable: ``timed_inference(target, *args, preprocess=…, postprocess=…)``."""
    from pytest_edgeperf.measure.conductor import LocalConductor
    from pytest_edgeperf.measure.timed_inference import TimedInference
    from pytest_edgeperf.settings import OFF, BenchmarkOptions, parse_marker

    config = request.config
    worker = worker_of(config)
    software = config.stash[SOFTWARE]
    marker = request.node.get_closest_marker(MARKER)
    # a test that asks for the fixture by name while it runs has no marker
    options = parse_marker(marker.args, marker.kwargs) if marker is not None else BenchmarkOptions()
    config.stash[STACK] = options.stack
    if worker:
        return TimedInference(worker.conductor, worker.settings, software, profiled_pass=worker.profiled_pass())
    settings = config.stash[SETTINGS]
    budget_s = options.budget_s or settings.budget_s
    local = {"budget_s": budget_s, "threads": options.threads or settings.threads, "cpus": OFF}
    return TimedInference(LocalConductor(budget_s), local, software, ranges=True)
