"""What a model may ask of its engines, whichever way TensorRT is driven."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import FrameworkError, Option, TensorSpec
from pytest_edgeperf.frameworks.options import names, whole_number

DLA_CORE = "dla_core"
PROFILE = "profile"
OPTIMISATION_LEVEL = "builder_optimization_level"
WORKSPACE_MIB = "workspace_mib"
OUTPUTS = "outputs"
#: Where ``trtexec`` has an option for it, its default is 16 MiB, too little for many layers' fast tactics; later
#: releases limit nothing.
WORKSPACE_MIB_DEFAULT = 1024
#: What a DLA core computes.
DLA_PRECISIONS = ("fp16", "int8")

#: Input -> its least, usual and largest shape.
Profile = Mapping[str, Sequence[Sequence[int]]]


def _profile(value: Any) -> Dict[str, List[List[int]]]:
    problem = ValueError("{input: (least, usual, largest) shapes}")
    try:
        profile = {str(name): [[int(size) for size in shape] for shape in shapes] for name, shapes in value.items()}
    except (AttributeError, TypeError, ValueError):
        raise problem from None
    for shapes in profile.values():
        ordered = len(shapes) == 3 and len({len(shape) for shape in shapes}) == 1
        if not ordered or any(not 0 < least <= usual <= largest for least, usual, largest in zip(*shapes)):
            raise problem
    return profile


OPTIONS = (
    Option(DLA_CORE, "the number of the DLA to run on; layers that it lacks run on the GPU", whole_number),
    Option(PROFILE, "least, usual and largest shape of each input of free size", _profile, {}),
    Option(OPTIMISATION_LEVEL, "how long the builder searches, as TensorRT numbers it", whole_number),
    Option(WORKSPACE_MIB, "the memory that a layer may use for itself, in MiB", whole_number),
    Option(OUTPUTS, "the outputs' names in order, for trtexec with an engine file of your own", names),
)


def usual_shape(profile: Profile, spec: TensorSpec) -> Tuple[int, ...]:
    """The shape that an engine is tuned for: the profile's, else the input's own."""
    return tuple(profile[spec.name][1]) if spec.name in profile else spec.shape


def require_within(profile: Profile, specs: Sequence[TensorSpec]) -> None:
    """Raise FrameworkError unless the profile names inputs, and the shape of each is within it."""
    unknown = sorted(set(profile) - {spec.name for spec in specs})
    if unknown:
        inputs = ", ".join(spec.name for spec in specs)
        raise FrameworkError(f"tensorrt.{PROFILE} names {', '.join(unknown)}, but the inputs are {inputs}")
    for spec in specs:
        least, _, largest = profile.get(spec.name, [spec.shape] * 3)
        if len(least) != len(spec.shape) or any(not a <= b <= c for a, b, c in zip(least, spec.shape, largest)):
            raise FrameworkError(
                f"input {spec.name!r}: the shape {list(spec.shape)} is not between {list(least)} and {list(largest)} "
                f"of tensorrt.{PROFILE}"
            )


def require_free(profile: Profile, free: Sequence[str]) -> None:
    """Raise FrameworkError unless all inputs that the profile names are of free size."""
    fixed = sorted(set(profile) - set(free))
    if fixed:
        raise FrameworkError(
            f"tensorrt.{PROFILE} names {', '.join(fixed)}, but of free size are {', '.join(free) or 'no inputs'}"
        )


def dla_refusal(options: Mapping[str, Any], precision: str) -> Optional[str]:
    """Why a DLA core that was asked for cannot compute the precision, or ``None``."""
    if options[DLA_CORE] is None or precision in DLA_PRECISIONS:
        return None
    return (
        f"a DLA core computes {' and '.join(DLA_PRECISIONS)}, not {precision}; leave out the option tensorrt.{DLA_CORE}"
    )
