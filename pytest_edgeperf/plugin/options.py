"""Our options and ini keys among pytest's."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from pytest_edgeperf.plugin.state import usage_error
from pytest_edgeperf.settings import OPTIONS, PREFIX_VARIABLE, Settings, SettingsError, names_are_prefixed


def add_options(parser: pytest.Parser) -> None:
    """Add our options.

    Raises:
        pytest.UsageError: another plugin, or a conftest, has an option of that name.
    """
    prefix = names_are_prefixed()
    options = [option for option in OPTIONS if not option.ini_only]
    others = {
        name for group in [*parser._groups, parser._anonymous] for option in group.options for name in option.names()
    }
    taken = [option.name(prefix) for option in options if option.name(prefix) in others]
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
        group.addoption(option.name(prefix), dest=option.dest, default=None, help=option.help, **keywords)


def read_settings(config: pytest.Config) -> Settings:
    """The settings of a session.

    Raises:
        pytest.UsageError: an option or ini key cannot be used.
    """

    def typed(dest: str) -> Any:
        return getattr(config.option, dest, None)

    if not any(typed(option.dest) or config.getini(option.dest) for option in OPTIONS):
        return Settings()
    from pytest_edgeperf.settings.reading import read

    try:
        return read(typed, config.getini, names_are_prefixed())
    except SettingsError as error:
        raise usage_error(str(error)) from error
