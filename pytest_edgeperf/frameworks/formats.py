"""Formats in which frameworks take networks, and the files that are of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Callable, Optional, Tuple

from pytest_edgeperf.frameworks.errors import FrameworkError


@dataclass(frozen=True)
class SourceFormat:
    """A format in which a framework takes a network: a key of ``Model.sources``.

    A framework declares what it reads, and a path of a user then becomes a model with this source.
    """

    name: str
    #: Of the files in this format: ``(".onnx",)``.
    suffixes: Tuple[str, ...] = ()
    #: The suffix of a second file, which lies beside the first under the same name.
    companion: Optional[str] = None
    #: A file whose folder as a whole is in this format.
    folder_with: Optional[str] = None
    #: How to add this source to a model that lacks it.
    remedy: str = ""
    #: What becomes of a path, where that is not the path itself: the function that is the model's source.
    #: It raises FrameworkError for a file that must not be opened.
    source: Optional[Callable[[Path], Callable[[], Any]]] = None

    def fits(self, path: Path) -> bool:
        """Whether there is a file, or a folder, of this format."""
        if self.folder_with is not None and (path / self.folder_with).is_file():
            return True
        return path.suffix in self.suffixes and path.is_file()

    def source_of(self, path: Path) -> Callable[[], Any]:
        """The function that gives the network in the file.

        Raises:
            FrameworkError: the second file is missing, or the file must not be opened.
        """
        if self.source is not None:
            return self.source(path)
        if self.companion is None:
            return partial(str, path)
        companion = path.with_suffix(self.companion)
        if not companion.is_file():
            raise FrameworkError(f"model file {companion} does not exist; it belongs to {path.name}")
        return partial(_texts, path, companion)

    @property
    def advice(self) -> str:
        """How to add this source to a model that lacks it, as part of a sentence."""
        return self.remedy or f"add a function that returns what {self.name} reads"


ONNX = SourceFormat(
    "onnx",
    (".onnx",),
    remedy="export it once with torch.onnx.export and add a function that returns the file's path",
)


def _texts(*paths: Path) -> Tuple[str, ...]:
    return tuple(map(str, paths))
