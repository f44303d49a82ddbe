"""Figures that others published: where they are kept, and why nothing is judged by them.

A run with a ``source`` is one number from a paper's table. Such runs stand beside a session's own figures; they are
no baseline, as nothing is known of how they scatter and of most of what they depend on.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Iterator, List, Tuple, Union

from .decoding import insist_on_file
from .errors import ResultsError
from .reading import read
from .types import Results, Run

#: The folder within that of the baselines, and its name in an installed package.
FOLDER = "published"
#: The device of what holds on any device, such as the operations of a network.
ANY_DEVICE = "any"

_PACKAGE = Path(__file__).resolve().parents[1]


def published_runs(results: Results) -> List[Run]:
    """The runs that are figures of a paper."""
    return [run for benchmark in results.benchmarks.values() for run in benchmark.runs if run.source is not None]


def refuse_published(results: Results, what: str) -> None:
    """Insist on runs that were measured; ``what`` names the results in the error.

    Raises:
        ResultsError: a run is a published figure.
    """
    runs = published_runs(results)
    if runs:
        papers = sorted({str((run.source or {})["paper"]) for run in runs})
        raise ResultsError(
            f"{what}: published figures ({', '.join(papers)}) are included, but they are for information only; "
            f"keep them in a folder {FOLDER}, see them with `edgeperf baseline references`, and make a baseline with "
            "--baseline=refresh"
        )


def folders(baselines: Union[str, os.PathLike[str]]) -> List[Path]:
    """Where published figures are searched: beside the project's own baselines, then in this package."""
    installed = _PACKAGE / FOLDER
    ours = installed if installed.is_dir() else _PACKAGE.parent / "baselines" / FOLDER
    own = Path(baselines) / FOLDER
    return [own] if os.path.realpath(own) == os.path.realpath(ours) else [own, ours]


def published_of(device: str, baselines: Union[str, os.PathLike[str]]) -> Tuple[List[Results], List[str]]:
    """All published figures of a device and of any, and for each file that cannot be used a sentence that says why."""
    usable: List[Results] = []
    unusable: List[str] = []
    files = _files(baselines)
    for path in (path for name in dict.fromkeys((device, ANY_DEVICE)) for path in files.get(name, ())):
        try:
            insist_on_file(path)
            results = read(path)
        except ResultsError as error:
            unusable.append(f"published figures are not shown: {error}")
            continue
        if results.device == path.stem:
            usable.append(results)
        else:
            unusable.append(
                f"published figures are not shown: {path}: its device is {results.device}, not {path.stem}; "
                "rename the file"
            )
    return usable, unusable


def devices_with_figures(baselines: Union[str, os.PathLike[str]]) -> List[str]:
    """The devices of which there are published figures."""
    return sorted(name for name in _files(baselines) if name != ANY_DEVICE)


def _files(baselines: Union[str, os.PathLike[str]]) -> Dict[str, List[Path]]:
    files: Dict[str, List[Path]] = {}
    for path in _json_files(baselines):
        files.setdefault(path.stem, []).append(path)
    return files


def _json_files(baselines: Union[str, os.PathLike[str]]) -> Iterator[Path]:
    for folder in folders(baselines):
        yield from sorted(folder.glob("*.json"))
