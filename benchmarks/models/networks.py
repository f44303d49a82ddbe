"""The table of networks, joined from ``models.catalogue``, which has one file a task."""

from __future__ import annotations

import re
from dataclasses import replace
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


#: A classifier with another number of classes than its own: ``resnet50-2-classes``.
_OTHER_CLASSES = re.compile("(?P<name>.+)-(?P<classes>[0-9]+)-classes")
_CLASSIFIERS = ("classification", "action")


def known(name: str) -> Network:
    """The network of that name; ``resnet50-2-classes`` is ``resnet50`` with two classes.

    Raises:
        FrameworkError: there is none; the message names them, or says why it was left out. Or it has no classes to
            choose, or was trained for its own.
    """
    with_classes = _OTHER_CLASSES.fullmatch(name)
    if with_classes is not None:
        return _with_classes(known(with_classes["name"]), name, int(with_classes["classes"]))
    if name in detection.LEFT_OUT:
        raise FrameworkError(f"{name} is not among the networks: {detection.LEFT_OUT[name]}")
    if name not in NETWORKS:
        raise FrameworkError(f"no network is called {name!r}; known: {', '.join(names())}")
    return NETWORKS[name]


def _with_classes(network: Network, name: str, classes: int) -> Network:
    if network.task not in _CLASSIFIERS or network.classes is not None:
        raise FrameworkError(f"{name}: {network.name} is no classifier whose classes can be chosen")
    if network.training:
        raise FrameworkError(f"{name}: {network.name} is trained for its own classes")
    if classes < 2:
        raise FrameworkError(f"{name}: a classifier has two classes or more, not {classes}")
    # what papers print is of its own classes
    return replace(network, name=name, classes=classes, uses=(*network.uses, "models/heads"), published={})
