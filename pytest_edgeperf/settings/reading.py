"""What was typed and what the ini file holds, combined into :class:`Settings`."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Set

from pytest_edgeperf.settings.options import (
    AGAINST,
    CHECK,
    OPTIONS,
    OTHER_SIDE,
    REFRESH,
    ROUNDS_IN_CHECK,
    ROUNDS_IN_REFRESH,
    Option,
    Settings,
)
from pytest_edgeperf.settings.values import MAX_PAIRS, PAIRS, SettingsError

_BY_ATTRIBUTE: Mapping[str, Option] = {option.attribute: option for option in OPTIONS}


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
    typed: Set[str] = set()
    for option in OPTIONS:
        given = None if option.ini_only else value_of(option.dest)
        place = f"ini key {option.dest}"
        if given in (None, [], False):
            given = ini_of(option.dest) or None
        else:
            typed.add(option.attribute)
            place = option.name(prefix)
        if given is not None:
            values[option.attribute] = _parsed(option, given, place)
    compares_living_code = any(values.get(attribute) for attribute in OTHER_SIDE)
    values["gate_benchmarks"] = compares_living_code or "baseline" in typed or values.get("gate_benchmarks", False)
    values["check_rounds"] = _rounds_of_a_check(values, typed, ini_of)
    if compares_living_code:
        _turn_against(values, typed, prefix)
    else:
        _turn_to_stored_runs(values, typed, prefix)
    if "builds" in typed and values.get("in_process"):
        raise SettingsError(
            f"{_typed('in_process', prefix)} runs each body once, with one build of its engine: leave "
            f"{_typed('builds', prefix)} out"
        )
    files = sorted({"results", "reports"} & typed)
    if files and values.get("in_process"):
        raise SettingsError(
            f"{_typed('in_process', prefix)} measures nothing for {_typed(files[0], prefix)}: leave it out"
        )
    limit = values.get("max_rounds", Settings.max_rounds)
    values["max_rounds"] = max(values["rounds"], limit)
    values["check_max_rounds"] = max(values["check_rounds"], limit)
    return Settings(**values)


def _parsed(option: Option, given: Any, place: str) -> Any:
    """The value of what was given.

    Raises:
        SettingsError: it cannot be used; the message names the place.
    """
    if option.flag and given is True:
        return not option.default
    try:
        if option.repeatable:
            texts = given if isinstance(given, list) else [given]
            joined = dict.fromkeys(value for text in texts for value in option.parse(str(text)))
            return tuple(joined) or option.default
        value = option.parse(str(given))
    except ValueError as error:
        raise SettingsError(f"{place}={given}: {error}") from error
    return value is not option.default if option.flag else value


def _rounds_of_a_check(values: Mapping[str, Any], typed: Set[str], ini_of: Callable[[str], Any]) -> int:
    """The project's rounds: those that were typed are about this session, which may check nothing.

    Raises:
        SettingsError: the ini key cannot be used.
    """
    if "rounds" not in typed or values.get("baseline", CHECK) == CHECK:
        return int(values.get("rounds", Settings.rounds))
    option = _BY_ATTRIBUTE["rounds"]
    return int(_parsed(option, ini_of(option.dest) or Settings.rounds, f"ini key {option.dest}"))


def _turn_against(values: Dict[str, Any], typed: Set[str], prefix: bool) -> None:
    """Make the values those of a lock-step comparison.

    Raises:
        SettingsError: options that exclude each other, or too few pairs.
    """
    if "baseline" in typed:
        raise SettingsError(
            f"{_typed('baseline', prefix)} compares with stored runs, {_typed('against', prefix)} with living code: "
            "give one of them"
        )
    if values.get("against_setup") and not values.get("against"):
        raise SettingsError(
            f"{_typed('against_setup', prefix)} prepares a worktree, and "
            f"{_typed('against_python' if values.get('against_python') else 'against_command', prefix)} alone makes "
            f"none: give {_typed('against', prefix)} too"
        )
    if {"against_command", "in_process"} <= typed:
        raise SettingsError(
            f"{_typed('in_process', prefix)} runs bodies in this process, which {_typed('against_command', prefix)} "
            "cannot start: give one of them"
        )
    for attribute in ("rounds", "max_rounds"):
        if attribute not in typed:
            # The ini's number is about stored runs.
            values.pop(attribute, None)
        elif values[attribute] < PAIRS:
            raise SettingsError(
                f"{_typed(attribute, prefix)}={values[attribute]}: a lock-step comparison takes at least {PAIRS} pairs"
            )
    values["baseline"] = AGAINST
    values["rounds"] = max(values.get("rounds", PAIRS), values.get("builds", Settings.builds))
    values.setdefault("max_rounds", MAX_PAIRS)
    values["spacing_s"] = 0.0
    values["visits"] = 1


def _turn_to_stored_runs(values: Dict[str, Any], typed: Set[str], prefix: bool) -> None:
    """Make the values those of a session that has no other side.

    Raises:
        SettingsError: an option needs the other side, or a refresh has no reason.
    """
    if values.get("against_setup"):
        raise SettingsError(
            f"{_typed('against_setup', prefix)} prepares a worktree: give {_typed('against', prefix)} too"
        )
    refreshes = values.get("baseline") == REFRESH
    if refreshes and not (values.get("reason") or "").strip():
        raise SettingsError(
            f'{_typed("baseline", prefix)}={REFRESH} needs {_typed("reason", prefix)} "why": it is stored with '
            "the baseline, for whoever reads it later"
        )
    # Every build is measured once at least.
    rounds = ROUNDS_IN_REFRESH if refreshes else ROUNDS_IN_CHECK
    values.setdefault("rounds", max(rounds, values.get("builds", Settings.builds)))


def _typed(attribute: str, prefix: bool) -> str:
    return _BY_ATTRIBUTE[attribute].name(prefix)
