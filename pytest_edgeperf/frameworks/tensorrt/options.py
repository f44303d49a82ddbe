"""What a model may say about its engines, whichever way TensorRT is driven."""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec

#: Keys of ``Model.parameters``.
DLA_CORE = "tensorrt.dla_core"
PROFILE = "tensorrt.profile"
OPTIMISATION_LEVEL = "tensorrt.builder_optimization_level"
WORKSPACE_MIB = "tensorrt.workspace_mib"
#: Where ``trtexec`` has an option for it, its default is 16 MiB, too little for many layers' fast tactics; later
#: releases limit nothing.
WORKSPACE_MIB_DEFAULT = 1024


def whole(model: Model, key: str, default: Optional[int]) -> Optional[int]:
    """The model's value of an option, a whole number from 0."""
    value = model.parameters.get(key, default)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise FrameworkError(f"model {model.name!r}: {key} must be a whole number from 0, not {value!r}")
    return value


def profile_of(model: Model) -> Dict[str, List[List[int]]]:
    """The model's least, usual and largest shape of each input of free size."""
    given = model.parameters.get(PROFILE, {})
    try:
        profile = {str(name): [[int(size) for size in shape] for shape in shapes] for name, shapes in given.items()}
    except (AttributeError, TypeError, ValueError):
        profile = {"": []}
    for shapes in profile.values():
        ordered = len(shapes) == 3 and len({len(shape) for shape in shapes}) == 1
        if not ordered or any(not 0 < least <= usual <= largest for least, usual, largest in zip(*shapes)):
            raise FrameworkError(
                f"model {model.name!r}: {PROFILE} must be {{input: (least, usual, largest) shapes}}, not {given!r}"
            )
    return profile


def usual(profile: Mapping[str, Sequence[Sequence[int]]], spec: TensorSpec) -> Tuple[int, ...]:
    """The shape that an engine is tuned for: the profile's, else the input's own."""
    return tuple(profile[spec.name][1]) if spec.name in profile else spec.shape


def require_within(profile: Mapping[str, Sequence[Sequence[int]]], specs: Sequence[TensorSpec]) -> None:
    """Raise FrameworkError unless each shape is within its profile."""
    for spec in specs:
        least, _, largest = profile.get(spec.name, [spec.shape] * 3)
        if len(least) != len(spec.shape) or any(not a <= b <= c for a, b, c in zip(least, spec.shape, largest)):
            raise FrameworkError(
                f"input {spec.name!r}: the shape {list(spec.shape)} is not between {list(least)} and {list(largest)} "
                f"of {PROFILE}"
            )
