"""How much more work twice the size is: calls of Python functions, or processor time where there are none."""

from __future__ import annotations

import sys
import time
from typing import Any, Callable


def calls(function: Callable[[], Any]) -> int:
    """How many Python and C functions are called while ``function`` runs: the same on any machine."""
    number = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return number


def cpu_s(function: Callable[[], Any]) -> float:
    """The least processor time of five tries."""
    taken = []
    for _ in range(5):
        began = time.process_time()
        function()
        taken.append(time.process_time() - began)
    return min(taken)
