"""What sessions that tests start in processes of their own have in common."""

from __future__ import annotations

#: Importing all plugins that happen to be installed takes longer than most of these sessions measure.
PLUGIN_ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p edgeperf"}


def folder_of_all_processes(tmp_path_factory, config):
    """A folder for what all processes of xdist's share; whoever makes something in it holds a lock."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if hasattr(config, "workerinput") else base


def own_folder(tmp_path_factory, name):
    """A module's own folder for all examples of its tests, which would take another's files for their own."""
    folder = tmp_path_factory.getbasetemp() / name
    folder.mkdir(exist_ok=True)
    return folder
