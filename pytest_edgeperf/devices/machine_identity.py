"""Which machine of its type this is: digests of what identifies it, its hypervisor, and whether it is a CI runner's.

A type of device, of VM or of hosted runner is many machines, and each has its own speed. Nothing that is recorded
names a machine or its owner: ids are digests made for this program only.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import os
import re
import uuid
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Tuple

from . import linux
from .board_clues import TREES
from .identity import Identity
from .profiles import BOARD, JETSON, RASPBERRY_PI
from .system_files import read_strings, read_text

#: Our application id for sd_id128_get_machine_app_specific(3). A new one would make all machines new ones.
APPLICATION = uuid.UUID("63cab098-c3c2-452a-a26d-9927b7f4044e")

ID, SERIAL, INSTANCE = "id", "serial", "instance"
HYPERVISOR, PRODUCT, RUNNER = "hypervisor", "product", "runner"

_DMI = "/sys/class/dmi/id"
#: dbus keeps its own where there is no systemd.
_MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_INSTANCE_DATA = "/run/cloud-init/instance-data.json"
#: Clouds of cloud-init whose instance ids come from the provider; nocloud's are whatever an image holds.
_CLOUDS = frozenset({"aliyun", "aws", "azure", "digitalocean", "gce", "hetzner", "openstack", "oracle", "vultr"})
_PLACEHOLDERS = frozenset({"0123456789", "0123456789abcdef", "123456789", "1234567890", "unknown", "default string"})
#: Serial numbers are short enough to be tried one by one, which this makes slow.
_ROUNDS = 100_000


def machine(
    root: Path, identity: Identity, environ: Optional[Mapping[str, str]] = None
) -> Tuple[Dict[str, str], Dict[str, str]]:
    """What distinguishes this machine from others of its type, and the reason of each field that is absent.

    ``id`` (of the installation), ``serial`` (of the board or its SoC) and ``instance`` (of the cloud) are digests;
    ``hypervisor`` is its name or ``none``, ``product`` what the firmware calls the machine, and ``runner`` the
    service whose hosted CI runner this is.

    Args:
        root: where ``/proc``, ``/sys`` and ``/etc`` are.
        identity: what the machine is.
        environ: the environment variables; of another root than ``/`` there are none unless given.
    """
    if environ is None:
        environ = os.environ if root == Path("/") else {}
    readings = {
        ID: _machine_id(root),
        SERIAL: _serial(root),
        INSTANCE: _instance(root),
        HYPERVISOR: linux.hypervisor(root, is_board=identity.family in (JETSON, RASPBERRY_PI, BOARD)),
        PRODUCT: _product(root),
        RUNNER: hosted_runner(environ),
    }
    known = {name: value for name, (value, _) in readings.items() if value is not None}
    return known, {name: reason for name, (value, reason) in readings.items() if value is None}


def hosted_runner(environ: Mapping[str, str]) -> linux.Reading[str]:
    """The service on whose hosted CI runner this is, by the variables that it documents."""
    if environ.get("RUNNER_ENVIRONMENT") == "github-hosted":
        return "GitHub", ""
    # GitLab's list of its hosted runners gives all of them tags such as saas-linux-small-amd64.
    tags = re.split(r'[\s,"\[\]]+', environ.get("CI_RUNNER_TAGS", ""))
    if environ.get("CI_SERVER_HOST") == "gitlab.com" and any(tag.startswith("saas-") for tag in tags):
        return "GitLab", ""
    return None, "no variable of GitHub's or GitLab's hosted runners is set"


def _machine_id(root: Path) -> linux.Reading[str]:
    inside = linux.image(root)
    if inside is not None:
        return None, f"{_MACHINE_IDS[0]} in a container ({inside}) belongs to its image and not to the machine"
    reasons: List[str] = []
    for path in _MACHINE_IDS:
        content = read_text(root, path)
        text = (content.text or "").lower()
        if re.match(r"[0-9a-f]{32}\Z", text) and text.strip("0"):
            return _digest(bytes.fromhex(text)), ""
        reasons.append(content.reason or f"{path} contains no machine id")
    return None, "; ".join(reasons)


def _serial(root: Path) -> linux.Reading[str]:
    for tree in TREES:
        for text in read_strings(root, f"{tree}/serial-number")[0]:
            if _is_serial(text):
                return f"board {_slow_digest(text)}", ""
    # A Raspberry Pi's kernel repeats it where a container hides the device tree.
    match = re.search(r"^Serial\s*:\s*(\S+)", read_text(root, "/proc/cpuinfo").text or "", re.MULTILINE)
    if match is not None and _is_serial(match.group(1)):
        return f"board {_slow_digest(match.group(1))}", ""
    text = read_text(root, "/sys/devices/soc0/serial_number").text or ""
    if _is_serial(text):
        return f"soc {_slow_digest(text)}", ""
    return (
        None,
        "no serial number is readable without root: none in the device tree, /proc/cpuinfo and /sys/devices/soc0",
    )


def _is_serial(text: str) -> bool:
    return (
        re.match(r"[0-9A-Za-z._:-]{6,64}\Z", text) is not None
        and len(set(text.lower()) - set("x._:-")) > 1
        and text.lower() not in _PLACEHOLDERS
    )


def _instance(root: Path) -> linux.Reading[str]:
    # AWS, "Detect whether a host is an EC2 instance": on Nitro the asset tag of the board is the id of the instance.
    tag = read_text(root, f"{_DMI}/board_asset_tag").text or ""
    if re.match(r"i-[0-9a-f]{8,17}\Z", tag):
        return f"aws {_digest(tag.encode())}", ""
    # The same page: a Xen guest's UUID; the kernel's ABI says that it may be withheld, and is zero in dom0.
    guest = (read_text(root, "/sys/hypervisor/uuid").text or "").lower()
    if re.match(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", guest) and guest.strip("0-"):
        return f"xen {_digest(guest.encode())}", ""
    if linux.image(root) is None:
        cloud, instance = _cloud_init(read_text(root, _INSTANCE_DATA).text or "")
        if cloud in _CLOUDS and instance:
            return f"{cloud} {_digest(instance.encode())}", ""
    return None, f"no cloud's instance id in {_DMI}/board_asset_tag, /sys/hypervisor/uuid and {_INSTANCE_DATA}"


def _cloud_init(text: str) -> Tuple[str, str]:
    """The cloud's name and the instance's id, from cloud-init's standardized keys."""
    try:
        keys = json.loads(text)["v1"]
        cloud, instance = keys["cloud_name"], keys["instance_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", ""
    return (cloud, instance) if isinstance(cloud, str) and isinstance(instance, str) else ("", "")


def _product(root: Path) -> linux.Reading[str]:
    contents = [read_text(root, f"{_DMI}/{name}") for name in ("sys_vendor", "product_name")]
    text = " ".join(" ".join(content.text.split()) for content in contents if content.text)
    return (text[:80], "") if text else (None, contents[0].reason or f"{contents[0].path} is empty")


def _digest(secret: bytes) -> str:
    """The first 12 digits of ``systemd-id128 machine-id --app-specific=APPLICATION``, for any secret."""
    return hmac.new(secret, APPLICATION.bytes, hashlib.sha256).hexdigest()[:12]


@functools.lru_cache(maxsize=None)
def _slow_digest(serial: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", serial.lower().encode(), APPLICATION.bytes, _ROUNDS).hex()[:8]
