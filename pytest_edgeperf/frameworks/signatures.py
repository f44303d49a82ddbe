"""Which input of a file is which of the model's, and whether it fits: for formats that keep names or order badly."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence

from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec


def numbered(names: Sequence[str]) -> Optional[List[int]]:
    """Where in ``names`` those are that end in 0, in 1, and so on; ``None`` where they are not numbered from 0."""
    ends = [re.search(r"(\d+)$", name) for name in names]
    numbers = [int(end.group(1)) if end else -1 for end in ends]
    if sorted(numbers) != list(range(len(numbers))):
        return None
    return [numbers.index(number) for number in range(len(numbers))]


def matched(model: Model, names: Sequence[Sequence[str]], path: str, in_order: bool) -> List[int]:
    """Which of a file's inputs each of the model's is: by any of its ``names``, else, where ``in_order``, by place.

    Raises:
        FrameworkError: the model has another number of inputs, or names that the file has not.
    """
    if not model.inputs:
        return list(range(len(names)))
    wanted = [spec.name for spec in model.inputs]
    places = [next((i for i, known in enumerate(names) if name in known), None) for name in wanted]
    if len(wanted) == len(names):
        known_places = [place for place in places if place is not None]
        if sorted(known_places) == list(range(len(names))):
            return known_places
        if in_order:
            return list(range(len(names)))
    raise FrameworkError(
        f"model {model.name!r} names the inputs {', '.join(wanted)}, but {path} has "
        f"{', '.join(known[0] for known in names) or 'none'}"
    )


def fitting(
    spec: Optional[TensorSpec], name: str, shape: Sequence[int], dtypes: Sequence[str], path: str
) -> TensorSpec:
    """The model's ``spec`` if it fits an input of a file (free sizes are -1), else, without one, the file's own.

    Raises:
        FrameworkError: it does not fit, or the file leaves more than the first dimension free.
    """
    if spec is None:
        sizes = []
        for position, size in enumerate(shape):
            if size <= 0 and position > 0:
                raise FrameworkError(
                    f"input {name!r} of {path}: dimension {position} is dynamic; "
                    f"give its size with Model(inputs=[TensorSpec({name!r}, shape=(...))])"
                )
            sizes.append(size if size > 0 else 1)
        return TensorSpec(name, tuple(sizes), dtypes[0])
    fits = len(spec.shape) == len(shape) and all(size in (own, -1) for own, size in zip(spec.shape, shape))
    if fits and spec.dtype in dtypes:
        return spec
    last = tuple(spec.shape[:1] + spec.shape[2:] + spec.shape[1:2])
    hint = " (its channels are last)" if len(shape) == 4 and last == tuple(shape) else ""
    raise FrameworkError(
        f"input {spec.name!r}: the model says {spec.dtype} {list(spec.shape)}, "
        f"but {path} has {' or '.join(dtypes)} {list(shape)}{hint}"
    )
