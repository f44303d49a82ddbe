"""Checks the user's weights against the networks that they are named after, before anything is measured.

``python -m models.weights_check``, with ``benchmarks`` on the path, does so and names each file that is wrong. A folder
that was found right is not read again until a file changes.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Iterator

from models import given_weights, kept_files
from models.networks import known
from pytest_edgeperf import FrameworkError, cache_folder


def verify() -> None:
    """Check the folder in a process of its own: torch is not for the one that starts the others.

    Without torch nothing is loaded from the files, and their exports were checked when they were made.

    Raises:
        ValueError: a file is wrong, or there is none; the message names it.
    """
    files = given_weights.files()
    if not files:
        raise ValueError(f"--weights: no file of the folder ends in {', '.join(given_weights.SUFFIXES)}")
    for path in files:
        try:
            known(path.stem)
            given_weights.file_of(path.stem)
        except FrameworkError as error:
            raise ValueError(f"--weights {path}: {error}") from None
    if importlib.util.find_spec("torch") is None:
        return
    right = cache_folder("models", strict=True) / f"weights-{given_weights.digest()[:16]}.right"
    if right.is_file() and kept_files.untrusted(right) is None:
        return
    child = kept_files.run_module("models.weights_check")
    if child.returncode != 0:
        raise ValueError("\n".join((child.stderr.strip() or "the check of --weights failed").splitlines()[-15:]))
    with kept_files.replacing(right) as file:
        file.write_text("", "utf-8")


def wrong() -> Iterator[str]:
    """What is wrong with each file. Needs torch."""
    import torch

    for path in given_weights.files():
        try:
            network = known(path.stem)
            with torch.device("meta"):
                expected = given_weights.shapes(network.architecture().state_dict())
            text = given_weights.mismatch(expected, given_weights.shapes(given_weights.read(path)))
        except FrameworkError as error:
            yield str(error)
        else:
            if text:
                yield f"--weights {path}: is not a state dict of {network.name}: {text}"


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    texts = list(wrong())
    for text in texts:
        print(text, file=sys.stderr)
    return 1 if texts else 0


if __name__ == "__main__":
    sys.exit(main())
