"""The operators of XNNPACK, as the runtimes that hand their networks to it report them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Iterable, Iterator, Tuple

from pytest_edgeperf.frameworks.profiling import OperatorTime

#: ``Convolution (NHWC, F32) IGEMM``, and with a number where the runtime counts.
_OPERATOR = re.compile(r"(?P<kind>.*?)(?: (?P<kernel>\(.*?))?(?: #\d+)?", re.DOTALL)


def operators(times_ms: Iterable[Tuple[str, float]]) -> Iterator[OperatorTime]:
    """The operators of one inference in their order, from names such as ``Convolution (NHWC, F32) IGEMM #7``.

    They are numbered within their kind, so that one of another kind that came in between renames none. The kernel that
    XNNPACK chose is what computed them.
    """
    seen: Counter[str] = Counter()
    for told, time_ms in times_ms:
        match = _OPERATOR.fullmatch(told)
        kind = (match["kind"] if match is not None else "") or told or "operator"
        kernel = match["kernel"] if match is not None else None
        # As operators are called that nobody named: explanations match these by their order.
        name = kind.replace(" ", "") or "operator"
        seen[name] += 1
        provider = f"XNNPACK {kernel}" if kernel else None
        yield OperatorTime(f"{name}_{seen[name]}", kind, time_ms, (), provider)
