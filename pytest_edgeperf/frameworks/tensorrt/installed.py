"""Which TensorRT is installed for this Python, and on which system."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Optional

#: Distributions whose version is that of the module ``tensorrt``; JetPack's packages are the first.
DISTRIBUTIONS = ("tensorrt", "tensorrt-cu13", "tensorrt-cu12", "tensorrt-cu11")
L4T = Path("/etc/nv_tegra_release")


def l4t_release() -> Optional[str]:
    """The release of Jetson's system, such as ``35.4.1``, or ``None`` elsewhere."""
    try:
        text = L4T.read_text("utf-8", "replace")
    except OSError:
        return None
    match = re.search(r"R(\d+)[^,]*,\s*REVISION:\s*([\d.]+)", text)
    return f"{match.group(1)}.{match.group(2)}" if match else text.strip()[:40]


def version_in(origin: str) -> Optional[str]:
    """The version of a module without metadata: from its text, else from an import in a child process."""
    for name in ("version.py", "_version.py", "__init__.py"):
        try:
            text = Path(origin).with_name(name).read_text("utf-8", "replace")
        except OSError:
            continue
        match = re.search(r"^__version__\s*=\s*[\"']([^\"']+)", text, re.MULTILINE)
        if match:
            return match.group(1)
    return _imported_version(origin)


@functools.lru_cache(maxsize=None)
def _imported_version(origin: str) -> Optional[str]:
    child = subprocess.run(
        [sys.executable, "-c", "import tensorrt; print(tensorrt.__version__)"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return child.stdout.strip() or None if child.returncode == 0 else None
