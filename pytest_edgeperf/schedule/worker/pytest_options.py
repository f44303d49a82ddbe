"""Derives a worker's pytest options from the coordinator's."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

#: Off inside a worker: reporting, last failures, coverage, reruns, orders and timeouts are the coordinator's.
PLUGINS_OFF = (
    "terminal",
    "pastebin",
    "lfplugin",
    "nfplugin",
    "stepwise",
    "pytest_cov",
    "xdist",
    "xdist.looponfail",
    "rerunfailures",
    "flaky",
    "randomly",
    "random_order",
    "reverse",
    "timeout",
    "html",
    "json-report",
    "reportlog",
    "sugar",
    "rich",
)
#: Options that would select, stop, stay or store in a worker what only the coordinator should.
OPTIONS_RESET: Dict[str, Any] = {
    "usepdb": False,
    "trace": False,
    "collectonly": False,
    "keyword": "",
    "markexpr": "",
    "deselect": None,
    "maxfail": 0,
    "pyargs": False,
    "strict_config": False,
    "strict_markers": False,
    "strict": False,
    "xmlpath": None,
    "log_file": None,
    "debug": None,
    "cacheclear": False,
    "cacheshow": None,
    "setuponly": False,
    "setupplan": False,
    "setupshow": False,
    "help": False,
    "version": 0,
    "plugins": [],
    "override_ini": None,
    "inifilename": None,
    "rootdir": None,
    "file_or_dir": None,
}
OPTIONS_LEFT = (
    "benchmark_json",
    "benchmark_save",
    "benchmark_autosave",
    "benchmark_compare",
    "benchmark_histogram",
)


def worker_options(config: pytest.Config) -> Tuple[Dict[str, Any], List[str]]:
    """Options for ``Config.fromdictargs`` in a worker: parsed values, and arguments to be parsed there.

    Values that do not survive JSON (a path, a decimal, a function) are given again as they were typed.
    """
    options: Dict[str, Any] = {}
    typed_again: List[str] = []
    for dest, value in vars(config.option).items():
        if dest in OPTIONS_RESET or dest.startswith(OPTIONS_LEFT):
            continue
        if _survives_json(value):
            options[dest] = value
        else:
            typed_again.extend(_as_typed(config, dest))
    # None means "not given" to argparse where the default is a list that it appends to.
    if options.get("capture") != "no":
        # What was printed must outlive a kill, so it goes to the worker's own output as well.
        options["capture"] = "tee-sys"
    options.update({dest: value for dest, value in OPTIONS_RESET.items() if value is not None})
    return options, [*_arguments(config), *typed_again]


def _arguments(config: pytest.Config) -> List[str]:
    arguments = [f"--rootdir={config.rootpath}", f"--confcutdir={_confcutdir(config)}"]
    if config.inipath is not None:
        arguments.append(f"--config-file={config.inipath}")
    for override in getattr(config.option, "override_ini", None) or ():
        arguments.append(f"--override-ini={override}")
    # A blocked plugin's ini keys and markers are unknown in the worker, and we are imported early; no news there.
    arguments.extend(f"--override-ini={key}=false" for key in ("strict_config", "strict_markers"))
    arguments.append("--override-ini=log_file=")
    arguments.extend(f"-Wignore::pytest.Pytest{kind}Warning" for kind in ("Config", "UnknownMark", "AssertRewrite"))
    # Naming a plugin takes back that it is off.
    for plugin in (name for name in config.option.plugins if name not in PLUGINS_OFF):
        arguments.extend(["-p", plugin])
    for plugin in PLUGINS_OFF:
        arguments.extend(["-p", f"no:{plugin}"])
    return arguments


def _confcutdir(config: pytest.Config) -> Path:
    confcutdir = config.known_args_namespace.confcutdir
    return Path(confcutdir) if confcutdir else config.rootpath


def _survives_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value)) == (list(value) if isinstance(value, tuple) else value))
    except (TypeError, ValueError):
        return False


def _as_typed(config: pytest.Config, dest: str) -> List[str]:
    names = [name for option in all_options(config) if option.dest == dest for name in option.names()]
    typed = [
        *shlex.split(os.environ.get("PYTEST_ADDOPTS", "")),
        *config.getini("addopts"),
        *config.invocation_params.args,
    ]
    again: List[str] = []
    for index, argument in enumerate(typed):
        name, equals, _ = str(argument).partition("=")
        if name in names:
            again.append(str(argument))
            if not equals and index + 1 < len(typed):
                again.append(str(typed[index + 1]))
    return again


def all_options(config: pytest.Config) -> List[Any]:
    """Every option that pytest and the plugins have registered."""
    parser = config._parser
    return [option for group in [*parser._groups, parser._anonymous] for option in group.options]
