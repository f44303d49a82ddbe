"""What a benchmark's body may want to catch; light, as benchmarks import it at collection."""

from __future__ import annotations


class EngineFailed(RuntimeError):
    """One of several engines could not be made, returned wrong outputs, or ended; the others were ended too."""
