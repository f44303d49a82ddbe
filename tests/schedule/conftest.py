from __future__ import annotations

from hypothesis import settings

# A machine that others use may pause an example for longer than any deadline.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
