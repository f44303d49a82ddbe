"""The options and ini keys as one table: an attribute of ``Settings`` with its default, its parser and its help."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from pytest_edgeperf.settings import values

CHECK = "check"
REFRESH = "refresh"
OFF = "off"
#: Compared with living code instead of a stored baseline.
AGAINST = "against"

ROUNDS_IN_CHECK = 3
#: Against so many, a check finds +5 % in 40 % of cases; against ten in 30 % (docs/statistics.md).
ROUNDS_IN_REFRESH = 17
MAX_ROUNDS = 9
#: A slowdown of at most so much is no regression.
TOLERANCE = 0.02


class Option(NamedTuple):
    """One option: the attribute of ``Settings``, how it is typed, its ini key ``edgeperf_<key>``, parser and help."""

    attribute: str
    key: str
    default: Any
    parse: Callable[[str], Any]
    help: str
    #: Typed as ``--device`` and not as ``--edgeperf-device``.
    bare: bool = False
    metavar: Optional[str] = None
    #: May be given several times; its parser returns a tuple, and the tuples are joined.
    repeatable: bool = False
    #: Takes no value: typed, it turns the default into its opposite.
    flag: bool = False
    #: Only an ini key: a property of a project, not of one call.
    ini_only: bool = False

    @property
    def dest(self) -> str:
        """The attribute of ``config.option``, and the ini key."""
        return "edgeperf_" + self.key

    def name(self, prefix: bool) -> str:
        """As typed: ``--device``, or ``--edgeperf-device`` where ``prefix`` asks for it."""
        text = self.key.replace("_", "-")
        return f"--{text}" if self.bare and not prefix else f"--edgeperf-{text}"


def option(default: Any, parse: Callable[[str], Any], help: str, *, key: Optional[str] = None, **more: Any) -> Any:
    """An attribute of ``Settings`` that a user sets; ``{default}`` in the help stands for the default.

    Args:
        default: what holds where nothing is typed, and no ini key is set.
        parse: makes the value of a text, or raises ``ValueError`` that says what the text must be.
        help: one line for ``pytest --help``.
        key: of the ini key ``edgeperf_<key>`` and of the option; the attribute's name unless given.
        more: further fields of :class:`Option`.
    """
    shown = f"{default:g}" if isinstance(default, float) else default
    return field(default=default, metadata={"key": key, "parse": parse, "help": help.format(default=shown), **more})


@dataclass(frozen=True)
class Settings:
    """What the user asked for, with the defaults filled in. Durations in seconds."""

    device: str = option(
        "auto", str, "the device under test: a profile name, or {default} (default)", bare=True, metavar="NAME"
    )
    frameworks: Tuple[str, ...] = option(
        (),
        values.names,
        "runtimes to measure, comma-separated (default: what is installed)",
        key="framework",
        bare=True,
        metavar="A,B",
        repeatable=True,
    )
    precisions: Tuple[str, ...] = option(
        ("fp32",),
        values.precision_names,
        "numeric formats to measure, comma-separated (default: fp32)",
        key="precision",
        bare=True,
        metavar="X,Y",
        repeatable=True,
    )
    #: ``check``, ``refresh``, ``off``, or ``against`` where ``--against`` or ``--against-python`` asks for it.
    baseline: str = option(
        CHECK,
        values.one_of(CHECK, REFRESH, OFF),
        "check (default): compare with the stored baseline; refresh: accept this session's runs; off: only measure",
        bare=True,
        metavar="check|refresh|off",
    )
    #: The other commit, as typed.
    against: Optional[str] = option(
        None,
        str,
        "measure this checkout and another commit in lock-step; baseline: the commit whose runs were accepted",
        bare=True,
        metavar="REF|baseline",
    )
    #: The other side's interpreter, as typed.
    against_python: Optional[str] = option(
        None,
        str,
        "the Python that measures the other side: another environment, with or without --against",
        bare=True,
        metavar="PATH",
    )
    against_setup: Optional[str] = option(
        None,
        str,
        "command that builds or fetches in the other commit's worktree what git does not hold",
        bare=True,
        metavar="CMD",
    )
    #: Of each benchmark's engine, on each side of a lock-step comparison.
    builds: int = option(
        1,
        values.build_count,
        "engines built per benchmark and side with --against: its pairs take turns among them (default: {default}; "
        f"else at least {values.PAIRS})",
        metavar="N",
    )
    baseline_dir: str = option(
        "baselines",
        str,
        "folder of the baseline files, relative to the rootdir (default: {default})",
        metavar="DIR",
    )
    rounds: int = option(
        ROUNDS_IN_CHECK,
        values.round_count,
        f"fresh processes per benchmark (default: {{default}} in a check, {ROUNDS_IN_REFRESH} in a refresh; pairs with "
        f"--against: {values.PAIRS})",
        metavar="N",
    )
    max_rounds: int = option(
        MAX_ROUNDS,
        values.round_count,
        "the limit for benchmarks that are suspected of a regression (default: {default}; pairs with --against: "
        f"{values.MAX_PAIRS})",
        metavar="N",
    )
    #: The same of a check in this project: what was typed for a session that checks nothing is not about it.
    check_rounds: int = ROUNDS_IN_CHECK
    check_max_rounds: int = MAX_ROUNDS
    budget_s: float = option(
        1.2, values.positive_float, "timed seconds per run (default: {default})", key="budget", metavar="SECONDS"
    )
    visits: int = option(
        1,
        values.positive_int,
        "parts that a run's budget is timed in, spread over its round (default: {default})",
        metavar="N",
    )
    spacing_s: float = option(
        10.0,
        values.seconds,
        "seconds between the starts of two rounds, at least: a burst of noise lasts about ten (default: {default})",
        key="spacing",
        metavar="SECONDS",
    )
    turn_s: float = option(
        0.05,
        values.positive_float,
        "seconds of one turn where two sides take turns (default: {default})",
        key="turn",
        metavar="SECONDS",
    )
    threads: int = option(1, values.positive_int, "threads that a runtime may use (default: {default})", metavar="N")
    cpus: str = option(
        "auto",
        values.cpus,
        "processors that workers are pinned to: a list, {default} (default) or off",
        metavar="LIST|auto|off",
    )
    timeout_s: float = option(
        600.0,
        values.positive_float,
        "seconds after which a worker is killed (default: {default})",
        key="timeout",
        metavar="SECONDS",
    )
    reason: Optional[str] = option(
        None, str, "why a refresh accepts these runs; stored in the baseline", metavar="TEXT"
    )
    in_process: bool = option(
        False,
        values.flag,
        "run benchmark bodies once in this process, for a debugger or a profiler; compares nothing",
        flag=True,
    )
    resume: bool = option(
        False,
        values.flag,
        "go on with this checkout's unfinished session: keep what a crash, a kill or Ctrl-C left measured",
        flag=True,
    )
    #: Fields of the environment that may differ: ``power_mode`` or ``settings.power_mode``.
    allowed_differences: Tuple[str, ...] = option(
        (),
        values.names,
        "compare although this field of the environment differs from the baseline's, such as power_mode (repeatable)",
        key="allow_difference",
        metavar="FIELD",
        repeatable=True,
    )
    #: Seconds of the window in which sensors are read after a run; ``None``: as long as they need, 0: none.
    telemetry_s: Optional[float] = option(
        None,
        values.telemetry_window,
        "repeat each inference for a window in which power, temperature and GPU are read: auto (default; as long as "
        "the sensors need), off, or seconds",
        key="telemetry",
        metavar="auto|off|SECONDS",
    )
    #: Wait before a run until the machine is well below where it slows itself down.
    cooldown: bool = option(
        True,
        values.flag,
        "do not wait until a hot machine has cooled down before a run",
        key="no_cooldown",
        flag=True,
    )
    results: Tuple[str, ...] = option(
        (), values.one_name, "write this session's runs to FILE (repeatable)", metavar="FILE", repeatable=True
    )
    reports: Tuple[str, ...] = option(
        (),
        values.one_name,
        "write this session's report to FILE, in the format that its end names: .md, .json or .txt (repeatable)",
        key="report",
        metavar="FILE",
        repeatable=True,
    )
    inconclusive: str = option(
        "pass",
        values.one_of("pass", "fail"),
        "what an inconclusive verdict does to the exit code (default: {default}; fail: 10)",
        metavar="pass|fail",
    )
    unbaselined: str = option(
        "pass",
        values.one_of("pass", "fail"),
        "what a missing or incomparable baseline does to the exit code (default: {default}; fail: 11)",
        metavar="pass|fail",
    )
    tolerance: float = option(
        TOLERANCE, values.fraction, "slowdown that is nobody's concern (default: {default})", ini_only=True
    )
    against_tolerance: float = option(
        0.005,
        values.fraction,
        "the same where two commits are measured in lock-step (default: {default})",
        ini_only=True,
    )
    must_detect: float = option(
        0.1, values.fraction, "slowdown that 'unchanged' has to rule out (default: {default})", ini_only=True
    )
    against_must_detect: float = option(
        0.05,
        values.fraction,
        "slowdown that 'unchanged' has to rule out where two commits are measured in lock-step (default: {default})",
        metavar="FRACTION",
    )
    #: ``--baseline`` or ``--against`` was typed, or the ini asks for it: tests of pytest-benchmark are ours too.
    gate_benchmarks: bool = option(
        False,
        values.flag,
        "measure and gate tests that use pytest-benchmark's fixture without --baseline being typed",
        ini_only=True,
    )

    @property
    def judges(self) -> bool:
        """Whether a benchmark that got worse fails."""
        return self.baseline in (CHECK, AGAINST)


def _table() -> Tuple[Option, ...]:
    options = []
    for one in fields(Settings):
        if one.metadata:
            known: Dict[str, Any] = {**one.metadata, "key": one.metadata["key"] or one.name}
            options.append(Option(attribute=one.name, default=one.default, **known))
    return tuple(options)


OPTIONS = _table()
