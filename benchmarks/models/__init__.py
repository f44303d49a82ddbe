"""The networks that the experiments run; ``tasks`` has their pre- and post-processing.

``benchmarks/`` is no package: pytest puts it on ``sys.path`` when it collects a test there, so that
``from models import build`` works from a checkout without installing anything.
"""

from __future__ import annotations

from models.networks import names
from models.zoo import build, build_from

__all__ = ["build", "build_from", "names"]
