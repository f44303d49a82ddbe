"""The registered runtimes: entry points of the group ``edgeperf.frameworks``, ours and other packages'."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Dict, List, Mapping, Optional, Tuple

from pytest_edgeperf.frameworks.formats import SourceFormat
from pytest_edgeperf.frameworks.interface import Framework, FrameworkError, closest
from pytest_edgeperf.frameworks.models import Model

GROUP = "edgeperf.frameworks"


@dataclass(frozen=True)
class _Registration:
    distribution: str
    entry_point: metadata.EntryPoint


def names() -> List[str]:
    """Names of the registered runtimes, sorted; loads none of them."""
    return sorted(_registrations())


def get(name: str) -> Framework:
    """The runtime registered as ``name``, which may end in a colon and one of its variants.

    Raises:
        FrameworkError: no such name or variant, two packages register it differently, or its adapter cannot be
            imported; the message names the packages and the remedy.
    """
    registrations = _registrations()
    name, colon, variant = name.partition(":")
    if name not in registrations:
        raise FrameworkError(
            f"no framework is called {name!r}{closest(name, registrations)}; "
            f"known: {', '.join(sorted(registrations)) or 'none'}"
        )
    candidates = registrations[name]
    if len({candidate.entry_point.value for candidate in candidates}) > 1:
        raise FrameworkError(
            f"framework {name!r} is registered by several packages: "
            + ", ".join(sorted(f"{c.distribution} ({c.entry_point.value})" for c in candidates))
            + "; uninstall all but one of them"
        )
    framework = _load(name, candidates[0])
    if colon:
        if variant not in framework.variants:
            offered = f"it has {', '.join(framework.variants)}" if framework.variants else "it has none"
            raise FrameworkError(f"framework {name!r} has no variant {variant!r}; {offered}")
        framework.variant = variant
    return framework


def installed() -> List[str]:
    """Names of the runtimes that are installed here, sorted; an adapter that cannot be used is left out."""
    return [name for name in names() if _is_installed(name)]


def version_of(name: str) -> Optional[str]:
    """The version of the runtime registered as ``name``; ``None``: it is not installed.

    Raises:
        FrameworkError: as :func:`get`, or its adapter fails to report it; the message names the package.
    """
    framework = get(name)
    try:
        version: object = framework.version()
    except (Exception, SystemExit) as error:  # another package's code
        raise FrameworkError(
            f"framework {name!r}: asking {_origin(name)} for its version failed: {type(error).__name__}: {error}"
        ) from error
    if version is not None and not isinstance(version, str):
        raise FrameworkError(
            f"framework {name!r}: {_origin(name)} has the version {version!r:.60}, which is not a string"
        )
    return version


def formats() -> List[SourceFormat]:
    """The formats that registered frameworks declare; see :func:`unusable` for those that cannot be asked."""
    declared: List[SourceFormat] = []
    for name in names():
        try:
            declared += [known for known in get(name).formats if known not in declared]
        except FrameworkError:
            continue
    return declared


def unusable() -> List[str]:
    """Why each registered framework whose adapter cannot be used cannot be, by its package's fault."""
    reasons = []
    for name in names():
        try:
            get(name)
        except FrameworkError as error:
            reasons.append(str(error))
    return reasons


def require_known_options(model: Model) -> None:
    """Check a model's options for every framework that is registered here; another package's may not be.

    Raises:
        FrameworkError: an option is for no framework, for one whose name is mistyped, or is not one of its framework's.
    """
    for key in model.options:
        name, dot, _ = key.partition(".")
        known = names()
        suggestion = closest(name, known)
        if not dot or (name not in known and suggestion):
            raise FrameworkError(
                f"model {model.name!r}: the option {key!r} is for no framework{suggestion}; write it as "
                "'framework.option', with the framework as in --framework and without a variant"
            )
        if name in known:
            get(name).option_values(model)


def _origin(name: str) -> str:
    registration = _registrations()[name.partition(":")[0]][0]
    return f"{registration.entry_point.value} of {registration.distribution}"


def _is_installed(name: str) -> bool:
    try:
        return version_of(name) is not None
    except FrameworkError:
        return False


def _registrations() -> Mapping[str, List[_Registration]]:
    return _registrations_on(tuple(sys.path))


@lru_cache(maxsize=4)
def _registrations_on(search_path: Tuple[str, ...]) -> Mapping[str, List[_Registration]]:
    """Those of ``sys.path``, of which the files are read once: there may be hundreds of distributions."""
    # metadata.entry_points() has another shape in 3.8-3.9 and no distribution there
    registrations: Dict[str, List[_Registration]] = {}
    for distribution in metadata.distributions():
        for entry_point in distribution.entry_points:
            if entry_point.group == GROUP:
                registration = _Registration(distribution.metadata["Name"], entry_point)
                registrations.setdefault(entry_point.name, []).append(registration)
    return registrations


def _load(name: str, registration: _Registration) -> Framework:
    where = f"{registration.entry_point.value} of {registration.distribution}"
    try:
        loaded = registration.entry_point.load()
        framework = loaded()
    except (Exception, SystemExit) as error:  # another package's code
        raise FrameworkError(
            f"framework {name!r} cannot be loaded from {where}: {type(error).__name__}: {error}; "
            f"repair or uninstall {registration.distribution}"
        ) from error
    if not isinstance(framework, Framework):
        raise FrameworkError(
            f"framework {name!r}: {where} is not a pytest_edgeperf.frameworks.interface.Framework; "
            f"report it to the maintainers of {registration.distribution}"
        )
    return framework
