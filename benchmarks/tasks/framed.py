"""Photographs of several proportions, as cameras take them."""

from __future__ import annotations

from typing import Any, List

from tasks.images import photographs


def photographs_of(proportions: str) -> List[Any]:
    """Four photographs of 640x480, or their middle of 640x360."""
    photos = photographs(4)
    return list(photos) if proportions == "4:3" else [photo[60:420] for photo in photos]
