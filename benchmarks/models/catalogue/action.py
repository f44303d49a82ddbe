"""Networks of action recognition, whose inputs are clips."""

from __future__ import annotations

from typing import Tuple

from models.network import Network

NETWORKS: Tuple[Network, ...] = ()
