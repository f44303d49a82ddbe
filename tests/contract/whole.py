"""What takes minutes, and is left to ``tox run -e frameworks``."""

from __future__ import annotations

import os

import pytest

whole = pytest.mark.skipif(
    "EDGEPERF_WHOLE_CONTRACT" not in os.environ, reason="takes minutes; tox run -e frameworks has it"
)
