"""The pytest session inside a worker: one benchmark, reported through the channel."""

from __future__ import annotations

import io
import sys
import traceback
from types import ModuleType
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Union

import pytest
from _pytest._io import TerminalWriter
from _pytest.config import Config

from pytest_edgeperf import activities
from pytest_edgeperf.measure import pytest_arguments
from pytest_edgeperf.measure.accuracy_records import Accuracy
from pytest_edgeperf.measure.adopted import AdoptedBenchmark
from pytest_edgeperf.measure.channel import Channel
from pytest_edgeperf.measure.conductor import Block, Conductor
from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.measure.output import shortened, shortened_report
from pytest_edgeperf.measure.protocol import (
    AccuracyMeasured,
    BlockTimed,
    Busy,
    Collected,
    CollectionFailed,
    Ended,
    Event,
    ExitCalled,
    Finish,
    Interrupted,
    Loaded,
    NotCollected,
    Profiled,
    PytestFailed,
    Ready,
    Reported,
    RunMeasured,
    Specification,
    StudyJoined,
    Sustain,
    Sustained,
    WrongCode,
    command_of,
    message_of,
)
from pytest_edgeperf.measure.side_imports import SideFinder
from pytest_edgeperf.results.cost_profiles import CostProfile
from pytest_edgeperf.results.parameters import stored
from pytest_edgeperf.results.study_definitions import Place, Study

if TYPE_CHECKING:
    from pytest_edgeperf.measure.profiled_pass import ProfiledPass

PLUGIN_NAME = "edgeperf-worker"
#: More of an activity's text is not sent.
LONGEST_ACTIVITY = 200


class ChannelConductor:
    """Times blocks when the coordinator says so."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        #: Whether a block is under way, during which nothing is sent that nobody waits for.
        self.timing = False

    def blocks(self) -> Iterable[Block]:
        """Announce that the benchmark is prepared, then yield each commanded block until the command to finish."""
        self._send(Ready())
        while True:
            message = self._channel.receive()
            assert message is not None
            command = command_of(message)
            if isinstance(command, Finish):
                return
            self.timing = True
            if isinstance(command, Sustain):
                yield Block(seconds=command.seconds, sustained=True)
                self.timing = False
                continue
            yield Block(seconds=command.seconds, settle_s=command.settle_s, turn=command.turn)
            self.timing = False
            self._send(BlockTimed())

    def sustained(self, calls: int, seconds: float) -> None:
        """Send how many calls a sustained block held."""
        self._send(Sustained(calls, seconds))

    def deliver(self, measurement: Measurement) -> None:
        """Send the finished run."""
        self._send(RunMeasured(measurement))

    def answered(self, name: str, accuracy: Accuracy) -> None:
        """Send an accuracy of the run."""
        self._send(AccuracyMeasured(name, accuracy.metric, accuracy.value))

    def place(self, study: Study, place: Place) -> None:
        """Send the study that the benchmark belongs to."""
        self._send(StudyJoined(study, place))

    def _send(self, event: Event) -> None:
        self._channel.send(message_of(event))


class WorkerPlugin:
    """Selects the worker's benchmark and sends its reports."""

    def __init__(self, channel: Channel, specification: Specification) -> None:
        self.channel = channel
        conductor = ChannelConductor(channel)
        self.conductor: Conductor = conductor
        self._conductor = conductor
        self.specification = specification
        self._config: Optional[Config] = None
        #: Whether the body has just passed.
        self._passed = False

    @property
    def settings(self) -> Dict[str, Any]:
        """The settings that the run's environment records."""
        return dict(self.specification.settings)

    def profiled_pass(self) -> Optional[ProfiledPass]:
        """What makes a profile in place of the measurement; ``None`` in a worker that is timed."""
        return self.make_profiled_pass() if self.specification.profiles else None

    def make_profiled_pass(self) -> ProfiledPass:
        """What makes a profile in place of a measurement; once pytest is configured."""
        from pytest_edgeperf.measure.profiled_pass import ProfiledPass

        assert self._config is not None
        budget_s = float(self.specification.settings["budget_s"])
        return ProfiledPass(self._profiled, budget_s, str(self._config.rootpath))

    def _profiled(self, profile: CostProfile) -> None:
        self._send(Profiled(profile))

    def say(self, what: str) -> None:
        """Send what takes long, unless a block is being timed."""
        if not self._conductor.timing:
            self._send(Busy(what[:LONGEST_ACTIVITY]))

    def _send(self, event: Event) -> None:
        self.channel.send(message_of(event))

    @pytest.hookimpl
    def pytest_configure(self, config: Config) -> None:
        """Keep the config for the serialisation of reports."""
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: Config, items: List[pytest.Item]) -> None:
        """Deselect all but this worker's benchmark."""
        wanted = self.specification.nodeid
        others = [item for item in items if item.nodeid != wanted]
        items[:] = [item for item in items if item.nodeid == wanted]
        if others:
            config.hook.pytest_deselected(items=others)

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Report if the benchmark was not collected."""
        if not session.items:
            self._send(NotCollected())

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Send the reason why the benchmark's file could not be collected."""
        if report.failed:
            self._send(CollectionFailed(shortened(str(report.longrepr))))

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send the setup, call and teardown reports."""
        assert self._config is not None
        self._passed = report.when == "call" and report.passed
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._send(Reported(shortened_report(data)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Send what the process has loaded: nothing is timed any more, and nothing is torn down yet."""
        if self._passed:
            assert self._config is not None
            try:
                # Not in memory while something is timed.
                from pytest_edgeperf.measure.loaded_files import loaded_now

                plugins = self._config.pluginmanager.get_plugins()
                modules = [plugin for plugin in plugins if isinstance(plugin, ModuleType)]
                self._send(Loaded(loaded_now(str(self._config.rootpath), modules)))
            except Exception as error:  # of whatever is loaded here; the run counts without it
                # Its text may hold a path, which is for this process's output alone.
                traceback.print_exc()
                self._send(Loaded(None, type(error).__name__))

    @pytest.hookimpl
    def pytest_internalerror(self, excrepr: Any) -> None:
        """Send an error of pytest itself or of a plugin."""
        self._send(PytestFailed(shortened(str(excrepr))))

    @pytest.hookimpl
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Send what ended the session before its test did: an interruption has no report of its own."""
        error = excinfo.value
        if isinstance(error, pytest.exit.Exception):
            code = None if error.returncode is None else int(error.returncode)
            self._send(ExitCalled(shortened(str(error.msg)), code))
        else:
            self._send(Interrupted(shortened(str(excinfo.getrepr(style="short")))))


class CollectingPlugin:
    """Sends which benchmarks the arguments select, and runs none."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.settings: Dict[str, Any] = {}

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Send the reason why a file could not be collected."""
        if report.failed:
            self._channel.send(message_of(CollectionFailed(shortened(str(report.longrepr)))))

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Send the ids of the selected items, those that are marked as benchmarks, and benchmarks' parameters."""
        marked = [item.nodeid for item in session.items if item.get_closest_marker("timed_inference")]
        measured = {
            *marked,
            *(item.nodeid for item in session.items if "benchmark" in getattr(item, "fixturenames", ())),
        }
        parameters = {
            item.nodeid: stored(item.callspec.params)
            for item in session.items
            if item.nodeid in measured and hasattr(item, "callspec")
        }
        everything = [item.nodeid for item in session.items]
        self._channel.send(message_of(Collected(everything, marked, parameters)))

    @pytest.hookimpl
    def pytest_runtestloop(self) -> bool:
        """End without running anything."""
        return True


def run(channel: Channel, specification: Specification, finder: Optional[SideFinder] = None) -> None:
    """Run the worker's pytest session with the coordinator's options and send its exit status.

    ``finder`` is given for one side of a comparison; code that was loaded from the wrong place is reported.
    """
    arguments = [*specification.args, *specification.targets]
    config = pytest_arguments.configured(specification.options, arguments, specification.folder)
    # The terminal is off, but a failing comparison asks for its writer to highlight the difference.
    writer = TerminalWriter(io.StringIO())
    config.get_terminal_writer = lambda: writer  # type: ignore[method-assign]
    plugin = CollectingPlugin(channel) if specification.collects else WorkerPlugin(channel, specification)
    config.pluginmanager.register(plugin, PLUGIN_NAME)
    if isinstance(plugin, WorkerPlugin):
        activities.listen(plugin.say)
    if specification.adopted:
        config.pluginmanager.register(_adopting(plugin, channel, specification))
    try:
        status = config.hook.pytest_cmdline_main(config=config)
    except pytest.UsageError as error:
        print(error, file=sys.stderr)
        status = pytest.ExitCode.USAGE_ERROR
    finally:
        problems = finder.problems() if finder is not None else []
        if problems:
            channel.send(message_of(WrongCode(problems)))
        config._ensure_unconfigure()
    channel.send(message_of(Ended(int(status or 0))))


def _adopting(plugin: Union[WorkerPlugin, CollectingPlugin], channel: Channel, specification: Specification) -> Any:
    """The plugin that takes what pytest-benchmark's fixture is given: to deliver what it measured, or to profile it."""
    if not (specification.profiles and isinstance(plugin, WorkerPlugin)):
        return AdoptedBenchmark(channel, specification.settings)
    from pytest_edgeperf.measure.adopted_profile import AdoptedProfile

    return AdoptedProfile(plugin.make_profiled_pass)
