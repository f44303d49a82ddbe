"""The ``edgeperf`` command."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Callable, List, NoReturn, Optional, Sequence, Tuple

import click

from pytest_edgeperf.settings import ROUNDS_IN_REFRESH

if TYPE_CHECKING:
    from pytest_edgeperf.devices import Device
    from pytest_edgeperf.judge.noise.analysis import Noise
    from pytest_edgeperf.judge.studies.study_results import StudyResult
    from pytest_edgeperf.report.text import Paper

EXIT_REGRESSED = 1
EXIT_UNFIT = 1
EXIT_UNUSABLE = 4
#: As shells say it of a program that SIGINT ended.
EXIT_INTERRUPTED = 130
#: Set to anything, an unexpected error also prints where it happened.
TRACEBACK_VARIABLE = "EDGEPERF_TRACEBACK"
LONGEST_ERROR = 300


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-edgeperf", prog_name="edgeperf")
def main() -> None:
    """Look at what pytest-edgeperf measured, and at the machine it measures on."""


def run() -> NoReturn:
    """The console script: :func:`main`, then an end without freeing, one by one, what large files held."""
    code = exit_code(lambda: main(standalone_mode=False))
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = EXIT_UNUSABLE
    os._exit(code)


def exit_code(command: Callable[[], object]) -> int:
    """Run a command to its exit code; whatever goes wrong is one sentence and 4, since 1 means regressed or unfit."""
    output = sys.stdout
    try:
        outcome = command()
    except SystemExit as end:
        if sys.stdout is not output:
            # The reader of a pipe has gone: click replaces the stream and ends with 1.
            return EXIT_UNUSABLE
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except click.ClickException as error:
        error.show()
        return EXIT_UNUSABLE
    except click.Abort:
        click.echo("edgeperf: interrupted", err=True)
        return EXIT_INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            traceback.print_exc()
        words = " ".join(str(error).split())[:LONGEST_ERROR]
        click.echo(
            f"edgeperf: unexpected {type(error).__name__}{': ' if words else ''}{_shown(words)}; "
            f"set {TRACEBACK_VARIABLE}=1 to see where, and please report it",
            err=True,
        )
        return EXIT_UNUSABLE
    return outcome if isinstance(outcome, int) else 0


@main.command()
@click.argument("base")
@click.argument("candidate")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    show_default=True,
    help="How to print the comparison.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0.0),
    default=0.02,
    show_default=True,
    help="Slowdown that is accepted, as a fraction.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Probability of a false alarm over all benchmarks together.",
)
@click.option(
    "--allow-difference",
    "allowed",
    multiple=True,
    metavar="FIELD",
    help="Compare although this field of the environment differs, such as power_mode (repeatable).",
)
def compare(base: str, candidate: str, form: str, tolerance: float, alpha: float, allowed: Tuple[str, ...]) -> None:
    """Judge one results file against another.

    Exits with 0 when nothing regressed, 1 when something did, 4 when a file cannot be used.
    """
    import pytest_edgeperf
    from pytest_edgeperf.judge.verdicts import REGRESSED
    from pytest_edgeperf.results import ResultsError

    try:
        comparison = pytest_edgeperf.compare(
            base, candidate, tolerance=tolerance, alpha=alpha, allow_differences=allowed
        )
    except (ResultsError, OSError) as error:
        _unusable(error)
    if form == "json":
        import json

        click.echo(json.dumps(comparison.to_dict(), indent=2, sort_keys=True))
    elif form == "markdown":
        from pytest_edgeperf.report.markdown import comparison_markdown

        click.echo(comparison_markdown(comparison), nl=False)
    else:
        from pytest_edgeperf.report.terminal import render_comparison

        paper = _paper()
        click.echo(render_comparison(comparison, width=paper.width, colour=paper.colour, ascii_only=paper.ascii_only))
    if comparison.summary[REGRESSED] or comparison.regressed_lines:
        sys.exit(EXIT_REGRESSED)


@main.command()
@click.argument("files", metavar="RESULTS...", nargs=-1, required=True)
@click.option("--study", "names", multiple=True, metavar="NAME", help="Only this study (repeatable).")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to print the studies.",
)
@click.option("--plot", "folder", metavar="DIR", help="Also draw each study's Pareto fronts, as SVG files in DIR.")
def report(files: Tuple[str, ...], names: Tuple[str, ...], form: str, folder: Optional[str]) -> None:
    """Print the studies of one results file, or of several beside each other.

    Of several, the first is told as so many times better than each other one. Exits with 0, or with 4 when a file
    cannot be read, none holds a study that was asked for, or a picture that was asked for cannot be drawn. The files
    that were drawn are told last, with markdown and json on the standard error.
    """
    from pytest_edgeperf.judge.studies.across_files import read_across
    from pytest_edgeperf.results import ResultsError, read

    try:
        across = read_across([(name, read(name)) for name in files], names)
    except (ResultsError, OSError) as error:
        _unusable(error)
    if form == "json":
        import json

        from pytest_edgeperf.report.study_formats import across_to_dict

        click.echo(json.dumps(across_to_dict(across), indent=2, sort_keys=True))
    elif form == "markdown":
        from pytest_edgeperf.report.study_formats import across_markdown

        click.echo(across_markdown(across), nl=False)
    else:
        from pytest_edgeperf.report.studies import across_text

        click.echo(across_text(across, _paper()))
    if not across.studies:
        sys.exit(EXIT_UNUSABLE)
    if folder is not None:
        _plot(across.studies, folder, err=form != "text")


def _plot(studies: Sequence[StudyResult], folder: str, *, err: bool) -> None:
    from pytest_edgeperf.report.plots import PlotError, write_plots
    from pytest_edgeperf.results import ResultsError

    try:
        written = write_plots(studies, folder)
    except (PlotError, ResultsError) as error:
        _unusable(error)
    if not err:
        click.echo()
    for path in written:
        _say(f"drawn: {path}", err=err)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", metavar="[PYTEST_ARGS]...", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print the noise; with json, pytest prints to the standard error.",
)
@click.option("--from", "file", metavar="RESULTS", help="Measure nothing: take all runs of this results file.")
@click.option(
    "--baseline-rounds",
    type=click.IntRange(1),
    default=ROUNDS_IN_REFRESH,
    show_default=True,
    metavar="K",
    help="Runs that a baseline would have.",
)
@click.option(
    "--rounds", type=click.IntRange(1), metavar="N", help="Rounds of a check.  [default: the project's, or 3]"
)
@click.option(
    "--max-rounds",
    type=click.IntRange(1),
    metavar="N",
    help="Rounds of a check for suspects.  [default: the project's, or 9]",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0.0),
    help="Slowdown that a check accepts, as a fraction.  [default: the project's, or 0.02]",
)
def noise(
    arguments: Tuple[str, ...],
    form: str,
    file: Optional[str],
    baseline_rounds: int,
    rounds: Optional[int],
    max_rounds: Optional[int],
    tolerance: Optional[float],
) -> None:
    """Measure the same code against itself.

    Tells for each benchmark how much its runs differ though nothing changed, and the smallest slowdown that a
    check would find; how often a check would raise a false alarm; and what would improve that. PYTEST_ARGS are
    those of a check. K rounds are measured for the baseline, and as many more as a suspect gets in a check.
    Exits with pytest's code, or with 4 when a file cannot be used.
    """
    from pytest_edgeperf import results
    from pytest_edgeperf.judge.noise.analysis import noise as analyse
    from pytest_edgeperf.results.gate import Gate
    from pytest_edgeperf.results.published import refuse_published
    from pytest_edgeperf.schedule.repeated_session import measure

    if file is not None and arguments:
        raise click.UsageError("--from measures nothing, so it takes no PYTEST_ARGS")
    code = 0
    try:
        if file is not None:
            stored = results.read(file)
            refuse_published(stored, file)
            measured: Optional[results.Results] = stored
        else:
            candidate_rounds = max(rounds or 0, max_rounds or Gate.max_rounds)
            output = sys.stderr if form == "json" else None
            code, measured = measure(arguments, baseline_rounds + candidate_rounds, output=output)
        if measured is not None:
            gate = (measured.gate or Gate()).with_changes(rounds=rounds, max_rounds=max_rounds, tolerance=tolerance)
            _print_noise(analyse(measured, gate, baseline_runs=baseline_rounds), form)
    except (results.ResultsError, ValueError, OSError) as error:
        _unusable(error)
    if code:
        told = "what it measured is analysed above" if measured is not None else "there is nothing to analyse"
        click.echo(f"edgeperf: pytest ended with exit code {code}; {told}", err=True)
        sys.exit(code)


def _print_noise(found: Noise, form: str) -> None:
    if form == "json":
        import json

        click.echo(json.dumps(found.to_dict(), indent=2, sort_keys=True))
    else:
        from pytest_edgeperf.report.noise import noise_text

        click.echo(noise_text(found, _paper()))


@main.command()
def devices() -> None:
    """List the devices; mark what this machine is."""
    from pytest_edgeperf.devices import DeviceMismatch, ProfileError, profiles, resolve

    try:
        known = dict(profiles(Path.cwd()))
        here = resolve("auto", rootdir=Path.cwd())
        name, conclusion = here.name, f"This machine is {here.name}: {here.description}"
        known.setdefault(name, here.profile)
    except ProfileError as error:
        _unusable(error)
    except DeviceMismatch as error:
        name, conclusion = "", str(error)
    _print_rows([("*" if one.name == name else "", one.name, one.description) for one in known.values()])
    click.echo()
    _say(conclusion)


_device = click.option(
    "--device", "device", default="auto", show_default=True, metavar="NAME", help="What this machine should be."
)


@main.command()
@_device
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print what was found.",
)
def doctor(device: str, form: str) -> None:
    """Tell what makes this machine measure wrongly or noisily, and what mends it.

    Only looks; runs none of the commands that it names. Exits with 0 when the machine is fit to measure, 1 when it
    is not, 4 when it is not the device.
    """
    from pytest_edgeperf.devices.doctor import examine

    here = _resolved(device)
    diagnosis = examine(here.identity, here.root)
    if form == "json":
        import json

        told = {"device": here.name, "machine": here.description, **diagnosis.to_dict()}
        click.echo(json.dumps(told, indent=2, sort_keys=True))
    else:
        from pytest_edgeperf.report.doctor import doctor_text

        click.echo(doctor_text(f"{here.name}: {here.description}", diagnosis, _paper()))
    if not diagnosis.fit:
        sys.exit(EXIT_UNFIT)


@main.command()
@_device
def sensors(device: str) -> None:
    """Read all sensors of this machine once; tell which cannot be read, and why."""
    from pytest_edgeperf.devices.sensors.registry import find_sensors
    from pytest_edgeperf.report.doctor import absent_text, sensor_rows

    here = _resolved(device)
    found, absent = find_sensors(here.identity, here.root)
    _print_rows(sensor_rows(found))
    told = absent_text(absent, _paper())
    if told:
        click.echo(f"\n{told}" if found else told)


@main.command()
def frameworks() -> None:
    """List the frameworks: version, precisions here and what they compute with, or how to install them here."""
    from pytest_edgeperf.devices import platform
    from pytest_edgeperf.devices.device import machine_root
    from pytest_edgeperf.frameworks import get, names
    from pytest_edgeperf.frameworks.interface import PRECISIONS, FrameworkError

    here = platform(machine_root())
    rows: List[Tuple[str, ...]] = [("framework", "version", "precisions", "providers", "variants")]
    absent: List[Tuple[str, ...]] = []
    unusable: List[Tuple[str, ...]] = []
    for name in names():
        try:
            framework = get(name)
            version = framework.version()
            if version is None:
                absent.append((name, framework.advice_on(here)))
                continue
            able = [precision for precision in PRECISIONS if framework.unable(precision) is None]
            variants = ", ".join(f"{name}:{variant}" for variant in framework.variants)
            rows.append((name, str(version), ", ".join(able), ", ".join(framework.providers()), variants))
        except FrameworkError as error:
            unusable.append((name, str(error)))
        except (Exception, SystemExit) as error:  # another package's code
            unusable.append((name, f"its adapter failed: {type(error).__name__}: {error}"))
    for title, found in (
        ("", rows if len(rows) > 1 else []),
        ("unusable:", unusable),
        (f"not installed; what installs them on this machine ({here}):", absent),
    ):
        if found:
            click.echo(f"\n{title}" if title else "", nl=bool(title))
            _print_rows(found)


@main.group()
def baseline() -> None:
    """Show and change what a device's runs are compared with."""


_folder = click.option("--dir", "folder", default="baselines", show_default=True, help="Folder of the baseline files.")


@baseline.command()
@click.argument("device", required=False)
@_folder
def show(device: Optional[str], folder: str) -> None:
    """Print what is in a baseline, and what it lacks.

    DEVICE is what this machine is unless given.
    """
    from pytest_edgeperf.report.baseline import baseline_text
    from pytest_edgeperf.results import ResultsError, baselines

    try:
        click.echo(baseline_text(baselines.existing(folder, device or _this_device()), _paper()))
    except ResultsError as error:
        _unusable(error)


@baseline.command()
@click.argument("file", metavar="RESULTS")
@click.option("--reason", required=True, help="Why these runs are accepted; stored with them.")
@click.option("--add", is_flag=True, help="Keep the present runs beside these, as for a second session.")
@_folder
def accept(file: str, reason: str, add: bool, folder: str) -> None:
    """Accept the runs of a results file.

    They replace those in the baseline of the file's device, by the rules of a refresh.
    """
    from pytest_edgeperf import judge
    from pytest_edgeperf.report.baseline import accepted_text
    from pytest_edgeperf.report.creep import crept
    from pytest_edgeperf.results import ResultsError, baselines, read
    from pytest_edgeperf.results.gate import Gate

    try:
        measured = read(file)
        old = baselines.load(folder, measured.device)
        outcome = baselines.accept(folder, measured, reason, add=add)
        comparison = None if old is None else judge.compare(old, measured)
        gate = measured.gate or Gate()
        far = crept(measured, outcome.results, gate.tolerance, gate.tolerances)
    except (ResultsError, ValueError) as error:
        _unusable(error)
    click.echo(accepted_text(outcome, comparison, far, _paper()))
    if not outcome.accepted:
        sys.exit(EXIT_UNUSABLE)


@baseline.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", metavar="[PYTEST_ARGS]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--reason", required=True, help="Why these runs are accepted; stored with them.")
def refresh(arguments: Tuple[str, ...], reason: str) -> None:
    """Measure with pytest and accept the runs.

    The exit code is that of pytest. Put -- before PYTEST_ARGS that this command would take for its own.
    """
    from pytest_edgeperf.settings import REFRESH, names_are_prefixed

    prefix = "edgeperf-" if names_are_prefixed() else ""
    options = [f"--{prefix}baseline={REFRESH}", f"--edgeperf-reason={reason}"]
    command = [sys.executable, "-m", "pytest", *arguments, *options]
    sys.stdout.flush()
    # In this process's place, so that an interrupt and the exit code are those of pytest.
    os.execv(sys.executable, command)  # noqa: S606


@baseline.command()
@click.argument("arguments", metavar="[DEVICE] [IDS]...", nargs=-1)
@click.option("--reason", help="Why; stored with the anchor in place of the runs' own reason.")
@_folder
def anchor(arguments: Tuple[str, ...], reason: Optional[str], folder: str) -> None:
    """Make the present runs the anchor for creep.

    No refresh changes an anchor. The first argument is the DEVICE if DIR has its baseline, else this
    machine's is meant. IDS are parts of benchmark ids; without any, all benchmarks are anchored.
    """
    from pytest_edgeperf.report.baseline import anchored_text
    from pytest_edgeperf.results import ResultsError, baselines

    try:
        device, parts = _device_first(arguments, folder)
        old, new = baselines.update_existing(
            folder, device, lambda now: baselines.set_anchor(now, baselines.matching(now, parts), reason)
        )
        click.echo(anchored_text(old, new, baselines.matching(old, parts), _paper()))
    except ResultsError as error:
        _unusable(error)


@baseline.command()
@click.argument("device", required=False)
@click.option(
    "--keep-sessions", type=click.IntRange(1), metavar="N", help="Drop the runs of all but each benchmark's newest N."
)
@click.option("--missing-from", metavar="RESULTS", help="Drop the benchmarks that this results file does not contain.")
@click.option("--dry-run", is_flag=True, help="Only say what would be dropped.")
@_folder
def prune(
    device: Optional[str], keep_sessions: Optional[int], missing_from: Optional[str], dry_run: bool, folder: str
) -> None:
    """Drop old sessions, or benchmarks that no longer exist.

    DEVICE is what this machine is unless given. Anchors stay as long as their benchmark.
    """
    from pytest_edgeperf.report.baseline import pruned_text
    from pytest_edgeperf.results import Results, ResultsError, baselines, read

    if (keep_sessions is None) == (missing_from is None):
        raise click.UsageError("give one of --keep-sessions N and --missing-from RESULTS")
    try:
        measured = None if missing_from is None else read(missing_from)

        def pruned(now: Results) -> Results:
            if measured is not None:
                return baselines.drop_missing(now, measured)
            return baselines.keep_sessions(now, keep_sessions or 1)

        name = device or _this_device()
        if dry_run:
            old = baselines.existing(folder, name)
            new = pruned(old)
        else:
            old, new = baselines.update_existing(folder, name, pruned)
    except ResultsError as error:
        _unusable(error)
    click.echo(pruned_text(old, new, _paper(), dry_run=dry_run))


@baseline.command()
@click.argument("old")
@click.argument("new")
@click.option("--device", metavar="NAME", help="Only in this device's baseline.  [default: in all of DIR]")
@click.option("--dry-run", is_flag=True, help="Only say what would be renamed.")
@_folder
def rename(old: str, new: str, device: Optional[str], dry_run: bool, folder: str) -> None:
    """Carry the runs of a benchmark over to its new name.

    OLD and NEW are ids, or what ids begin with: a function moves with all its parametrisations, a class or a file with
    all its tests. Runs, anchors, answers and study places go along, in the baselines of all devices.
    """
    from pytest_edgeperf.report.baseline import renamed_text
    from pytest_edgeperf.results import ResultsError, baselines, renaming

    try:
        devices = [device] if device is not None else baselines.devices(folder)
        stored = [baselines.existing(folder, one) for one in devices]
        if device is None:
            stored = [one for one in stored if renaming.ids_of(one, old)] or stored[:1]
        if not stored:
            raise ResultsError(f"{folder}: there is no baseline; make one with --baseline=refresh, or give --dir")
        names = [renaming.rename(one, old, new) for one in stored]
        for one, moved in zip(stored, names):
            if not dry_run:
                baselines.update_existing(
                    folder, one.device, lambda now: renaming.renamed(now, renaming.rename(now, old, new))
                )
            click.echo(renamed_text(one, moved, _paper(), dry_run=dry_run))
    except ResultsError as error:
        _unusable(error)


@baseline.command("import")
@click.option(
    "--table",
    "tables",
    multiple=True,
    required=True,
    metavar="FILE.csv",
    help="A table of published figures, or a folder of them (repeatable).",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="NAME",
    help="Take only the figures of this device (repeatable); given once, also those that name no device.",
)
@click.option("--out", metavar="FILE", help="Write the figures of one device here.")
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    help="Write DIR/<device>.json for each device.  [default: baselines/published]",
)
def import_(tables: Tuple[str, ...], devices: Tuple[str, ...], out: Optional[str], folder: Optional[str]) -> None:
    """Make results files from tables of published figures.

    A table is a CSV file with the columns benchmark, metric, value, unit, device, paper, table and row, and if wanted
    framework, precision, column, date and note; every other column is a parameter of the benchmark, such as network or
    resolution. Reports show such figures beside those of the same network, framework and precision on the device; no
    verdict comes from them.
    """
    from pytest_edgeperf.frameworks.interface import PRECISIONS
    from pytest_edgeperf.measure.measurement import METRICS
    from pytest_edgeperf.report.numbers import count
    from pytest_edgeperf.results import ResultsError, published, published_tables

    if out is not None and folder is not None:
        raise click.UsageError("give one of --out FILE and --dir DIR")
    vocabulary = published_tables.Vocabulary(METRICS, PRECISIONS)
    try:
        figures = [
            one
            for path in published_tables.table_files(tables)
            for one in published_tables.read_table(path, vocabulary)
        ]
        made = published_tables.collect(figures, tuple(dict.fromkeys(devices)))
        if out is not None and len(made) > 1:
            raise ResultsError(f"the tables are of {', '.join(sorted(made))}: choose one with --device, or give --dir")
        into = folder or os.path.join("baselines", published.FOLDER)
        targets = {device: Path(into) / f"{device}.json" if out is None else Path(out) for device in made}
        for path in targets.values():
            published_tables.check_replaceable(path)
        for device, results in made.items():
            published_tables.write_table(targets[device], results)
            _say(f"{targets[device]}: {count(len(published.published_runs(results)), 'figure')} of {device}")
    except ResultsError as error:
        _unusable(error)


@baseline.command()
@click.argument("file", metavar="RESULTS")
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="NAME",
    help="Whose published figures to show (repeatable).  [default: the device of RESULTS]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown"]),
    default="table",
    show_default=True,
    help="How to print them.",
)
@_folder
def references(file: str, devices: Tuple[str, ...], form: str, folder: str) -> None:
    """Set published figures beside those of a results file.

    They are those of DIR/published, and those that come with edgeperf. Nothing is judged: the exit code is 0 unless
    RESULTS cannot be used.
    """
    from pytest_edgeperf.report import references as beside
    from pytest_edgeperf.report.sections import Names
    from pytest_edgeperf.results import ResultsError, published, read

    try:
        measured = read(file)
    except ResultsError as error:
        _unusable(error)
    files = []
    for device in dict.fromkeys(devices or (measured.device,)):
        found, unusable = published.published_of(device, folder)
        files += found
        for text in unusable:
            _say(f"edgeperf: {text}", err=True)
    matching = beside.references(measured, files)
    if not matching:
        known = ", ".join(published.devices_with_figures(folder)) or "no device"
        _say(f"no published figure belongs to these benchmarks; there are figures of {known}: see --device")
    elif form == "markdown":
        click.echo(beside.references_markdown(matching), nl=False)
    else:
        paper = _paper()
        click.echo("\n".join(beside.references_table(matching, Names(list(measured.benchmarks), paper), paper)))


def _device_first(arguments: Sequence[str], folder: str) -> Tuple[str, Sequence[str]]:
    from pytest_edgeperf.results import baselines

    with suppress(ValueError):
        if arguments and baselines.path_for(folder, arguments[0]).exists():
            return arguments[0], arguments[1:]
    return _this_device(), arguments


def _this_device() -> str:
    return _resolved("auto").name


def _resolved(name: str) -> Device:
    from pytest_edgeperf.devices import DeviceError, resolve

    try:
        return resolve(name, rootdir=Path.cwd())
    except DeviceError as error:
        _unusable(error)


def _say(text: str, *, err: bool = False) -> None:
    """Print a sentence that may quote a file or a name from anywhere."""
    from pytest_edgeperf.report.text import can_show_unicode, printable

    ascii_only = not can_show_unicode((sys.stderr if err else sys.stdout).encoding)
    click.echo("\n".join(printable(line, ascii_only=ascii_only) for line in text.split("\n")), err=err)


def _paper() -> Paper:
    from pytest_edgeperf.report.text import Paper, can_show_unicode

    return Paper(
        max(shutil.get_terminal_size().columns, 40),
        colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
        ascii_only=not can_show_unicode(sys.stdout.encoding),
    )


def _print_rows(rows: Sequence[Tuple[str, ...]]) -> None:
    from pytest_edgeperf.report.text import can_show_unicode, cells, pad, printable

    ascii_only = not can_show_unicode(sys.stdout.encoding)
    shown = [[printable(text, ascii_only=ascii_only) for text in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*shown)]
    for row in shown:
        click.echo("  ".join(pad(text, width) for text, width in zip(row, widths)).rstrip())


def _unusable(error: Exception) -> NoReturn:
    reason = str(error)
    if isinstance(error, OSError) and error.filename is not None:
        reason = f"{error.filename}: {error.strerror}"
    click.echo(f"edgeperf: {_shown(reason)}", err=True)
    sys.exit(EXIT_UNUSABLE)


def _shown(words: str) -> str:
    """Words that may come from a file, without what a terminal would obey."""
    from pytest_edgeperf.report.text import printable

    return "\n".join(map(printable, words.split("\n")))
