"""Networks of the experiments that several tests need: made once for all of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .sessions import folder_of_all_processes

#: A cache that outlives the tests, if there is one: what they export for no test of its own is found in it.
KEPT = os.environ.get("EDGEPERF_CACHE_DIR")


def cache_with(tmp_path_factory, config, networks):
    """A cache that holds these networks (name, resolution), each made once for all tests, of all processes of xdist's.

    It is that of the user where one is named, so that networks are found which were made before, and by the benchmarks.

    They are trained and exported in this process: a child would import torch again for each. ``benchmarks`` is on the
    path by then.
    """
    from models import training
    from models.export import export
    from models.networks import known

    own = folder_of_all_processes(tmp_path_factory, config) / "-".join(name for name, _ in networks)
    folder = Path(KEPT) if KEPT else own
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEPERF_CACHE_DIR", str(folder))
        for name, resolution in networks:
            network = known(name)
            if network.training:
                training.train(network)
            export(network, resolution)
    return folder


def identity(path):
    """Equal as long as a file is neither written nor replaced; reading it changes the time of the last access only."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
