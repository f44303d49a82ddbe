"""What a benchmark's body may want to catch; light, as benchmarks import it at collection."""

from __future__ import annotations


class EngineFailed(RuntimeError):
    """One of several engines could not be made, returned wrong outputs, or ended; the others were ended too."""

    @property
    def out_of_memory(self) -> bool:
        """Whether its reason, in the words of the runtime or of the system, is that there was no memory for it."""
        return "memory" in str(self).lower()
