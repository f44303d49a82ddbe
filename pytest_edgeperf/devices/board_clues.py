"""What identifies a Jetson or a Raspberry Pi where its device tree is hidden, as Docker hides it.

A container's /sys/firmware is masked, so that /proc/device-tree leads nowhere; the kernel's release, its list of
processors, the sensors and, where mounted, L4T's release file are still those of the board.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional, Tuple

from . import linux
from .cpu_names import arm_parts
from .profile import JETSON, RASPBERRY_PI
from .system_files import is_folder, names_in, read_strings, read_text

#: Where a container can be given the device tree: what is mounted below /proc or /sys/firmware is masked again.
MOUNTED_TREE = "/mnt/device-tree"
#: Where the device tree may be.
TREES = ("/proc/device-tree", "/sys/firmware/devicetree/base", MOUNTED_TREE)
MOUNT = f"docker run -v /sys/firmware/devicetree/base:{MOUNTED_TREE}:ro"

_CPUINFO = "/proc/cpuinfo"
_SOC = "/sys/devices/soc0"
_HWMON = "/sys/class/hwmon"
_RELEASE = "/etc/nv_tegra_release"
_PRODUCT = "/sys/class/dmi/id/product_name"
_VENDOR = "/sys/class/dmi/id/sys_vendor"

#: tegra_get_chip_id() of Linux, drivers/soc/tegra/fuse: what soc_id holds, in decimal.
_CHIPS = {
    "33": "tegra210",
    "24": "tegra186",
    "25": "tegra194",
    "35": "tegra234",
    "38": "tegra264",
}
#: Releases of NVIDIA's and OpenEmbedded's kernels for Tegra; of the Raspberry Pi's own, Debian's and Ubuntu's.
_TEGRA_KERNEL = re.compile(r"[-+]tegra\b|-l4t-r[0-9]|-l4t\b")
_PI_KERNEL = re.compile(r"[-+](?:rpt-)?rpi\b|-raspi\b|-v(?:6|7|7l|8|8-16k)\+|[-+]raspberrypi")
#: Implementer and parts of the processors that only a Tegra has: Denver, Denver 2 and Carmel.
_TEGRA_CPUS = {(0x4E, 0x000), (0x4E, 0x003), (0x4E, 0x004)}
_PI_MODEL = re.compile(r"^Model\s*:\s*(Raspberry Pi\b.*)$", re.MULTILINE)
_PI_CHIP = re.compile(r"^Hardware\s*:\s*BCM2[78][0-9]{2}\b", re.MULTILINE)
#: Rails that only a Jetson's power monitor calls so; VDD_IN alone could be another board's.
_RAILS = re.compile(r"VDD_CPU_GPU_CV|VDD_CPU_GPU|VDD_GPU_SOC|VDD_CPU_CV|VDD_CPU_SOC_MSS|POM_5V_\w+|VDD_SYS_(?:CPU|GPU)")


@dataclass(frozen=True)
class Sign:
    """Evidence that this is a board of this family: the file, what it says, and the model and chip if known."""

    family: str
    file: str
    says: str
    model: Optional[str] = None
    soc: Optional[str] = None


def sign(root: Path) -> Optional[Sign]:
    """The first sign of a Jetson or a Raspberry Pi, the surest first; None on other machines."""
    if re.search(r"^(?:vendor_id|flags)\s*:", read_text(root, _CPUINFO).text or "", re.MULTILINE):
        # An x86 host that flashes boards, or builds images of them, may have their files.
        return None
    looks: Tuple[Callable[[Path], Optional[Sign]], ...] = (
        _tree_model,
        _chip,
        _product,
        _pi_model,
        _kernel,
        _sensors,
        _processor,
        _release,
    )
    return next((clue for clue in (look(root) for look in looks) if clue is not None), None)


def hint(root: Path) -> str:
    """How to let this process see the device tree."""
    inside = linux.container(root)
    where = f"the container ({inside}) hides the device tree" if inside else "the device tree is hidden"
    return f"{where}; to show it: {MOUNT} (or --security-opt systempaths=unconfined)"


def _tree_model(root: Path) -> Optional[Sign]:
    for tree in TREES:
        model = next(iter(read_strings(root, f"{tree}/model")[0]), "")
        family = (
            RASPBERRY_PI if model.startswith("Raspberry Pi") else JETSON if re.search(r"\bJetson\b", model) else None
        )
        if family is not None:
            return Sign(family, f"{tree}/model", model, model)
    return None


def _chip(root: Path) -> Optional[Sign]:
    if read_text(root, f"{_SOC}/family").text != "Tegra":
        return None
    soc = _CHIPS.get(read_text(root, f"{_SOC}/soc_id").text or "")
    return Sign(JETSON, f"{_SOC}/family", "Tegra", read_text(root, f"{_SOC}/machine").text, soc)


def _product(root: Path) -> Optional[Sign]:
    product = read_text(root, _PRODUCT).text or ""
    return Sign(JETSON, _PRODUCT, product, product) if re.search(r"\bJetson\b", product) else None


def _pi_model(root: Path) -> Optional[Sign]:
    text = read_text(root, _CPUINFO).text or ""
    model = _PI_MODEL.search(text)
    if model is not None:
        name = model.group(1).strip()
        return Sign(RASPBERRY_PI, _CPUINFO, name, name)
    chip = _PI_CHIP.search(text)
    return Sign(RASPBERRY_PI, _CPUINFO, chip.group(0)) if chip is not None else None


def _kernel(root: Path) -> Optional[Sign]:
    file = "/proc/sys/kernel/osrelease"
    release = read_text(root, file).text or ""
    for pattern, family in ((_TEGRA_KERNEL, JETSON), (_PI_KERNEL, RASPBERRY_PI)):
        if pattern.search(release):
            return Sign(family, file, release[:60])
    return None


def _sensors(root: Path) -> Optional[Sign]:
    for folder in ("/sys/devices/platform/soctherm-oc-event", "/sys/bus/i2c/drivers/ina3221x"):
        if is_folder(root, folder):
            return Sign(JETSON, folder, "a sensor of Tegra's")
    for entry in names_in(root, _HWMON):
        folder = f"{_HWMON}/{entry}"
        name = read_text(root, f"{folder}/name").text
        if name == "rpi_volt":
            return Sign(RASPBERRY_PI, f"{folder}/name", name)
        label = read_text(root, f"{folder}/in2_label").text or read_text(root, f"{folder}/in1_label").text or ""
        if name == "soctherm_oc" or (name == "ina3221" and _RAILS.fullmatch(label)):
            return Sign(JETSON, folder, f"{name} {label}".strip())
    return None


def _processor(root: Path) -> Optional[Sign]:
    return Sign(JETSON, _CPUINFO, "a processor of NVIDIA's Tegra") if arm_parts(root) & _TEGRA_CPUS else None


def _release(root: Path) -> Optional[Sign]:
    line = (read_text(root, _RELEASE).text or "").partition("\n")[0]
    vendor = read_text(root, _VENDOR).text
    # Images for Jetsons have this file, and run on servers too.
    if not re.match(r"#?\s*R[0-9]{2}\b", line) or vendor not in (None, "", "NVIDIA"):
        return None
    return Sign(JETSON, _RELEASE, line[:60])
