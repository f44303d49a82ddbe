"""From what a user passes (a path, a :class:`Model`) to a :class:`Model`, and from there to a source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Optional

from pytest_edgeperf.frameworks import registry
from pytest_edgeperf.frameworks.files_read import note_model
from pytest_edgeperf.frameworks.formats import SourceFormat
from pytest_edgeperf.frameworks.interface import Framework, FrameworkError, Model, ModelLike
from pytest_edgeperf.frameworks.stages import UNCOUNTED, stage


def as_model(model: ModelLike, framework: Optional[Framework] = None) -> Model:
    """A model from a path, named by the file; a :class:`Model` is returned as it is.

    The file is of the formats that ``framework`` declares for it; else of those that any registered framework does.
    No file is ever unpickled in Python: a pickled module, a state dict and a ``torch.export`` archive
    (whose loader unpickles) are refused.

    Raises:
        FrameworkError: the file is missing, no framework declares its format, or it would have to be unpickled.
    """
    if isinstance(model, Model):
        return model
    path = Path(model).absolute()
    own = [declared for declared in framework.formats if declared.fits(path)] if framework is not None else []
    formats = own or [declared for declared in registry.formats() if declared.fits(path)]
    if formats:
        sources = {declared.name: declared.source_of(path) for declared in reversed(formats)}
        return Model(path.name if path.is_dir() else path.stem, sources)
    if not path.is_file():
        raise FrameworkError(f"model file {path} does not exist")
    known = sorted({suffix for declared in registry.formats() for suffix in declared.suffixes})
    raise FrameworkError(
        f"model file {path}: unknown kind {path.suffix or '(no suffix)'!r}; give a file of a kind that a framework "
        f"reads ({', '.join(known)}), or a Model" + "".join(f"; {reason}" for reason in registry.unusable())
    )


def missing_source(model: Model, wanted: SourceFormat) -> str:
    """Why a runtime that reads a format cannot run ``model``, with the remedy."""
    return f"{_absent(model, wanted.name)}; {wanted.advice}: Model(sources={{{wanted.name!r}: ...}})"


def best_source(model: Model, kind: str, precision: str) -> Optional[str]:
    """The key of the source that a runtime which reads ``kind`` should take: the one in the precision,
    else the plain one; ``None`` where there is neither.
    """
    return next((key for key in (f"{kind}:{precision}", kind) if key in model.sources), None)


def obtain(model: Model, kind: str) -> Any:
    """What the model's source ``kind`` gives.

    Raises:
        FrameworkError: there is no such source, or it is not a function.
    """
    if kind not in model.sources:
        raise FrameworkError(
            f"{_absent(model, kind)}; add a function that returns it: Model(sources={{{kind!r}: ...}})"
        )
    source = model.sources[kind]
    if not callable(source):
        raise FrameworkError(
            f"model {model.name!r}: sources[{kind!r}] is a {type(source).__name__}, not a function; give a function "
            "that returns it"
        )
    try:
        obtained = source()
        note_model(obtained)
        return obtained
    except FileNotFoundError as error:
        raise FrameworkError(f"model {model.name!r}: what sources[{kind!r}] reads is missing: {error}") from error


@stage(UNCOUNTED)
def file_of(model: Model, kind: str) -> str:
    """The path that the model's source ``kind`` gives.

    Raises:
        FrameworkError: as :func:`obtain`, or no file is there.
    """
    return existing(str(obtain(model, kind)), model)


def existing(path: str, model: Model) -> str:
    """``path`` as it is, when a file of the model's is there.

    Raises:
        FrameworkError: there is none.
    """
    if not os.path.isfile(path):
        raise FrameworkError(f"model {model.name!r}: the file {path} does not exist")
    return path


def _absent(model: Model, kind: str) -> str:
    return f"model {model.name!r} has no {kind!r} source, only: {', '.join(sorted(model.sources)) or 'none'}"
