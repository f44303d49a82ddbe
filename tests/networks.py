"""Networks of the experiments that several tests need: made once for all of them."""

from __future__ import annotations

import pytest

from .sessions import folder_of_all_processes


def cache_with(tmp_path_factory, config, networks):
    """A cache that holds these networks (name, resolution), each made once for all tests, of all processes of xdist's.

    They are trained and exported in this process: a child would import torch again for each. ``benchmarks`` is on the
    path by then.
    """
    from models import training
    from models.export import export
    from models.networks import known

    folder = folder_of_all_processes(tmp_path_factory, config) / "-".join(name for name, _ in networks)
    folder.mkdir(mode=0o700, exist_ok=True)
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
