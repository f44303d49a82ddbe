"""The entry points of installed packages, whatever their folders are called."""

from __future__ import annotations

import pytest

from pytest_edgeperf.devices.packages import entry_points

GROUP = "edgeperf.devices"


def install(folder, name, entry="board = package:profiles", *, dist_info):
    target = folder / dist_info
    target.mkdir(parents=True)
    (target / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (target / "entry_points.txt").write_text(f"[{GROUP}]\n{entry}\n" if entry else "[console_scripts]\n", "utf-8")


@pytest.mark.parametrize("dist_info", ["my_boards-1.0.dist-info", "my-boards-1.0.dist-info", "My.Boards-1.0.dist-info"])
def test_a_package_is_found_by_what_it_calls_itself(tmp_path, dist_info):
    install(tmp_path, "my-boards", dist_info=dist_info)
    registered = entry_points(GROUP, (str(tmp_path),))
    assert [(entry.value, package) for entry, package in registered] == [("package:profiles", "my-boards")]


def test_of_two_the_first_on_the_path_counts_also_where_it_registers_nothing(tmp_path):
    install(tmp_path / "first", "boards", "", dist_info="boards-2.0.dist-info")
    install(tmp_path / "second", "boards", dist_info="boards-1.0.dist-info")
    assert entry_points(GROUP, (str(tmp_path / "first"), str(tmp_path / "second"))) == ()
    assert len(entry_points(GROUP, (str(tmp_path / "second"), str(tmp_path / "first")))) == 1
