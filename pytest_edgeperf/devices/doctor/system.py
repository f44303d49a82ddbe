"""Other properties of the system: disk, containers, memory layout, word size, suspended USB devices."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import List, Optional

from .. import board_clues, linux
from ..identity import Identity
from ..l4t import RELEASE, l4t
from ..profiles import JETSON, RASPBERRY_PI
from ..software import software
from ..system_files import exists, names_in, read_number, read_text
from .check import ADVICE, PROBLEM, Check, ok, unknown

_NAMES = {
    "l4t": "L4T",
    "jetpack": "JetPack",
    "nvidia_driver": "driver",
    "cuda": "CUDA",
    "cudnn": "cuDNN",
    "tensorrt_library": "TensorRT",
    "tensorrt_binding": "TensorRT for Python",
    "tensorrt_trtexec": "trtexec",
}
_LAYOUT = "/proc/sys/kernel/randomize_va_space"
_USB = "/sys/bus/usb/devices"
_LEAST_FREE_GIB = 1.0
_GIB = float(1 << 30)


def checks(root: Path, identity: Identity) -> List[Check]:
    """Storage and memory layout; container, word size and USB devices where they matter."""
    results = [check for check in (_storage(root), _layout(root)) if check is not None]
    if identity.is_hidden:
        why = "Without the device tree the board has no profile, and its baseline no name of its own."
        results.append(Check("device-tree", ADVICE, identity.reason.partition(";")[0], why, f"{board_clues.MOUNT} ..."))
    if identity.family == JETSON:
        results += [check for check in (_container(root),) if check is not None]
    if identity.family == JETSON or exists(root, "/proc/driver/nvidia"):
        results.append(_software(root, identity))
    if identity.family == RASPBERRY_PI:
        results.append(_word_size(root))
    if identity.family in (JETSON, RASPBERRY_PI):
        results += [check for check in (_usb(root),) if check is not None]
    return results


def _storage(root: Path) -> Optional[Check]:
    card = re.search(r"^(/dev/mmcblk\S+) / ", read_text(root, "/proc/mounts").text or "", re.MULTILINE)
    free_gib = _free_gib(root)
    if free_gib is not None and free_gib < _LEAST_FREE_GIB:
        found = f"{free_gib:.1f} GiB are free on /"
        why = "Results, models and engines are written to disk; a full disk ends the session."
        return Check("storage", PROBLEM, found, why, "df -h; sudo apt clean  # then remove what is not needed")
    if card is not None:
        found = f"/ is on {card.group(1)}" + (f", {free_gib:.1f} GiB are free" if free_gib is not None else "")
        why = "Loading times from an SD card or eMMC vary; inference latency does not depend on them."
        return Check("storage", ADVICE, found, why, "keep models on an NVMe disk if you measure loading")
    return ok("storage", f"{free_gib:.1f} GiB are free") if free_gib is not None else None


def _free_gib(root: Path) -> Optional[float]:
    # A recorded machine's disk is not the one that holds the recording.
    if root != Path("/"):
        return None
    try:
        space = os.statvfs(root)
    except OSError:
        return None
    return space.f_bavail * space.f_frsize / _GIB


def _layout(root: Path) -> Optional[Check]:
    value = read_number(root, _LAYOUT)
    if value is None:
        return None
    if value > 0:
        return ok("aslr", "each process has its own memory layout; fresh processes average it out")
    why = "All processes share one memory layout, whose effect is mistaken for the code's speed."
    return Check("aslr", ADVICE, "address space randomisation is off", why, f"echo 2 | sudo tee {_LAYOUT}")


def _container(root: Path) -> Optional[Check]:
    inside, _ = linux.virtualised(root, is_board=True)
    if inside in (None, "none"):
        return None
    release = l4t(root, os.environ if root == Path("/") else {})
    if exists(root, RELEASE) or release.value is not None:
        return ok("container", f"in {inside}; L4T {release.value} by {release.source}")
    return Check(
        "container",
        ADVICE,
        f"in {inside}, where {RELEASE} is not visible",
        "Without the L4T release the measured software is unknown; the image must match the host's release.",
        f"docker run --runtime nvidia -v {RELEASE}:{RELEASE}:ro ...",
    )


def _software(root: Path, identity: Identity) -> Check:
    installed = software(identity, root)
    named = [
        f"{_NAMES[name]} {installed[name].value}" for name in _NAMES if name in installed and installed[name].value
    ]
    # The driver of a Jetson's GPU is part of L4T.
    own = {"nvidia_driver"} if identity.family == JETSON else set()
    absent = [
        f"no {_NAMES[name]}" for name in _NAMES if name in installed and not installed[name].value and name not in own
    ]
    listed = ", ".join([*named, *absent])
    parts = ("tensorrt_binding", "tensorrt_trtexec")
    if installed["tensorrt_library"].value is None or any(installed[part].value for part in parts):
        return ok("software", listed)
    why = f"TensorRT is installed, but neither its Python bindings nor trtexec: {installed['tensorrt_binding'].reason}."
    return Check("software", ADVICE, listed, why, "sudo apt install python3-libnvinfer libnvinfer-bin")


def _word_size(root: Path) -> Check:
    name, reason = linux.architecture(root)
    if name is None:
        return unknown("rpi-64-bit", reason)
    if not name.startswith("armv"):
        return ok("rpi-64-bit", name)
    why = "Most runtimes have no 32-bit build, and the others are slower there."
    remedy = "echo arm_64bit=1 | sudo tee -a /boot/firmware/config.txt && sudo reboot"
    return Check("rpi-64-bit", ADVICE, f"the kernel is {name}", why, remedy)


def _usb(root: Path) -> Optional[Check]:
    devices = [name for name in names_in(root, _USB) if re.match(r"[0-9]+-[0-9.]+\Z", name)]
    sleepy = [name for name in devices if read_text(root, f"{_USB}/{name}/power/control").text == "auto"]
    if not sleepy:
        return None
    why = "A camera or USB disk that a benchmark reads has to wake up first."
    return Check(
        "usb-autosuspend",
        ADVICE,
        f"{len(sleepy)} USB devices may suspend",
        why,
        f"echo on | sudo tee {' '.join(f'{_USB}/{name}/power/control' for name in sleepy[:3])}",
    )
