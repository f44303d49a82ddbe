"""The ``framework`` and ``precision`` fixtures: which tests they parametrise, with what, and what they give."""

from __future__ import annotations

from typing import Any, List, Optional

import pytest

from pytest_edgeperf import devices, frameworks
from pytest_edgeperf.devices import Device
from pytest_edgeperf.frameworks.handle import FrameworkHandle
from pytest_edgeperf.frameworks.interface import Framework, FrameworkError
from pytest_edgeperf.plugin.state import SETTINGS, SOFTWARE, STACK, usage_error, worker_of
from pytest_edgeperf.settings import Settings


def is_ours(metafunc: pytest.Metafunc, name: str, module: str) -> bool:
    """Whether a test uses the fixture of that name from our module, and does not parametrise it itself."""
    definitions = metafunc._arg2fixturedefs.get(name, ())
    if not definitions or definitions[-1].func.__module__ != module:
        return False
    for marker in metafunc.definition.iter_markers("parametrize"):
        names = marker.args[0] if marker.args else marker.kwargs.get("argnames", ())
        if name in ([part.strip() for part in names.split(",")] if isinstance(names, str) else names):
            return False
    return True


def framework_parameters(settings: Settings) -> List[Any]:
    """The frameworks that were asked for, or that are installed; absent ones are skipped with the advice.

    Raises:
        pytest.UsageError: a framework cannot be used.
    """
    names = settings.frameworks or tuple(frameworks.installed()) or tuple(frameworks.names())
    parameters = []
    for name in names:
        framework = framework_named(name)
        missing = _version_of(name) is None
        reason = f"{name} is not installed: {framework.install_advice}"
        parameters.append(pytest.param(name, marks=[pytest.mark.skip(reason=reason)] if missing else []))
    return parameters


def framework_named(name: str) -> Framework:
    """The framework of a name.

    Raises:
        pytest.UsageError: there is none, or it cannot be used.
    """
    try:
        return frameworks.get(name)
    except FrameworkError as error:
        raise usage_error(f"--framework: {error}") from error


def _version_of(name: str) -> Optional[str]:
    try:
        return frameworks.version_of(name)
    except FrameworkError as error:
        raise usage_error(f"--framework: {error}") from error


def device_of(config: pytest.Config) -> Device:
    """The device under test.

    Raises:
        pytest.UsageError: this machine is not the device that was asked for.
    """
    try:
        return devices.resolve(config.stash[SETTINGS].device, rootdir=config.rootpath)
    except devices.DeviceError as error:
        raise usage_error(str(error)) from error


def framework_handle(config: pytest.Config, name: str) -> FrameworkHandle:
    """What the ``framework`` fixture gives a test."""
    worker = worker_of(config)
    settings = config.stash[SETTINGS]

    def lacks(processor: str, precision: str) -> Optional[str]:
        profile = device_of(config).profile
        reason = devices.lacks(profile, processor, precision)
        return reason and f"{precision} cannot run on {profile.name}: {reason}"

    return FrameworkHandle(
        frameworks.get(name),
        threads=worker.settings["threads"] if worker else settings.threads,
        software=config.stash[SOFTWARE],
        skip=pytest.skip,
        lacks=lacks,
        stack=lambda: config.stash.get(STACK, False),
    )
