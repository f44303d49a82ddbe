"""Which OpenCV is installed, by its own files: several distributions bring the one package cv2."""

from __future__ import annotations

import functools
import mmap
import re
from pathlib import Path
from typing import Optional, Tuple

from pytest_edgeperf.frameworks.building import version_of

#: They all install the one package cv2, and overwrite each other's files.
DISTRIBUTIONS = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)
UNKNOWN = "unknown build"
#: How the name of the shared library that an extension module needs shows its release: "4.5", or "406" for 4.6.
SONAME = re.compile(rb"libopencv_core\.so\.(\d+)(?:\.(\d+))?")
BUILT_IN = re.compile(rb"General configuration for OpenCV (\d+\.\d+\.\d+)")


def release(version: str) -> Tuple[int, ...]:
    """Major and minor number; nothing of an unknown build."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


@functools.lru_cache(maxsize=None)
def version_at(origin: str) -> str:
    """The version of the cv2 whose module is at ``origin``.

    From the version file of the wheels; else from a distribution's metadata; else from what the extension module (of a
    system's package, such as JetPack's, or of one's own build) has built in or links to, which may lack the patch.
    """
    path = Path(origin)
    folder = next((parent for parent in path.parents if parent.name == "cv2"), None)
    if folder is not None and (folder / "version.py").is_file():
        match = re.search(r"opencv_version\s*=\s*[\"']([^\"']+)", (folder / "version.py").read_text("utf-8"))
        if match is not None:
            return match.group(1)
    modules = [path] if path.suffix == ".so" else sorted((folder or path.parent).rglob("cv2*.so"))
    for module in modules:
        version = version_in(module)
        if version is not None:
            return version
    return next((version for version in map(version_of, DISTRIBUTIONS) if version is not None), UNKNOWN)


def version_in(module: Path) -> Optional[str]:
    """The release that an extension module has built in, or links to; ``None`` where it says neither."""
    with module.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        whole = BUILT_IN.search(content)
        if whole is not None:
            return whole.group(1).decode()
        linked = SONAME.search(content)
        if linked is None:
            return None
        first, second = (number.decode() if number else "" for number in linked.groups())
        # "406" is 4.6, as Debian and newer releases number it
        return f"{first}.{second}" if second else f"{int(first) // 100}.{int(first) % 100}"
