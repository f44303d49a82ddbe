"""A pytest session that measures: from collected items to runs, verdicts and written files."""

from __future__ import annotations

import difflib
import sys
from functools import partial
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import pytest

from pytest_edgeperf import results
from pytest_edgeperf.devices import Device, boot_id, imitates
from pytest_edgeperf.devices.condition import Observer
from pytest_edgeperf.devices.doctor import ADVICE, Diagnosis, examine
from pytest_edgeperf.devices.machine_identity import machine
from pytest_edgeperf.devices.sensors import process_memory
from pytest_edgeperf.devices.sensors.registry import find_sensors
from pytest_edgeperf.devices.software import software
from pytest_edgeperf.judge.comparability import HARD_SETTINGS
from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.results import profile_files
from pytest_edgeperf.results.benchmark_matching import align, differing, matches
from pytest_edgeperf.results.errors import ResultsError
from pytest_edgeperf.results.explanations import Explanation
from pytest_edgeperf.schedule import adoption, asked_metrics, outputs
from pytest_edgeperf.schedule.against.lock_step import LockStep
from pytest_edgeperf.schedule.against.opponent import Opponent
from pytest_edgeperf.schedule.code import commit_of
from pytest_edgeperf.schedule.collection import CollectedTests, parameters_of, renamed
from pytest_edgeperf.schedule.coordinator import Coordinator
from pytest_edgeperf.schedule.machine.telemetry import Instruments
from pytest_edgeperf.schedule.plan import EXTRA_TRIES, Plan
from pytest_edgeperf.schedule.profiled_passes import AcceptedLookup, ProfiledPasses
from pytest_edgeperf.schedule.resuming import RESUME, begin, header_of
from pytest_edgeperf.schedule.selection import is_benchmark, marker_options
from pytest_edgeperf.schedule.specification import Specifications
from pytest_edgeperf.schedule.state import Clock, Launch, Progress, SessionFacts, SessionState
from pytest_edgeperf.schedule.stored import StoredRuns
from pytest_edgeperf.schedule.worker.launching import WorkerLauncher
from pytest_edgeperf.settings import (
    CHECK,
    OFF,
    REFRESH,
    Settings,
    SettingsError,
)

#: How sessions wait.
CLOCK = Clock()
MEASURED_NOTHING = "it measured nothing: call timed_inference(...) in its body"
#: Runtimes that take longer to import than most sessions should take to collect.
HEAVY = ("torch", "tensorflow", "tvm", "executorch", "openvino")


class MeasuringSession:
    """Takes a session from the collected benchmarks to the results that are reported."""

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        device: Device,
        items: Sequence[pytest.Item],
        progress: Progress,
        opponent: Optional[Opponent] = None,
        collected: Optional[CollectedTests] = None,
    ) -> None:
        self.config = config
        self._commit = commit_of(Path(config.rootpath))
        self.settings = settings
        self.device = device
        self._keep_journal = False
        #: Whether something ended the session before its benchmarks were measured.
        self.interrupted = False
        #: Whether ``--edgeperf-resume`` continues with the runs of this session.
        self.resumable = False
        self._specifications = Specifications(config, settings)
        self.baseline_path = results.path_for(Path(config.rootpath) / settings.baseline_dir, device.name)
        self.opponent = opponent
        stored = settings.baseline in (CHECK, REFRESH)
        self.baseline = results.load(self.baseline_path.parent, device.name) if stored else None
        missing: List[str] = []
        self._renamed: Mapping[str, str] = {}
        #: The id of each collected benchmark -> its id in the baseline's file.
        self._file_ids: Mapping[str, str] = {}
        if self.baseline is not None and collected is not None:
            there = {name: benchmark.parameters for name, benchmark in self.baseline.benchmarks.items()}
            self._file_ids = matches(there, collected.benchmarks())
            self.baseline = align(self.baseline, collected.benchmarks())
            missing = collected.missing(self.baseline.benchmarks, config, settings)
            self._renamed = renamed(self.baseline, missing, items)
        self.outputs = outputs.Outputs(
            settings,
            Path(config.invocation_params.dir),
            self.baseline_path,
            self.baseline,
            collected.benchmarks() if collected is not None else {},
        )
        self.outputs.check()
        self._check_allowed()
        sensing = opponent is None and settings.telemetry_s != 0
        self._instruments = _instruments(device) if sensing else None
        #: What markers asked of metrics that were not measured, once measured.
        self.unmeasured = asked_metrics.Unmeasured((), gates=False)
        options = {item.nodeid: marker_options(item) for item in items}
        asked_metrics.check(options, self.baseline, self._why_absent)
        self.diagnosis = examine(device.identity, device.root)
        against = opponent.label if opponent is not None else None
        header = header_of(config, settings, device.name, self._commit, against)
        self._resumption = begin(header, resume=settings.resume)
        self._journal = self._resumption.journal
        try:
            self.coordinator = self._coordinator(items, missing, progress)
            self.coordinator.notes.extend(opponent.notes if opponent is not None else ())
            self._note_pinning()
            self._note_precisions(device)
            self._note_heavy_imports()
            self.coordinator.notes.extend(self._resumption.notes)
        except BaseException:
            # What was refused has measured nothing.
            self._journal.close(keep=self._resumption.past is not None)
            raise
        if self._resumption.past is not None:
            self.coordinator.resume(self._resumption.past)
        read = partial(profile_files.load, self.baseline_path.parent, device.name)
        self._passes = ProfiledPasses(
            self.coordinator.strategy,
            AcceptedLookup(read, self.baseline, self._file_ids),
            self.coordinator.explanations,
        )

    def _coordinator(self, items: Sequence[pytest.Item], missing: Sequence[str], progress: Progress) -> Coordinator:
        config, settings, device, opponent = self.config, self.settings, self.device, self.opponent
        facts = SessionFacts(
            id=self._resumption.session,
            device=device.name,
            fingerprint=device.fingerprint,
            boot=boot_id(device.root),
            commit=self._commit,
            sections=self._sections(),
        )
        self.plans = {plan.id: plan for plan in map(self._plan, items)}
        device_memory = process_memory.find(device.root, device.identity)
        launch = Launch(
            launcher=WorkerLauncher(settings, config.option.capture == "no", device_memory, progress.busy),
            specification=self._specifications.of,
            max_broken=config.option.maxfail or 0,
            collection=self._specifications.of_collection(self.plans.values()),
        )
        observer = Observer(device.identity, device.root)
        state = SessionState(
            list(self.plans.values()), settings, facts, launch, progress, self._journal, observer, clock=CLOCK
        )
        if opponent is not None:
            return Coordinator(LockStep(state, opponent))
        strategy = StoredRuns(
            state,
            self.baseline,
            missing=missing,
            instruments=self._instruments,
            device_memory=device_memory,
        )
        return Coordinator(strategy)

    @property
    def written(self) -> List[Tuple[str, str]]:
        """(kind, path) of the files that the session wrote."""
        return self.outputs.written

    @property
    def explanations(self) -> Mapping[str, Explanation]:
        """Benchmark id -> why it got slower, or why that is not known; of those that regressed."""
        return self.coordinator.explanations

    @property
    def comparison(self) -> Optional[Comparison]:
        """The judge's verdicts; ``None`` before everything was measured."""
        return self.coordinator.comparison

    def measure(self) -> None:
        """Measure all benchmarks, then write the results, the baseline and the reports' figures."""
        self.coordinator.state.progress.note(doctor_line(self.diagnosis))
        self.outputs.set_aside()
        self.coordinator.measure()
        errors = self.coordinator.errors
        if self.settings.baseline != OFF:
            with errors.survive("looking for unmeasured metrics"):
                self.unmeasured = asked_metrics.unmeasured(self.plans.values(), self._why_absent)
                self.coordinator.notes.extend(self.unmeasured.sentences)
        with errors.survive("looking for benchmarks without runs"):
            self._note_silent()
        with errors.survive("passing the figures to pytest-benchmark"):
            adoption.hand_over(self.config, self.plans.values())
        with errors.survive("writing the results"):
            self._write()
        # The verdicts are final and the runs are written: whatever ends a session while it profiles takes neither.
        with errors.survive("explaining what got slower"):
            self._passes.explain(self.comparison)
            if self.explanations:
                self.outputs.write_again(self.coordinator.measured())
        if self.settings.baseline == REFRESH:
            with errors.survive("keeping profiles"):
                self._keep_profiles()
        self.coordinator.notes.extend(self._passes.notes)
        with errors.survive("closing the journal"):
            keep = self.coordinator.broken_off or (bool(errors) and not self.written)
            self._close_journal(keep=keep or self._keep_journal)
            if keep and self.resumable:
                errors.sentences.append(
                    f"the runs are kept in {self._journal.path}: add {RESUME} to continue with them"
                )

    def abandon(self) -> None:
        """Keep the journal of an interrupted session, and write its runs if results were requested."""
        errors = self.coordinator.errors
        self.interrupted = True
        with errors.survive("closing the journal"):
            self._close_journal(keep=True)
        if not any(kind == "results" for kind, _ in self.written):
            with errors.survive("writing the results"):
                self.outputs.write_where_asked(self.coordinator.measured(), errors)
        self.outputs.list_previous()
        if any(plan.runs for plan in self.plans.values()):
            self.coordinator.notes.append(
                f"the session was interrupted: add {RESUME} to continue with the runs measured so far"
            )

    def _close_journal(self, keep: bool) -> None:
        rest = self._resumption.rest(self.plans)
        self._journal.close(keep=keep, rest=rest)
        if keep and self._journal.path.exists():
            self.resumable = any(plan.runs for plan in self.plans.values())
            if self.resumable or rest:
                self.written.append((f"runs measured so far, for {RESUME}", str(self._journal.path)))
        elif rest:
            self.coordinator.notes.append(
                f"{len(rest)} runs of benchmarks that this session did not select are kept in {self._journal.path}: "
                f"{RESUME} continues with them when they are selected"
            )

    def faults(self) -> Mapping[str, str]:
        """Benchmark id -> the reason why it was not measured."""
        reasons = {}
        for plan in self.plans.values():
            if plan.last is not None and plan.last.fault:
                reasons[plan.id] = plan.last.fault.splitlines()[0]
            elif plan.broken and plan.last is not None:
                reasons[plan.id] = f"its {plan.last.failed_phase} failed: {plan.last.crash}"
            elif plan.measured_nothing:
                reasons[plan.id] = MEASURED_NOTHING
        return reasons

    def _sections(self) -> Dict[str, Dict[str, Any]]:
        """The sections of each run's environment that are the same for all runs."""
        installed = software(self.device.identity, self.device.root)
        return {
            "system": {name: finding.value for name, finding in installed.items() if finding.value is not None},
            "doctor": {"findings": ", ".join(self.diagnosis.lasting()) or "none"},
            "machine": dict(machine(self.device.root, self.device.identity)[0]),
        }

    def _check_allowed(self) -> None:
        """Reject a field name that neither the baseline nor this device has: it would be a typing error.

        Raises:
            SettingsError: there is no such field.
        """
        if self.baseline is None:
            return
        known = {f"settings.{name}" for name in HARD_SETTINGS}
        known |= {f"fingerprint.{name}" for name in self.device.fingerprint}
        for sections in self.baseline.environments.values():
            known |= {f"{section}.{name}" for section, fields in sections.items() for name in fields}
        names = known | {name.partition(".")[2] for name in known}
        for field in self.settings.allowed_differences:
            if field not in names:
                close = difflib.get_close_matches(field, sorted(names), n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise SettingsError(
                    f"--edgeperf-allow-difference={field}: no environment of {self.baseline_path} has this field{hint}"
                )

    def _why_absent(self, metric: str) -> Optional[str]:
        """The reason why this session does not measure a metric; ``None`` if nothing is known to prevent it."""
        if not asked_metrics.needs_sensors(metric):
            return None
        if self.opponent is not None:
            return "a lock-step comparison does not read sensors"
        if self._instruments is None:
            return "telemetry is off"
        power = metric.startswith(("power_", "energy_"))
        return self._instruments.without_power if power else None

    def _plan(self, item: pytest.Item) -> Plan:
        parameters = parameters_of(item)
        known = self.baseline.benchmarks.get(item.nodeid) if self.baseline is not None else None
        alone = (
            self.settings.baseline == CHECK
            and item.nodeid not in self._renamed
            and (known is None or bool(differing(known.parameters, parameters)))
        )
        return Plan(
            id=item.nodeid,
            path=str(item.path),
            adopted=not is_benchmark(item),
            options=marker_options(item),
            parameters=parameters,
            rounds=1 if alone else self.settings.rounds,
            extra_tries=0 if alone or self.settings.baseline == OFF else EXTRA_TRIES,
        )

    def _note_pinning(self) -> None:
        for threads in sorted({plan.options.threads or self.settings.threads for plan in self.plans.values()}):
            note = self._specifications.pinning(threads).note
            if note is not None and note not in self.coordinator.notes:
                self.coordinator.notes.append(note)

    def _note_precisions(self, device: Device) -> None:
        asked = {plan.parameters.get("precision") for plan in self.plans.values()}
        notes = (imitates(device.root, precision) for precision in sorted(filter(None, asked)))
        self.coordinator.notes.extend(note for note in notes if note is not None)

    def _note_silent(self) -> None:
        silent = [plan for plan in self.plans.values() if outputs.measured_no_run(plan)]
        if silent and self.settings.baseline not in (OFF, REFRESH):
            self.coordinator.notes.append(
                f"{len(silent)} of {len(self.plans)} benchmarks were not compared: {outputs.MEASURED_NO_RUN}"
            )

    def _note_heavy_imports(self) -> None:
        heavy = [name for name in HEAVY if name in sys.modules]
        if heavy:
            self.coordinator.notes.append(
                f"collecting the tests imported {', '.join(heavy)}, which costs every process seconds and memory; "
                "import it in the test bodies and fixtures that need it"
            )

    def _write(self) -> None:
        measured, errors = self.coordinator.measured(), self.coordinator.errors
        self.outputs.write(measured, self.coordinator.state.facts.id, errors)
        if self.settings.baseline == REFRESH:
            stopped = self.coordinator.stopped or self.coordinator.broken_off
            try:
                self.coordinator.notes.extend(self.outputs.refresh(measured, list(self.plans.values()), stopped))
            except Exception as error:  # the results are written by now, and the journal stays
                errors.add("refreshing the baseline", error)
                self._keep_journal = True
                errors.sentences.append(self.outputs.remedy(self._journal.path))

    def _keep_profiles(self) -> None:
        """Profile what was accepted, and put the profiles beside the baseline."""
        accepted = [name for name, what in self.outputs.refreshed.items() if what in ("created", "updated")]
        profiles = self._passes.profiles(accepted)
        if not profiles:
            return
        session = self.coordinator.state.facts.id
        new = {
            name: profile_files.AcceptedProfile(profile, session, self._commit) for name, profile in profiles.items()
        }
        try:
            self.outputs.keep_profiles(new, {old: name for name, old in self._file_ids.items() if name != old})
        except ResultsError as error:
            # The runs are accepted, and nothing is judged by a profile.
            self.coordinator.notes.append(f"no profile was kept: {error}")


def _instruments(device: Device) -> Instruments:
    return Instruments(*find_sensors(device.identity, device.root))


def doctor_line(diagnosis: Diagnosis) -> str:
    """A one-line summary of the machine's fitness, with a reference to the doctor."""
    more = "" if diagnosis.fit and not diagnosis.of(ADVICE) else "; run edgeperf doctor to see why and how to fix it"
    return f"this machine is {diagnosis.summary()}{more}"
