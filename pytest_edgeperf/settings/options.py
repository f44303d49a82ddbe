"""The options and ini keys as one table: an attribute of ``Settings`` with its default, its parser and its help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, ClassVar, Optional, Tuple

from pytest_edgeperf.settings import values

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        """For type checkers only."""
        return lambda made: made


CHECK = "check"
REFRESH = "refresh"
OFF = "off"
#: Which benchmarks are profiled after a comparison.
REGRESSED, ALL = "regressed", "all"
#: Compared with living code instead of a stored baseline.
AGAINST = "against"
#: Options that each ask for a comparison in lock-step.
OTHER_SIDE = ("against", "against_python", "against_command")

ROUNDS_IN_CHECK = 3
#: Against so many, a check finds +5 % in 40 % of cases; against ten in 30 % (docs/statistics-rates.md).
ROUNDS_IN_REFRESH = 17
MAX_ROUNDS = 9
#: A slowdown of at most so much is no regression.
TOLERANCE = 0.02
#: "unchanged" rules out a slowdown of so much.
MUST_DETECT = 0.1


class Option:
    """One option: how it is typed, its ini key ``edgeperf_<key>``, its parser and its help.

    Args:
        parse: makes the value of a text, or raises ``ValueError`` that says what the text must be.
        help: one line for ``pytest --help``, in which ``{default}`` stands for the default.
        default: what holds where nothing is typed, and no ini key is set.
        key: of the ini key and of the option; the attribute's name unless given.
        bare: typed as ``--device`` and not as ``--edgeperf-device``.
        metavar: what stands for the value in the help.
        repeatable: may be given several times; its parser returns a tuple, and the tuples are joined.
        flag: takes no value; typed, it turns the default into its opposite.
        ini_only: only an ini key, as a property of a project and not of one call.
    """

    attribute: str

    def __init__(
        self,
        parse: Callable[[str], Any],
        help: str,
        default: Any,
        *,
        key: str = "",
        bare: bool = False,
        metavar: Optional[str] = None,
        repeatable: bool = False,
        flag: bool = False,
        ini_only: bool = False,
    ) -> None:
        self.default = default
        self.parse = parse
        self.help = help.format(default=f"{default:g}" if isinstance(default, float) else default)
        self.key = key
        self.bare = bare
        self.metavar = metavar
        self.repeatable = repeatable
        self.flag = flag
        self.ini_only = ini_only

    @property
    def dest(self) -> str:
        """The attribute of ``config.option``, and the ini key."""
        return "edgeperf_" + self.key

    def name(self, prefix: bool) -> str:
        """As typed: ``--device``, or ``--edgeperf-device`` where ``prefix`` asks for it."""
        text = self.key.replace("_", "-")
        return f"--{text}" if self.bare and not prefix else f"--edgeperf-{text}"


def option(parse: Callable[[str], Any], help: str, *, default: Any, **more: Any) -> Any:
    """An attribute of ``Settings`` that a user sets: see :class:`Option` for the arguments."""
    return Option(parse, help, default, **more)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
class _Frozen:
    """Attributes with defaults, given by name, and never changed: a frozen dataclass, made in a tenth of its 5 ms."""

    attributes: ClassVar[Tuple[str, ...]] = ()
    options: ClassVar[Tuple[Option, ...]] = ()

    def __init_subclass__(cls) -> None:
        declared = vars(cls)
        cls.attributes = tuple(cls.__annotations__)
        cls.options = tuple(declared[name] for name in cls.attributes if isinstance(declared[name], Option))
        for name in cls.attributes:
            value = declared[name]
            if isinstance(value, Option):
                value.attribute = name
                value.key = value.key or name
                setattr(cls, name, value.default)

    def __init__(self, **values: Any) -> None:
        unknown = sorted(set(values) - set(self.attributes))
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(unknown)}")
        vars(self).update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def _values(self) -> Tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.attributes)


class Settings(_Frozen):
    """What the user asked for, with the defaults filled in. Durations in seconds."""

    device: str = option(
        str, "the device under test: a profile name, or {default} (default)", default="auto", bare=True, metavar="NAME"
    )
    frameworks: Tuple[str, ...] = option(
        values.names,
        "runtimes to measure, comma-separated (default: what is installed)",
        default=(),
        key="framework",
        bare=True,
        metavar="A,B",
        repeatable=True,
    )
    precisions: Tuple[str, ...] = option(
        values.precision_names,
        "numeric formats to measure, comma-separated (default: fp32)",
        default=("fp32",),
        key="precision",
        bare=True,
        metavar="X,Y",
        repeatable=True,
    )
    #: ``check``, ``refresh``, ``off``, or ``against`` where ``--against``, ``--against-python`` or
    #: ``--against-command`` asks for it.
    baseline: str = option(
        values.one_of(CHECK, REFRESH, OFF),
        "check (default): compare with the stored baseline; refresh: accept this session's runs; off: only measure",
        default=CHECK,
        bare=True,
        metavar="check|refresh|off",
    )
    #: The other commit, as typed.
    against: Optional[str] = option(
        str,
        "measure this checkout and another commit in lock-step; baseline: the commit whose runs were accepted",
        default=None,
        bare=True,
        metavar="REF|baseline",
    )
    #: The other side's interpreter, as typed.
    against_python: Optional[str] = option(
        str,
        "the Python that measures the other side: another environment, with or without --against",
        default=None,
        bare=True,
        metavar="PATH",
    )
    #: The command that starts the other side's workers, as typed.
    against_command: Optional[str] = option(
        str,
        "command that starts the other side's Python, in a container for instance: 'docker run --rm -i "
        "-v {{root}}:{{root}} IMAGE {{python}}'",
        default=None,
        bare=True,
        metavar="CMD",
    )
    against_setup: Optional[str] = option(
        str,
        "command that builds or fetches in the other commit's worktree what git does not contain",
        default=None,
        bare=True,
        metavar="CMD",
    )
    #: Of each benchmark's engine, on each side of a lock-step comparison; with stored runs, of this session.
    builds: int = option(
        values.build_count,
        "engines built per benchmark, and with --against on each side: its runs take turns among them, and a build "
        f"counts as one observation (default: {{default}}, or what the baseline has; else at least {values.PAIRS})",
        default=1,
        metavar="N",
    )
    baseline_dir: str = option(
        str,
        "folder of the baseline files, relative to the rootdir (default: {default})",
        default="baselines",
        metavar="DIR",
    )
    rounds: int = option(
        values.round_count,
        f"fresh processes per benchmark (default: {{default}} in a check, {ROUNDS_IN_REFRESH} in a refresh; pairs with "
        f"--against: {values.PAIRS})",
        default=ROUNDS_IN_CHECK,
        metavar="N",
    )
    max_rounds: int = option(
        values.round_count,
        "the limit for benchmarks that are suspected of a regression (default: {default}; pairs with --against: "
        f"{values.MAX_PAIRS})",
        default=MAX_ROUNDS,
        metavar="N",
    )
    #: The same of a check in this project: what was typed for a session that checks nothing is not about it.
    check_rounds: int = ROUNDS_IN_CHECK
    check_max_rounds: int = MAX_ROUNDS
    budget_s: float = option(
        values.positive_float,
        "timed seconds per run (default: {default})",
        default=1.2,
        key="budget",
        metavar="SECONDS",
    )
    visits: int = option(
        values.positive_int,
        "parts that a run's budget is timed in, spread over its round (default: {default})",
        default=1,
        metavar="N",
    )
    spacing_s: float = option(
        values.seconds,
        "seconds between the starts of two rounds, at least: a burst of noise lasts about ten (default: {default})",
        default=10.0,
        key="spacing",
        metavar="SECONDS",
    )
    turn_s: float = option(
        values.positive_float,
        "seconds of one turn where two sides take turns (default: {default})",
        default=0.05,
        key="turn",
        metavar="SECONDS",
    )
    threads: int = option(
        values.positive_int, "threads that a runtime may use (default: {default})", default=1, metavar="N"
    )
    cpus: str = option(
        values.cpus,
        "processors that workers are pinned to: a list, {default} (default) or off",
        default="auto",
        metavar="LIST|auto|off",
    )
    timeout_s: float = option(
        values.positive_float,
        "seconds after which a worker is killed (default: {default})",
        default=600.0,
        key="timeout",
        metavar="SECONDS",
    )
    reason: Optional[str] = option(
        str, "why a refresh accepts these runs; stored in the baseline", default=None, metavar="TEXT"
    )
    in_process: bool = option(
        values.flag,
        "run benchmark bodies once in this process, for a debugger or a profiler; compares nothing",
        default=False,
        flag=True,
    )
    resume: bool = option(
        values.flag,
        "continue this checkout's unfinished session with what it measured before a crash, a kill or Ctrl-C",
        default=False,
        flag=True,
    )
    #: Fields of the environment that may differ: ``power_mode`` or ``settings.power_mode``.
    allowed_differences: Tuple[str, ...] = option(
        values.names,
        "compare even if this field of the environment differs from the baseline's, such as power_mode (repeatable)",
        default=(),
        key="allow_difference",
        metavar="FIELD",
        repeatable=True,
    )
    #: Seconds of the window in which sensors are read after a run; ``None``: as long as they need, 0: none.
    telemetry_s: Optional[float] = option(
        values.telemetry_window,
        "repeat each inference for a window in which power, temperature and GPU are read: auto (default; as long as "
        "the sensors need), off, or seconds",
        default=None,
        key="telemetry",
        metavar="auto|off|SECONDS",
    )
    #: Wait before a run until the machine is well below where it slows itself down.
    cooldown: bool = option(
        values.flag,
        "do not wait until a hot machine has cooled down before a run",
        default=True,
        key="no_cooldown",
        flag=True,
    )
    results: Tuple[str, ...] = option(
        values.one_name, "write this session's runs to FILE (repeatable)", default=(), metavar="FILE", repeatable=True
    )
    reports: Tuple[str, ...] = option(
        values.one_name,
        "write this session's report to FILE, in the format that its end names: .html, .md, .json or .txt (repeatable)",
        default=(),
        key="report",
        metavar="FILE",
        repeatable=True,
    )
    #: Papers by their names, or ``all`` or ``none``; empty: all with ``-v``.
    published: Tuple[str, ...] = option(
        values.names,
        "papers whose published figures the report shows, comma-separated, or all or none (default: none, and all with "
        "-v)",
        default=(),
        metavar="PAPERS|all|none",
        repeatable=True,
    )
    github: str = option(
        values.one_of("auto", "off"),
        "in a step of GitHub Actions, add the report to its summary, annotate tests and set outputs: {default} "
        "(default) or off",
        default="auto",
        metavar="auto|off",
    )
    inconclusive: str = option(
        values.one_of("pass", "fail"),
        "what an inconclusive verdict does to the exit code (default: {default}; fail: 10)",
        default="pass",
        metavar="pass|fail",
    )
    unbaselined: str = option(
        values.one_of("pass", "fail"),
        "what a missing or incomparable baseline does to the exit code (default: {default}; fail: 11)",
        default="pass",
        metavar="pass|fail",
    )
    explain: str = option(
        values.one_of(OFF, REGRESSED, ALL),
        "profile operators and functions after the measuring, to say why: off, {default} (default) or all benchmarks",
        default=REGRESSED,
        metavar="off|regressed|all",
    )
    tolerance: float = option(
        values.fraction, "slowdown that is accepted (default: {default})", default=TOLERANCE, ini_only=True
    )
    against_tolerance: float = option(
        values.fraction,
        "the same where two commits are measured in lock-step (default: {default})",
        default=0.005,
        ini_only=True,
    )
    must_detect: float = option(
        values.fraction,
        "slowdown that 'unchanged' has to rule out (default: {default})",
        default=MUST_DETECT,
        ini_only=True,
    )
    against_must_detect: float = option(
        values.fraction,
        "slowdown that 'unchanged' has to rule out where two commits are measured in lock-step (default: {default})",
        default=0.05,
        metavar="FRACTION",
    )
    #: ``--baseline`` or ``--against`` was typed, or the ini asks for it: tests of pytest-benchmark are ours too.
    gate_benchmarks: bool = option(
        values.flag,
        "measure and gate tests that use pytest-benchmark's fixture without --baseline being typed",
        default=False,
        ini_only=True,
    )

    @property
    def judges(self) -> bool:
        """Whether a benchmark that got worse fails."""
        return self.baseline in (CHECK, AGAINST)


OPTIONS = Settings.options
