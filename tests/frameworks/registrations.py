"""Frameworks of other packages, registered without an installation."""

from __future__ import annotations

from pathlib import Path


def register(folder: Path, distribution: str, name: str, value: str) -> None:
    """Write what an installed distribution with this entry point has in a folder of the search path."""
    information = folder / f"{distribution}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[edgeperf.frameworks]\n{name} = {value}\n")
