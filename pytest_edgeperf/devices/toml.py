"""Read TOML on each Python: the standard library has no reader before 3.11."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, Optional


def read_toml(file: Path) -> Optional[Dict[str, Any]]:
    """What the file holds, or None where there is none.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not valid TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(file.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
