"""The operators of XNNPACK, as the runtimes that hand their networks to it report them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Iterable, Iterator, Tuple

from pytest_edgeperf.frameworks.profiling import OperatorTime

#: The number that a runtime may have given an operator.
_NUMBER = re.compile(r" #\d+$")


def operators(times_ms: Iterable[Tuple[str, float]]) -> Iterator[OperatorTime]:
    """The operators of one inference in their order, from names such as ``Convolution (NHWC, F32) IGEMM``.

    They are numbered within their name, so that an operator of another kind that came in between renames none.
    """
    seen: Counter[str] = Counter()
    for told, time_ms in times_ms:
        name = _NUMBER.sub("", told)
        seen[name] += 1
        yield OperatorTime(f"{name} #{seen[name]}", name.partition(" (")[0], time_ms)
