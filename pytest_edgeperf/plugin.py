"""The pytest plugin: options, markers, fixtures and hooks, each handed on to its room."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Dict, Generator, List, Mapping, Optional, Sequence

import pytest

from pytest_edgeperf import settings as settings_module
from pytest_edgeperf.settings import OFF, OPTIONS, PREFIX_VARIABLE, REFRESH, Settings, SettingsError, names_are_prefixed

if TYPE_CHECKING:
    from pytest_edgeperf.devices import Device
    from pytest_edgeperf.frameworks.handle import FrameworkHandle
    from pytest_edgeperf.frameworks.interface import Framework
    from pytest_edgeperf.judge.verdicts import LineVerdict
    from pytest_edgeperf.measure.timed_inference import TimedInference
    from pytest_edgeperf.results.types import Results
    from pytest_edgeperf.schedule.session import MeasuringSession

MARKER = "timed_inference"
#: 10: nothing failed, but something was inconclusive; 11: …, but a baseline was missing or incomparable.
EXIT_INCONCLUSIVE = 10
EXIT_UNBASELINED = 11

_SHARING = "edgeperf-xdist-worker"
_SETTINGS = pytest.StashKey[Settings]()
_SESSION = pytest.StashKey[Optional["MeasuringSession"]]()
_LINES = pytest.StashKey[Mapping[str, Sequence["LineVerdict"]]]()
#: Why nothing was measured where it was to be.
_NOTHING = pytest.StashKey[str]()
_SOFTWARE = pytest.StashKey[Dict[str, Any]]()
#: Every test that was collected, also those deselected afterwards, and every file that was read.
_ITEMS = pytest.StashKey[List[pytest.Item]]()
_READ = pytest.StashKey[List[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our ini keys."""
    for option in OPTIONS:
        parser.addini(option.dest, option.help, default=None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, None, None]:
    """Add our options when all other plugins and conftests have added theirs, so that a clash is one sentence."""
    yield
    _add_options(parser)


def _add_options(parser: pytest.Parser) -> None:
    options = [option for option in OPTIONS if not option.ini_only]
    others = {
        name for group in [*parser._groups, parser._anonymous] for option in group.options for name in option.names()
    }
    taken = [option.name(names_are_prefixed()) for option in options if option.name(names_are_prefixed()) in others]
    if taken:
        raise pytest.UsageError(
            f"pytest-edgeperf's option {taken[0]} is also an option of another plugin or of a conftest.py here; "
            f"set the environment variable {PREFIX_VARIABLE}=1 and type --edgeperf-{taken[0].lstrip('-')} for ours"
        )
    group = parser.getgroup("edgeperf", "edgeperf: performance regressions of inference")
    for option in options:
        keywords: Dict[str, Any] = {
            "action": "append" if option.repeatable else "store",
            "metavar": option.metavar,
        }
        if option.flag:
            keywords = {"action": "store_true"}
        group.addoption(option.name(names_are_prefixed()), dest=option.dest, default=None, help=option.help, **keywords)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings and declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(tolerance, gate, threads, budget, timeout, curve, power_series): a benchmark that pytest-edgeperf "
        "measures in fresh processes and compares with the device's baseline",
    )
    try:
        config.stash[_SETTINGS] = settings_module.read(
            lambda dest: getattr(config.option, dest, None), config.getini, names_are_prefixed()
        )
    except SettingsError as error:
        raise pytest.UsageError(_shown(str(error))) from error
    for name in config.stash[_SETTINGS].frameworks:
        _framework(name)
    config.stash[_SOFTWARE] = {}
    config.stash[_ITEMS] = []
    config.stash[_READ] = []
    _under_xdist(config)


def _under_xdist(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and getattr(config.option, "dist", "no") == "no":
        return
    from pytest_edgeperf.schedule import distributed

    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(distributed.Controller(), "edgeperf-xdist-controller")
    elif distributed.refuses(config):
        config.pluginmanager.register(distributed.RefusingWorker(), _SHARING)


def _shown(words: str) -> str:
    """Words that may come from a file, without what a terminal would obey; lines stay."""
    from pytest_edgeperf.report.text import printable

    return "\n".join(map(printable, words.split("\n")))


def _usage_error(text: str) -> pytest.UsageError:
    """With nothing in it that would move a terminal's cursor: it may quote a file or a name from anywhere."""
    from pytest_edgeperf.results.characters import printable_lines

    return pytest.UsageError(printable_lines(text))


def _worker(config: pytest.Config) -> Optional[Any]:
    return config.pluginmanager.get_plugin("edgeperf-worker")


# Collection.


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep every test, whatever is deselected later."""
    item.config.stash[_ITEMS].append(item)


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Keep which files are read."""
    collector.config.stash[_READ].append(collector.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise our ``framework`` and ``precision`` fixtures by what was asked for."""
    settings = metafunc.config.stash[_SETTINGS]
    if _wants(metafunc, "framework"):
        metafunc.parametrize("framework", _framework_parameters(settings), indirect=True, scope="session")
    if _wants(metafunc, "precision"):
        metafunc.parametrize("precision", settings.precisions, indirect=True, scope="session")


def _wants(metafunc: pytest.Metafunc, name: str) -> bool:
    """Whether the test uses our fixture of that name and does not parametrise it itself."""
    if name not in metafunc.fixturenames:
        return False
    definitions = metafunc._arg2fixturedefs.get(name, ())
    if not definitions or definitions[-1].func.__module__ != __name__:
        return False
    for marker in metafunc.definition.iter_markers("parametrize"):
        names = marker.args[0] if marker.args else marker.kwargs.get("argnames", ())
        if name in ([part.strip() for part in names.split(",")] if isinstance(names, str) else names):
            return False
    return True


def _framework_parameters(settings: Settings) -> List[Any]:
    from pytest_edgeperf import frameworks

    known = frameworks.names()
    names = settings.frameworks or tuple(frameworks.installed()) or tuple(known)
    parameters = []
    for name in names:
        framework = _framework(name)
        missing = _version_of(name) is None
        reason = f"{name} is not installed: {framework.install_advice}"
        parameters.append(pytest.param(name, marks=[pytest.mark.skip(reason=reason)] if missing else []))
    return parameters


def _version_of(name: str) -> Optional[str]:
    from pytest_edgeperf import frameworks

    try:
        return frameworks.version_of(name)
    except frameworks.FrameworkError as error:
        raise _usage_error(f"--framework: {error}") from error


def _framework(name: str) -> Framework:
    from pytest_edgeperf import frameworks
    from pytest_edgeperf.frameworks.interface import FrameworkError

    try:
        return frameworks.get(name)
    except FrameworkError as error:
        raise _usage_error(f"--framework: {error}") from error


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """Check the marker's arguments, and mark what uses the fixture without it."""
    wrong = []
    for item in items:
        if MARKER in getattr(item, "fixturenames", ()) and item.get_closest_marker(MARKER) is None:
            item.add_marker(MARKER)
        marker = item.get_closest_marker(MARKER)
        if marker is not None:
            try:
                settings_module.parse_marker(marker.args, marker.kwargs)
            except SettingsError as error:
                wrong.append(f"{item.nodeid}: {error}")
    if wrong:
        raise _usage_error("\n".join(wrong))


# Measuring, before the ordinary loop.


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Measure all benchmarks in rounds of fresh processes, then let pytest go through its items."""
    config = session.config
    elsewhere = _worker(config) or config.pluginmanager.has_plugin(_SHARING)
    if not (elsewhere or config.option.collectonly or session.testsfailed):
        try:
            _measure_what_is_asked(session)
        except pytest.UsageError as error:
            if not hasattr(config, "workerinput"):
                raise
            _refuse_under_xdist(session, str(error))
    outcome = yield
    _exit_as_asked(config)
    return outcome


def _measure_what_is_asked(session: pytest.Session) -> None:
    config = session.config
    settings = config.stash[_SETTINGS]
    items = _to_measure(session.items, settings)
    if items or settings.device != "auto":
        device = _resolve_device(config, settings)
        if items and not settings.in_process:
            _measure(config, settings, device, items)
    if not items and session.items and _asks_for_comparison(config, settings):
        from pytest_edgeperf.schedule.selection import nothing_measured

        config.stash[_NOTHING] = nothing_measured(session.items)


def _refuse_under_xdist(session: pytest.Session, reason: str) -> None:
    """Report a usage error by the items that it concerns: all benchmarks, or all items where there are none."""
    from pytest_edgeperf.schedule.distributed import RefusingWorker

    items = _to_measure(session.items, session.config.stash[_SETTINGS]) or session.items
    concerned = {item.nodeid for item in items}
    session.config.stash[_SESSION] = None
    session.config.pluginmanager.register(RefusingWorker(reason, lambda item: item.nodeid in concerned), _SHARING)


def _asks_for_comparison(config: pytest.Config, settings: Settings) -> bool:
    """Whether a comparison was typed, and not only allowed for by an ini key."""
    typed = (getattr(config.option, f"edgeperf_{key}", None) for key in ("baseline", "against", "against_python"))
    return any(typed) and settings.baseline != OFF


def _exit_as_asked(config: pytest.Config) -> None:
    """End the session as a test asked for in its worker; what was measured until then is reported already."""
    measuring = config.stash.get(_SESSION, None)
    asked = measuring.coordinator.exit if measuring is not None else None
    if asked is not None:
        # The test has failed, and perhaps others; a code of 0 would hide that.
        code = pytest.ExitCode.TESTS_FAILED if asked.code == 0 else asked.code
        raise pytest.exit.Exception(asked.reason, code)


def _to_measure(items: Sequence[pytest.Item], settings: Settings) -> List[pytest.Item]:
    from pytest_edgeperf.schedule.selection import is_adoptable, is_benchmark

    return [
        item
        for item in items
        if (is_benchmark(item) or (settings.gate_benchmarks and is_adoptable(item)))
        and item.get_closest_marker("skip") is None
    ]


def _resolve_device(config: pytest.Config, settings: Settings) -> Device:
    from pytest_edgeperf import devices

    try:
        return devices.resolve(settings.device, rootdir=config.rootpath)
    except devices.DeviceError as error:
        raise pytest.UsageError(_shown(str(error))) from error


def _measure(config: pytest.Config, settings: Settings, device: Device, items: Sequence[pytest.Item]) -> None:
    from pytest_edgeperf.results import ResultsError
    from pytest_edgeperf.schedule.machine.lock import DeviceLock, LockError

    if config.option.usepdb:
        raise pytest.UsageError(
            "--pdb cannot reach into the fresh processes that benchmarks are measured in; add --edgeperf-in-process"
        )
    lock = DeviceLock()
    try:
        lock.acquire(config.rootpath)
        _measure_alone(config, settings, device, items)
    except (LockError, ResultsError, SettingsError) as error:
        raise pytest.UsageError(_shown(str(error))) from error
    finally:
        lock.release()


def _measure_alone(config: pytest.Config, settings: Settings, device: Device, items: Sequence[pytest.Item]) -> None:
    from pytest_edgeperf.report.progress import Progress
    from pytest_edgeperf.schedule.against.opponent import opponent_of
    from pytest_edgeperf.schedule.collection import CollectedTests
    from pytest_edgeperf.schedule.selection import not_measured
    from pytest_edgeperf.schedule.session import MeasuringSession

    shown = config.pluginmanager.has_plugin("terminalreporter") and config.option.verbose >= 0
    stream = config.get_terminal_writer()._file if shown else sys.stderr
    progress = Progress(stream, len(items), enabled=shown)
    collected = CollectedTests(config.stash[_ITEMS], config.stash[_READ])
    with opponent_of(settings, config.rootpath, device.name, items) as opponent:
        measuring = MeasuringSession(config, settings, device, items, progress, opponent, collected)
        if settings.gate_benchmarks:
            measuring.coordinator.notes.extend(f"not measured: {why}" for why in not_measured(items[0].session.items))
        config.stash[_SESSION] = measuring
        try:
            measuring.measure()
        except BaseException:
            measuring.abandon()
            raise


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: Optional[pytest.Item]) -> Optional[bool]:
    """Report a measured benchmark from what its workers did; a regressed one fails."""
    measuring = item.config.stash.get(_SESSION, None)
    if measuring is None or item.nodeid not in measuring.plans:
        return None
    from pytest_edgeperf.schedule import replay
    from pytest_edgeperf.schedule.session import MEASURED_NOTHING

    plan = measuring.plans[item.nodeid]
    try:
        reports = replay.reports_of(item, plan)
    except Exception as error:
        measuring.coordinator.errors.add("restoring a worker's reports", error)
        reports = replay.unreadable(item, error)
    if plan.measured_nothing:
        replay.fail(item, reports, MEASURED_NOTHING, f"The benchmark passed, but {MEASURED_NOTHING}.")
    with measuring.coordinator.errors.survive("reporting a verdict"):
        _judge_item(item, measuring, reports)
    replay.log(item, nextitem, reports)
    return True


def _judge_item(item: pytest.Item, measuring: MeasuringSession, reports: List[pytest.TestReport]) -> None:
    from pytest_edgeperf.judge.verdicts import REGRESSED
    from pytest_edgeperf.report.properties import junit_properties
    from pytest_edgeperf.report.terminal import line_headline, line_text, regression_headline, regression_text
    from pytest_edgeperf.schedule import replay
    from pytest_edgeperf.schedule.state import benchmark_of

    comparison, plan = measuring.comparison, measuring.plans[item.nodeid]
    verdict = comparison.benchmarks.get(item.nodeid) if comparison is not None else None
    errors = measuring.coordinator.errors
    with errors.survive("the JUnit properties"):
        if plan.runs:
            properties = junit_properties(benchmark_of(plan), verdict)
            for report in reports:
                report.user_properties.extend(properties)
    unaccepted = measuring.outputs.failing.get(item.nodeid)
    if unaccepted is not None:
        replay.fail(item, reports, f"not accepted: {unaccepted}", f"The refresh did not accept it: {unaccepted}.")
    if not measuring.settings.judges:
        return
    told = []
    if verdict is not None and verdict.verdict == REGRESSED:
        told.append(("regressed", "The benchmark regressed."))
        with errors.survive("the text of a regression"):
            told[-1] = (regression_headline(item.nodeid, verdict), regression_text(item.nodeid, verdict))
    for line in _failing_lines(item.config, measuring).get(item.nodeid, ()):
        told.append(("a line regressed", f"The {line.part} of {line.series} regressed."))
        with errors.survive("the text of a line"):
            told[-1] = (line_headline(line), line_text(line))
    if told:
        headlines, texts = zip(*told)
        replay.fail(item, reports, headlines[0], "\n\n".join(texts))


def _failing_lines(config: pytest.Config, measuring: MeasuringSession) -> Mapping[str, Sequence[LineVerdict]]:
    """For which lines each benchmark fails: the same for all items, so found once."""
    if _LINES not in config.stash:
        from pytest_edgeperf.report.lines import failing_lines

        whole = [plan.id for plan in measuring.plans.values() if not plan.broken]
        config.stash[_LINES] = failing_lines(measuring.comparison, whole)
    return config.stash[_LINES]


# Reporting.


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Say by the exit code what must not go unseen, where the settings ask for it."""
    measuring = session.config.stash.get(_SESSION, None)
    if measuring is None or exitstatus != pytest.ExitCode.OK:
        return
    if measuring.coordinator.errors:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        return
    if measuring.outputs.failing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return
    if measuring.comparison is None:
        return
    counts = measuring.comparison.summary
    settings = measuring.settings
    if not settings.judges:
        return
    if settings.inconclusive == "fail" and counts["inconclusive"]:
        session.exitstatus = EXIT_INCONCLUSIVE
    elif settings.unbaselined == "fail" and (
        measuring.unmeasured.gates or any(counts[word] for word in ("new", "missing", "incomparable"))
    ):
        session.exitstatus = EXIT_UNBASELINED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the session's table, its failures in sentences, what was not judged, and where it was written."""
    measuring = config.stash.get(_SESSION, None)
    nothing = config.stash.get(_NOTHING, None)
    if nothing is not None:
        terminalreporter.write_line(f"edgeperf: {nothing}", yellow=True, bold=True)
    if measuring is None:
        return

    errors = measuring.coordinator.errors
    terminalreporter.section("edgeperf")
    with errors.survive("the report"):
        terminalreporter.write_line(_rendered(config, measuring))
    session = terminalreporter._session
    if errors and session is not None and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    for sentence in errors.unprinted():
        terminalreporter.write_line(f"edgeperf: {_shown(sentence)}", red=True, bold=True)


def _rendered(config: pytest.Config, measuring: MeasuringSession) -> str:
    from pytest_edgeperf.report.creep import crept
    from pytest_edgeperf.report.session import SessionReport
    from pytest_edgeperf.report.terminal import render
    from pytest_edgeperf.report.text import can_show_unicode
    from pytest_edgeperf.results.published import published_of

    coordinator, settings = measuring.coordinator, measuring.settings
    measured = coordinator.measured()
    tolerances = {plan.id: plan.options.tolerance for plan in measuring.plans.values()}
    published, unusable = published_of(measuring.device.name, measuring.baseline_path.parent)
    report = SessionReport(
        device=measuring.device.name,
        machine=measuring.device.description,
        measured=measured,
        comparison=measuring.comparison,
        mode=settings.baseline,
        faults=measuring.faults(),
        notes=[*coordinator.notes, *unusable],
        written=measuring.written,
        refreshed=measuring.outputs.refreshed,
        refused=measuring.outputs.refused,
        rounds=coordinator.rounds,
        seconds=coordinator.seconds,
        against=measuring.opponent.label if measuring.opponent is not None else None,
        published=published,
        crept=crept(
            measured,
            measuring.baseline,
            settings.tolerance,
            {name: own for name, own in tolerances.items() if own is not None},
            accepting=settings.baseline == REFRESH,
            allowed_differences=settings.allowed_differences,
        ),
    )
    writer = config.get_terminal_writer()
    return render(
        report,
        width=writer.fullwidth,
        colour=writer.hasmarkup,
        verbosity=config.option.verbose,
        ascii_only=not can_show_unicode(getattr(writer._file, "encoding", None)),
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Print on the standard error what went wrong where no summary was printed (``-p no:terminal``)."""
    measuring = config.stash.get(_SESSION, None)
    if measuring is not None:
        for sentence in measuring.coordinator.errors.unprinted():
            print(f"edgeperf: {_shown(sentence)}", file=sys.stderr)


def session_results(config: pytest.Config) -> Optional[Results]:
    """What this session has measured, for a ``conftest.py`` that reads it in ``pytest_terminal_summary``, say.

    ``None`` in a session that measures nothing, in one with ``--edgeperf-in-process``, and in a worker.
    """
    measuring = config.stash.get(_SESSION, None)
    return None if measuring is None else measuring.coordinator.measured()


# Fixtures.


@pytest.fixture(scope="session")
def device(pytestconfig: pytest.Config) -> Device:
    """The device under test: ``device.name``, ``device.fingerprint``."""
    return _resolve_device(pytestconfig, pytestconfig.stash[_SETTINGS])


@pytest.fixture(scope="session")
def framework(request: pytest.FixtureRequest) -> FrameworkHandle:
    """An inference runtime of ``--framework``; ``framework.load(model, precision=…)`` gives an engine."""
    from pytest_edgeperf import devices, frameworks
    from pytest_edgeperf.frameworks.handle import FrameworkHandle

    config = request.config
    worker = _worker(config)
    settings = config.stash[_SETTINGS]

    def lacks(processor: str, precision: str) -> Optional[str]:
        profile = _resolve_device(config, settings).profile
        reason = devices.lacks(profile, processor, precision)
        return reason and f"{precision} cannot run on {profile.name}: {reason}"

    return FrameworkHandle(
        frameworks.get(request.param),
        threads=worker.settings["threads"] if worker else settings.threads,
        software=config.stash[_SOFTWARE],
        skip=pytest.skip,
        lacks=lacks,
    )


@pytest.fixture(scope="session")
def precision(request: pytest.FixtureRequest) -> str:
    """A numeric format of ``--precision``."""
    return str(request.param)


@pytest.fixture
def timed_inference(request: pytest.FixtureRequest) -> TimedInference:
    """Measures an engine or a callable: ``timed_inference(target, *args, preprocess=…, postprocess=…)``."""
    from pytest_edgeperf.measure.timed_inference import LocalConductor, TimedInference

    config = request.config
    worker = _worker(config)
    software = config.stash[_SOFTWARE]
    if worker:
        return TimedInference(worker.conductor, worker.settings, software)
    settings = config.stash[_SETTINGS]
    marker = request.node.get_closest_marker(MARKER)
    options = settings_module.parse_marker(marker.args, marker.kwargs)
    budget_s = options.budget_s or settings.budget_s
    local = {"budget_s": budget_s, "threads": options.threads or settings.threads, "cpus": OFF}
    return TimedInference(LocalConductor(budget_s), local, software)
