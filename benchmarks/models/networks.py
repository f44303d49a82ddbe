"""The table of networks, joined from ``models.catalogue``, which has one file a task."""

from __future__ import annotations

from typing import List

from models.catalogue import action, classification, detection, pose, segmentation
from models.network import Network
from pytest_edgeperf import FrameworkError

NETWORKS = {
    network.name: network
    for table in (classification, detection, segmentation, pose, action)
    for network in table.NETWORKS
}


def names() -> List[str]:
    """The names of all networks."""
    return sorted(NETWORKS)


def known(name: str) -> Network:
    """The network of that name.

    Raises:
        FrameworkError: there is none; the message names them, or says why it was left out.
    """
    if name in detection.LEFT_OUT:
        raise FrameworkError(f"{name} is not among the networks: {detection.LEFT_OUT[name]}")
    if name not in NETWORKS:
        raise FrameworkError(f"no network is called {name!r}; known: {', '.join(names())}")
    return NETWORKS[name]
