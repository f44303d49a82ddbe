"""Whether the next session will run on the same machine: a hosted CI runner or a virtual machine is only of a type."""

from __future__ import annotations

from pathlib import Path
from typing import List

from ..identity import Identity
from ..machine_identity import HYPERVISOR, ID, INSTANCE, RUNNER, SERIAL, machine
from .check import ADVICE, Check, ok, unknown

#: Of each session the environment has a section with the whole.
CHECK = "machine"
_REMEDY = "pytest --against=origin/main  # measures both commits on the same machine"


def checks(root: Path, identity: Identity) -> List[Check]:
    """What distinguishes this machine from others of its type, and so whether a stored baseline is from it."""
    known, absent = machine(root, identity)
    own = ", ".join(f"{name} {known[name]}" for name in (ID, SERIAL, INSTANCE) if name in known)
    if RUNNER in known:
        why = "Each job runs on another machine: a baseline and a check differ by 2 to 5 % without any change."
        return [Check(CHECK, ADVICE, f"a CI runner hosted by {known[RUNNER]}", why, _REMEDY)]
    if known.get(HYPERVISOR, "none") != "none":
        found = f"a virtual machine ({known[HYPERVISOR]}){f', {own}' if own else ''}"
        why = "Instances of one type can differ by 1 %, and other guests share the processors."
        return [Check(CHECK, ADVICE, found, why, _REMEDY)]
    if own:
        return [ok(CHECK, own)]
    why = "A baseline measured on another machine of this type cannot be recognised as such."
    return [unknown(CHECK, absent[ID], why)]
