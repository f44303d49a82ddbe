"""Which release of L4T (Jetson Linux) runs, and the JetPack that it belongs to."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

from . import linux
from .findings import Finding, first
from .system_files import read_text
from .toml import read_toml

RELEASE = "/etc/nv_tegra_release"
DPKG = "/var/lib/dpkg/status"
KERNEL = "/proc/sys/kernel/osrelease"
VARIABLE = "L4T_VERSION"

_TABLE = Path(__file__).with_name("jetpack.toml")

_RELEASE = re.compile(r"#?\s*R([0-9]{1,3})\b.*\bREVISION:\s*([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})(?![0-9.])")
_CORE = "nvidia-l4t-core"
#: JetPack's own packages, which need not be installed; from JetPack 4.3 on.
_PRODUCTS = ("nvidia-jetpack", "nvidia-jetpack-runtime", "nvidia-jetpack-dev")
_PRODUCT_VERSION = re.compile(r"([0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9]{1,2})?)(?:[-+~].*)?\Z")
_VERSION = r"([0-9]{2}\.[0-9]{1,2}(?:\.[0-9]{1,2})?)"
#: Kernels of OpenEmbedded name the release: 5.15.148-l4t-r36.4.
_NAMED_KERNEL = re.compile(rf"-l4t-r{_VERSION}(?![0-9])")
_KERNEL = re.compile(r"([0-9]{1,2}\.[0-9]{1,3})\..*tegra")
#: Kernel -> the only series of L4T that has it; 6.8 belongs to two.
_SERIES = {"4.4": "28", "4.9": "32", "5.10": "35", "5.15": "36"}
#: L4T 34.1 has this one of the 5.10 kernels.
_FIRST_5_10 = "5.10.65"


def l4t(root: Path, environment: Mapping[str, str]) -> Finding:
    """The release, such as ``32.7.4``: from NVIDIA's file, else the installed package, else the container's
    ``$L4T_VERSION``, else the kernel's name, which names the series (``32``) only.

    ``environment`` counts in a container only, where its image sets that variable.
    """
    return first(
        (
            lambda: _of_file(root),
            lambda: _of_package(root),
            lambda: _of_container(root, environment),
            lambda: _of_kernel(root),
        )
    )


def jetpack(release: Finding, root: Optional[Path] = None) -> Finding:
    """The JetPack that is installed under ``root`` by its package, else that of an L4T release by NVIDIA's archives.

    A package knows releases that are newer than our table (``jetpack.toml``), but calls a developer preview (6.0 DP)
    by the number of the final release.
    """
    names = _PRODUCTS if root is not None else ()
    for version in (_PRODUCT_VERSION.match(_installed_version(root or Path("/"), name)[0] or "") for name in names):
        if version is not None:
            listed = _jetpacks().get(release.value or "", "")
            return Finding(listed if listed == f"{version.group(1)} DP" else version.group(1), DPKG)
    if release.value is None:
        return Finding(None, release.source, f"the L4T release is not known: {release.reason}")
    listed_version = _jetpacks().get(release.value)
    if listed_version is not None:
        return Finding(listed_version, release.source)
    if release.value.count(".") < 2:
        return Finding(None, release.source, f"{release.source} gives L4T {release.value} only, not its full release")
    return Finding(None, release.source, f"no known JetPack has L4T {release.value}")


def _of_file(root: Path) -> Finding:
    content = read_text(root, RELEASE)
    if content.text is None:
        return Finding(None, RELEASE if content.exists else None, content.reason or "")
    # R36 adds lines, of other things.
    match = _RELEASE.match(content.text.partition("\n")[0])
    if match is None:
        return Finding(None, RELEASE, f"{RELEASE} names no release in its first line")
    return Finding(_full(f"{match.group(1)}.{match.group(2)}"), RELEASE)


def _of_package(root: Path) -> Finding:
    text, missing = _installed_version(root, _CORE)
    if text is None:
        return missing
    version = re.match(rf"{_VERSION}(?![0-9.])", text)
    if version is None:
        return Finding(None, DPKG, f"{DPKG} has no version of {_CORE} that can be read")
    return Finding(_full(version.group(1)), DPKG)


def _installed_version(root: Path, name: str) -> Tuple[Optional[str], Finding]:
    """The version of a package, empty if unreadable; None and the reason where it is not installed."""
    content = read_text(root, DPKG)
    if content.text is None:
        return None, Finding(None, DPKG if content.exists else None, content.reason or "")
    package = re.search(rf"^Package: {re.escape(name)}\n((?:[^\n]+\n)*)", content.text + "\n", re.MULTILINE)
    fields = package.group(1) if package else ""
    if not re.search(r"^Status: .* installed$", fields, re.MULTILINE):
        return None, Finding(None, None, f"{DPKG} has no installed {name}")
    version = re.search(r"^Version:[ \t]*(\S+)$", fields, re.MULTILINE)
    return version.group(1) if version else "", Finding(None)


def _of_container(root: Path, environment: Mapping[str, str]) -> Finding:
    text = environment.get(VARIABLE, "")
    if not text or linux.container(root) is None:
        return Finding(None)
    match = re.fullmatch(rf"[rR]?{_VERSION}", text.strip())
    if match is None:
        return Finding(None, f"${VARIABLE}", f"${VARIABLE} is {text[:40]!r}, which is not a release")
    release = _full(match.group(1))
    kernel = _of_kernel(root)
    if kernel.value is not None and kernel.value.partition(".")[0] != release.partition(".")[0]:
        reason = f"${VARIABLE} says {release}, but {KERNEL} is one of L4T {kernel.value}"
        return Finding(kernel.value, KERNEL, reason)
    return Finding(release, f"${VARIABLE}")


def _of_kernel(root: Path) -> Finding:
    content = read_text(root, KERNEL)
    if content.text is None:
        return Finding(None, KERNEL if content.exists else None, content.reason or "")
    named = _NAMED_KERNEL.search(content.text)
    if named is not None:
        return Finding(named.group(1), KERNEL)
    match = _KERNEL.match(content.text)
    series = _SERIES.get(match.group(1)) if match else None
    if series is None or content.text.startswith(_FIRST_5_10):
        return Finding(None, KERNEL, f"{KERNEL} holds {content.text[:40]!r}, which names no L4T release")
    return Finding(series, KERNEL, f"{KERNEL} holds {content.text[:40]!r}, which names the series only")


def _full(release: str) -> str:
    """``36.5`` and ``36.5.0`` are one release."""
    return ".".join([*(str(int(part)) for part in release.split(".")), "0", "0"][:3])


@lru_cache(maxsize=None)
def _jetpacks() -> Dict[str, str]:
    return dict((read_toml(_TABLE) or {})["jetpack"])
