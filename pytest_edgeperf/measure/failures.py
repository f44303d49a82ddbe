"""What a benchmark's body may want to catch; light, as benchmarks import it at collection."""

from __future__ import annotations

#: What runtimes write where an allocation failed, and what of it is said of wrong addresses instead.
NO_MEMORY = ("memory", "oom when allocating")
WRONG_ADDRESS = ("illegal memory access", "invalid memory access")


class EngineFailed(RuntimeError):
    """One of several engines could not be made, returned wrong outputs, or ended; the others were ended too."""

    @property
    def out_of_memory(self) -> bool:
        """Whether its reason, in the words of the runtime or of the system, is that there was no memory for it."""
        reason = str(self).lower()
        return any(text in reason for text in NO_MEMORY) and not any(text in reason for text in WRONG_ADDRESS)
