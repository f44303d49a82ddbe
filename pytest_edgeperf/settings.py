"""Command-line options and ini keys, as one table and one frozen value."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

CHECK = "check"
REFRESH = "refresh"
OFF = "off"
#: Compared with living code instead of a stored baseline.
AGAINST = "against"

#: Set to 1 to turn our bare option names into ``--edgeperf-…`` where another plugin owns one.
PREFIX_VARIABLE = "EDGEPERF_PREFIX_OPTIONS"

ROUNDS_IN_CHECK = 3
#: Against so many, a check finds +5 % in 40 % of cases; against ten in 30 % (docs/statistics.md).
ROUNDS_IN_REFRESH = 17
MAX_ROUNDS = 9
#: Nobody measures so many processes of a benchmark in a session.
MOST_ROUNDS = 1000
#: Pairs of processes at the first look of a lock-step comparison, and at the last.
PAIRS = 4
MAX_PAIRS = 12
#: Nobody builds so many engines of a benchmark.
MOST_BUILDS = 100


class SettingsError(ValueError):
    """An option or ini key has a value that cannot be used; the message names it and the remedy."""


def _names(text: str) -> Tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


#: Of runtimes known to us and to others: what is nearly one of them is a typing error.
_PRECISIONS = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "fp4", "int16", "int8", "uint8", "int4", "uint4")


def _precision_names(text: str) -> Tuple[str, ...]:
    names = _names(text)
    for name in names:
        close = [] if name in _PRECISIONS else difflib.get_close_matches(name, _PRECISIONS, 1, 0.7)
        if close:
            raise ValueError(f"no precision is called {name!r}; did you mean {close[0]}?")
    return names


def _positive_int(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError("must be a whole number, at least 1") from None
    if value < 1:
        raise ValueError("must be at least 1")
    return value


def _round_count(text: str) -> int:
    value = _positive_int(text)
    if value > MOST_ROUNDS:
        raise ValueError(f"must be at most {MOST_ROUNDS}")
    return value


def _build_count(text: str) -> int:
    value = _positive_int(text)
    if value != 1 and not PAIRS <= value <= MOST_BUILDS:
        raise ValueError(f"must be 1, or from {PAIRS} to {MOST_BUILDS}: a build counts as one observation")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number, such as 0.5") from None


def _positive_float(text: str) -> float:
    value = _number(text)
    if not 0 < value < float("inf"):
        raise ValueError("must be a positive number")
    return value


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0 <= value < float("inf"):
        raise ValueError("must be at least 0")
    return value


def _fraction(text: str) -> float:
    value = _number(text)
    if not 0 <= value < 1:
        raise ValueError("must be at least 0 and under 1 (0.02 is 2 %)")
    return value


def _flag(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("must be true or false")


def _one_of(*choices: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in choices:
            raise ValueError("must be one of " + ", ".join(choices))
        return text

    return check


def _telemetry(text: str) -> Optional[float]:
    if text in ("auto", "off"):
        return None if text == "auto" else 0.0
    try:
        return _positive_float(text)
    except ValueError:
        raise ValueError("must be auto, off, or a positive number of seconds") from None


_NO_CPU_LIST = "must be auto, off, or processor numbers such as 2,4-5"


def cpu_list(text: str) -> Tuple[int, ...]:
    """Parse ``0,2-3`` into ``(0, 2, 3)``.

    Raises:
        ValueError: the text is not a list of processor numbers.
    """
    cpus: List[int] = []
    for part in _names(text):
        found = re.match(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z", part)
        numbers = range(int(found.group(1)), int(found.group(2) or found.group(1)) + 1) if found else ()
        if not numbers:
            raise ValueError(_NO_CPU_LIST)
        cpus.extend(numbers)
    if not cpus:
        raise ValueError(_NO_CPU_LIST)
    return tuple(sorted(set(cpus)))


def _cpus(text: str) -> str:
    if text not in ("auto", "off"):
        cpu_list(text)
    return text


@dataclass(frozen=True)
class Option:
    """One option: how it is typed, its ini key ``edgeperf_<key>``, its parser and its help."""

    key: str
    parse: Callable[[str], Any]
    help: str
    bare: bool = False
    metavar: Optional[str] = None
    repeatable: bool = False
    flag: bool = False
    #: Only an ini key: a property of a project, not of one call.
    ini_only: bool = False

    @property
    def dest(self) -> str:
        """The attribute of ``config.option``, and the ini key."""
        return "edgeperf_" + self.key

    def name(self, prefix: bool) -> str:
        """As typed: ``--device``, or ``--edgeperf-device`` for a prefixed one."""
        text = self.key.replace("_", "-")
        return f"--{text}" if self.bare and not prefix else f"--edgeperf-{text}"


OPTIONS: Tuple[Option, ...] = (
    Option("device", str, "the device under test: a profile name, or auto (default)", bare=True, metavar="NAME"),
    Option(
        "framework",
        _names,
        "runtimes to measure, comma-separated (default: what is installed)",
        bare=True,
        metavar="A,B",
        repeatable=True,
    ),
    Option(
        "precision",
        _precision_names,
        "numeric formats to measure, comma-separated (default: fp32)",
        bare=True,
        metavar="X,Y",
        repeatable=True,
    ),
    Option(
        "baseline",
        _one_of(CHECK, REFRESH, OFF),
        "check (default): compare with the stored baseline; refresh: accept this session's runs; off: only measure",
        bare=True,
        metavar="check|refresh|off",
    ),
    Option(
        "against",
        str,
        "measure this checkout and another commit in lock-step; baseline: the commit whose runs were accepted",
        bare=True,
        metavar="REF|baseline",
    ),
    Option(
        "against_python",
        str,
        "the Python that measures the other side: another environment, with or without --against",
        bare=True,
        metavar="PATH",
    ),
    Option(
        "against_setup",
        str,
        "command that builds or fetches in the other commit's worktree what git does not hold",
        bare=True,
        metavar="CMD",
    ),
    Option(
        "builds",
        _build_count,
        "engines built per benchmark and side with --against: its pairs take turns among them (default: 1; else at "
        "least 4)",
        metavar="N",
    ),
    Option(
        "baseline_dir",
        str,
        "folder of the baseline files, relative to the rootdir (default: baselines)",
        metavar="DIR",
    ),
    Option(
        "rounds",
        _round_count,
        "fresh processes per benchmark (default: 3 in a check, 17 in a refresh; pairs with --against: 4)",
        metavar="N",
    ),
    Option(
        "max_rounds",
        _round_count,
        "the limit for benchmarks that are suspected of a regression (default: 9; pairs with --against: 12)",
        metavar="N",
    ),
    Option("budget", _positive_float, "timed seconds per run (default: 1.2)", metavar="SECONDS"),
    Option(
        "visits",
        _positive_int,
        "parts that a run's budget is timed in, spread over its round (default: 1)",
        metavar="N",
    ),
    Option(
        "spacing",
        _seconds,
        "seconds between the starts of two rounds, at least: a burst of noise lasts about ten (default: 10)",
        metavar="SECONDS",
    ),
    Option(
        "turn",
        _positive_float,
        "seconds of one turn where two sides take turns (default: 0.05)",
        metavar="SECONDS",
    ),
    Option("threads", _positive_int, "threads that a runtime may use (default: 1)", metavar="N"),
    Option(
        "cpus",
        _cpus,
        "processors that workers are pinned to: a list, auto (default) or off",
        metavar="LIST|auto|off",
    ),
    Option("timeout", _positive_float, "seconds after which a worker is killed (default: 600)", metavar="SECONDS"),
    Option("reason", str, "why a refresh accepts these runs; stored in the baseline", metavar="TEXT"),
    Option(
        "in_process",
        _flag,
        "run benchmark bodies once in this process, for a debugger or a profiler; compares nothing",
        flag=True,
    ),
    Option(
        "resume",
        _flag,
        "go on with this checkout's unfinished session: keep what a crash, a kill or Ctrl-C left measured",
        flag=True,
    ),
    Option(
        "allow_difference",
        _names,
        "compare although this field of the environment differs from the baseline's, such as power_mode (repeatable)",
        metavar="FIELD",
        repeatable=True,
    ),
    Option(
        "telemetry",
        _telemetry,
        "repeat each inference for a window in which power, temperature and GPU are read: auto (default; as long as "
        "the sensors need), off, or seconds",
        metavar="auto|off|SECONDS",
    ),
    Option(
        "no_cooldown",
        _flag,
        "do not wait until a hot machine has cooled down before a run",
        flag=True,
    ),
    Option("results", str, "write this session's runs to FILE (repeatable)", metavar="FILE", repeatable=True),
    Option(
        "inconclusive",
        _one_of("pass", "fail"),
        "what an inconclusive verdict does to the exit code (default: pass; fail: 10)",
        metavar="pass|fail",
    ),
    Option(
        "unbaselined",
        _one_of("pass", "fail"),
        "what a missing or incomparable baseline does to the exit code (default: pass; fail: 11)",
        metavar="pass|fail",
    ),
    Option("tolerance", _fraction, "slowdown that is nobody's concern (default: 0.02)", ini_only=True),
    Option(
        "against_tolerance",
        _fraction,
        "the same where two commits are measured in lock-step (default: 0.005)",
        ini_only=True,
    ),
    Option(
        "must_detect",
        _fraction,
        "slowdown that 'unchanged' has to rule out (default: 0.10)",
        ini_only=True,
    ),
    Option(
        "against_must_detect",
        _fraction,
        "slowdown that 'unchanged' has to rule out where two commits are measured in lock-step (default: 0.05)",
        metavar="FRACTION",
    ),
    Option(
        "gate_benchmarks",
        _flag,
        "measure and gate tests that use pytest-benchmark's fixture without --baseline being typed",
        ini_only=True,
    ),
)


@dataclass(frozen=True)
class Settings:
    """What the user asked for, with the defaults filled in. Durations in seconds."""

    device: str = "auto"
    frameworks: Tuple[str, ...] = ()
    precisions: Tuple[str, ...] = ("fp32",)
    #: ``check``, ``refresh``, ``off``, or ``against`` where ``--against`` or ``--against-python`` asks for it.
    baseline: str = CHECK
    #: The other commit, as typed.
    against: Optional[str] = None
    #: The other side's interpreter, as typed.
    against_python: Optional[str] = None
    against_setup: Optional[str] = None
    #: Of each benchmark's engine, on each side of a lock-step comparison.
    builds: int = 1
    #: ``--baseline`` or ``--against`` was typed, or the ini asks for it: tests of pytest-benchmark are ours too.
    gate_benchmarks: bool = False
    baseline_dir: str = "baselines"
    rounds: int = ROUNDS_IN_CHECK
    max_rounds: int = MAX_ROUNDS
    #: The same of a check in this project: what was typed for a session that checks nothing is not about it.
    check_rounds: int = ROUNDS_IN_CHECK
    check_max_rounds: int = MAX_ROUNDS
    budget_s: float = 1.2
    visits: int = 1
    spacing_s: float = 10.0
    turn_s: float = 0.05
    threads: int = 1
    cpus: str = "auto"
    timeout_s: float = 600.0
    reason: Optional[str] = None
    in_process: bool = False
    resume: bool = False
    #: Fields of the environment that may differ: ``power_mode`` or ``settings.power_mode``.
    allowed_differences: Tuple[str, ...] = ()
    #: Wait before a run until the machine is well below where it slows itself down.
    cooldown: bool = True
    #: Seconds of the window in which sensors are read after a run; ``None``: as long as they need, 0: none.
    telemetry_s: Optional[float] = None
    results: Tuple[str, ...] = ()
    inconclusive: str = "pass"
    unbaselined: str = "pass"
    tolerance: float = 0.02
    against_tolerance: float = 0.005
    must_detect: float = 0.10
    against_must_detect: float = 0.05

    @property
    def judges(self) -> bool:
        """Whether a benchmark that got worse fails."""
        return self.baseline in (CHECK, AGAINST)


def names_are_prefixed() -> bool:
    """Whether the environment turns our bare option names into ``--edgeperf-…``."""
    return os.environ.get(PREFIX_VARIABLE, "").lower() in ("1", "true", "yes", "on")


def read(value_of: Callable[[str], Any], ini_of: Callable[[str], Any], prefix: bool = False) -> Settings:
    """Combine options (which win) and ini keys into ``Settings``.

    Args:
        value_of: the option's text (a list of texts if repeatable, a bool if a flag), ``None`` if not typed.
        ini_of: the ini key's text, ``None`` or empty if not there.
        prefix: whether our bare names are typed with the prefix, for the messages.

    Raises:
        SettingsError: a value cannot be used.
    """
    values: Dict[str, Any] = {}
    typed: Dict[str, bool] = {}
    for option in OPTIONS:
        given = None if option.ini_only else value_of(option.dest)
        typed[option.key] = given not in (None, [], False)
        if option.flag and typed[option.key]:
            values[option.key] = True
            continue
        place = option.name(prefix) if typed[option.key] else f"ini key {option.dest}"
        text = given if typed[option.key] else (ini_of(option.dest) or None)
        if text is None:
            continue
        try:
            if option.repeatable:
                texts = text if isinstance(text, list) else [text]
                parsed = [option.parse(str(one)) for one in texts]
                values[option.key] = parsed
            else:
                values[option.key] = option.parse(str(text))
        except ValueError as error:
            raise SettingsError(f"{place}={text}: {error}") from error
    check_rounds = values.get("rounds", ROUNDS_IN_CHECK)
    if typed["rounds"] and values.get("baseline", CHECK) != CHECK:
        check_rounds = _rounds_by_ini(ini_of("edgeperf_rounds"))
    if values.get("against") or values.get("against_python"):
        _turn_against(values, typed, prefix)
        typed["baseline"] = True
    elif typed["builds"]:
        raise SettingsError(
            f"{_typed('builds', prefix)} builds the engines of two sides: give {_typed('against', prefix)} too"
        )
    elif values.get("against_setup"):
        raise SettingsError(
            f"{_typed('against_setup', prefix)} prepares a worktree: give {_typed('against', prefix)} too"
        )
    return _settings(values, typed["baseline"], check_rounds)


def _typed(key: str, prefix: bool) -> str:
    return next(option.name(prefix) for option in OPTIONS if option.key == key)


def _turn_against(values: Dict[str, Any], typed: Mapping[str, bool], prefix: bool) -> None:
    """Make the values those of a lock-step comparison.

    Raises:
        SettingsError: options that exclude each other, or too few pairs.
    """
    if typed["baseline"]:
        raise SettingsError(
            f"{_typed('baseline', prefix)} compares with stored runs, {_typed('against', prefix)} with living code: "
            "give one of them"
        )
    if values.get("against_setup") and not values.get("against"):
        raise SettingsError(
            f"{_typed('against_setup', prefix)} prepares a worktree, and {_typed('against_python', prefix)} alone "
            f"makes none: give {_typed('against', prefix)} too"
        )
    for key in ("rounds", "max_rounds"):
        if not typed[key]:
            # The ini's number is about stored runs.
            values.pop(key, None)
        elif values[key] < PAIRS:
            raise SettingsError(
                f"{_typed(key, prefix)}={values[key]}: a lock-step comparison takes at least {PAIRS} pairs"
            )
    values["baseline"] = AGAINST
    values.setdefault("rounds", PAIRS)
    values["rounds"] = max(values["rounds"], values.get("builds", 1))
    values["max_rounds"] = max(values.get("max_rounds", MAX_PAIRS), values["rounds"])
    values["spacing"] = 0.0
    values["visits"] = 1


def _rounds_by_ini(text: Any) -> int:
    try:
        return _round_count(str(text or ROUNDS_IN_CHECK))
    except ValueError as error:
        raise SettingsError(f"ini key edgeperf_rounds={text}: {error}") from error


def _settings(values: Dict[str, Any], baseline_typed: bool, check_rounds: int) -> Settings:
    defaults = Settings()
    baseline = values.get("baseline", CHECK)
    rounds = values.get("rounds", ROUNDS_IN_REFRESH if baseline == REFRESH else ROUNDS_IN_CHECK)
    reason = values.get("reason")
    if baseline == REFRESH and not (reason or "").strip():
        raise SettingsError(
            '--baseline=refresh needs --edgeperf-reason "why": the next person who sees the baseline will ask'
        )
    return Settings(
        device=values.get("device", defaults.device),
        frameworks=_flat(values.get("framework", ())),
        precisions=_flat(values.get("precision", ())) or defaults.precisions,
        baseline=baseline,
        against=values.get("against"),
        against_python=values.get("against_python"),
        against_setup=values.get("against_setup"),
        builds=values.get("builds", defaults.builds) if baseline == AGAINST else defaults.builds,
        gate_benchmarks=baseline_typed or values.get("gate_benchmarks", False),
        baseline_dir=values.get("baseline_dir", defaults.baseline_dir),
        rounds=rounds,
        max_rounds=max(rounds, values.get("max_rounds", defaults.max_rounds)),
        check_rounds=check_rounds,
        check_max_rounds=max(check_rounds, values.get("max_rounds", defaults.max_rounds)),
        budget_s=values.get("budget", defaults.budget_s),
        visits=values.get("visits", defaults.visits),
        spacing_s=values.get("spacing", defaults.spacing_s),
        turn_s=values.get("turn", defaults.turn_s),
        threads=values.get("threads", defaults.threads),
        cpus=values.get("cpus", defaults.cpus),
        timeout_s=values.get("timeout", defaults.timeout_s),
        reason=reason,
        in_process=values.get("in_process", False),
        resume=values.get("resume", False),
        allowed_differences=_flat(values.get("allow_difference", ())),
        cooldown=not values.get("no_cooldown", False),
        telemetry_s=values.get("telemetry", defaults.telemetry_s),
        results=tuple(values.get("results", ())),
        inconclusive=values.get("inconclusive", defaults.inconclusive),
        unbaselined=values.get("unbaselined", defaults.unbaselined),
        tolerance=values.get("tolerance", defaults.tolerance),
        against_tolerance=values.get("against_tolerance", defaults.against_tolerance),
        must_detect=values.get("must_detect", defaults.must_detect),
        against_must_detect=values.get("against_must_detect", defaults.against_must_detect),
    )


def _flat(groups: Any) -> Tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


@dataclass(frozen=True)
class BenchmarkOptions:
    """What one benchmark asks for in its ``timed_inference`` marker; ``None`` leaves the session's setting."""

    tolerance: Optional[Union[float, Mapping[str, float]]] = None
    gate: Tuple[str, ...] = ()
    threads: Optional[int] = None
    budget_s: Optional[float] = None
    timeout_s: Optional[float] = None
    curve: bool = False
    power_series: Optional[int] = None
    builds: Optional[int] = None


_MARKER_KEYWORDS: Mapping[str, Tuple[str, Callable[[str], Any]]] = {
    "threads": ("threads", _positive_int),
    "budget": ("budget_s", _positive_float),
    "timeout": ("timeout_s", _positive_float),
    "power_series": ("power_series", _positive_int),
    "builds": ("builds", _build_count),
}


def parse_marker(args: Tuple[Any, ...], keywords: Mapping[str, Any]) -> BenchmarkOptions:
    """Check the arguments of ``@pytest.mark.timed_inference(...)``.

    ``tolerance`` is one number or one per metric (0.03 is 3 %), ``gate`` names further metrics that
    decide, ``threads``, ``budget`` (seconds) and ``timeout`` (seconds) replace the session's settings. ``curve``
    has temperature and clocks read between short blocks of a long budget, so that the course of the run is kept.
    ``power_series`` has the power read over at least so many inferences, and its readings kept. ``builds`` replaces
    ``--edgeperf-builds``.

    Raises:
        SettingsError: an unknown keyword, a positional argument, or a value that cannot be used.
    """
    known = ("tolerance", "gate", "curve", *_MARKER_KEYWORDS)
    if args:
        raise SettingsError(f"timed_inference takes keywords only ({', '.join(known)}), not {args[0]!r}")
    values: Dict[str, Any] = {}
    for name, value in keywords.items():
        try:
            if name == "tolerance":
                values["tolerance"] = _tolerance(value)
            elif name == "gate":
                values["gate"] = (value,) if isinstance(value, str) else tuple(map(str, value))
            elif name == "curve":
                values["curve"] = _truth(value)
            elif name in _MARKER_KEYWORDS:
                field, parse = _MARKER_KEYWORDS[name]
                values[field] = parse(str(value))
            else:
                close = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(known)}"
                raise SettingsError(f"timed_inference has no keyword {name!r}; {hint}")
        except (TypeError, ValueError) as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(f"timed_inference({name}={value!r}): {error}") from error
    return BenchmarkOptions(**values)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def _tolerance(value: Any) -> Union[float, Dict[str, float]]:
    if isinstance(value, Mapping):
        return {str(metric): _fraction(str(one)) for metric, one in value.items()}
    return _fraction(str(value))
