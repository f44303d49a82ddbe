"""Fifteen small machines of which it is known what is true of them: each mends one kind of mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_edgeperf.devices.condition import Observer
from pytest_edgeperf.devices.device import resolve
from pytest_edgeperf.devices.doctor import examine
from pytest_edgeperf.devices.identity import identify
from pytest_edgeperf.devices.sensors import power
from pytest_edgeperf.devices.sensors.thermal import headroom
from pytest_edgeperf.devices.settings_in_force import settings_in_force
from pytest_edgeperf.devices.software import software

from .conftest import put

MACHINES = json.loads((Path(__file__).parents[1] / "data/devices/small-machines.json").read_text(encoding="utf-8"))


def facts(root):
    """What the product says of a machine, by the names of the facts below."""
    identity = identify(root)
    device = resolve(root=root)
    checks = {check.id: check for check in examine(identity, root).checks}
    found = Observer(identity, root).look()
    left = headroom(root, identity).celsius
    sensors = {sensor.name: sensor for sensor in power.find(root, identity)[0]}
    watched = sensors["power_total"].read().value if "power_total" in sensors else None
    return {
        "device": device.name,
        "l4t": device.fingerprint.get("l4t"),
        "memory_mib": device.fingerprint.get("memory_mib"),
        "cpu_model": device.fingerprint.get("cpu_model"),
        "jetpack": software(identity, root)["jetpack"].value if identity.family == "jetson" else None,
        "power_mode": settings_in_force(root, identity)[0].get("power_mode"),
        "power_total_mw": None if watched is None else round(watched, 2),
        "headroom_c": None if left is None else round(left, 1),
        "slowed down now by": list(found.slowed_by),
        "doctor thermal": checks["thermal"].state,
        "doctor throttle": checks["throttle"].state,
        "doctor undervoltage": checks["undervoltage"].state if "undervoltage" in checks else None,
    }


@pytest.mark.parametrize(
    ("name", "true"),
    [
        ("m01-trip70", {"doctor thermal": "ok", "headroom_c": 32.0}),
        ("m02-alert-state1", {"doctor throttle": "unknown", "slowed down now by": []}),
        ("m03-docker", {"device": "unknown-jetson", "l4t": "36.4.3", "power_total_mw": 4714.24}),
        ("m04-balanced", {"slowed down now by": ["cpu-balanced"], "doctor throttle": "problem"}),
        ("m05-pi3bplus", {"doctor thermal": "problem", "headroom_c": -2.3, "device": "rpi3"}),
        ("m06-zero2w", {"headroom_c": 36.0, "memory_mib": 512}),
        ("m07-memory-7168", {"memory_mib": 8192}),
        ("m08-abs-nvpmodel", {"power_mode": "MODE_15W_DESKTOP"}),
        ("m09-abs-dt", {"device": "tx2"}),
        (
            "m10-pi5-fw",
            {
                "slowed down now by": ["undervoltage", "throttled"],
                "doctor throttle": "problem",
                "doctor undervoltage": "problem",
            },
        ),
        ("m11-jetpack-36.5.2", {"jetpack": "6.2.3"}),
        ("m12-big-little", {"cpu_model": "Arm Cortex-A520 + Arm Cortex-A720"}),
        ("m13-t4000", {"device": "thor-t4000"}),
        ("m14-docker-compat", {"device": "orin-nano"}),
        ("m15-tegra-by-release", {"device": "unknown-jetson"}),
    ],
)
def test_what_is_true_of_a_small_machine(machine, tmp_path, name, true):
    tree = MACHINES[name]
    root = machine(files=tree["files"])
    for path, target in tree["symlinks"].items():
        link = root / path.lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    said = facts(root)
    assert {fact: said[fact] for fact in true} == true


def test_all_small_machines_are_asked():
    asked = test_what_is_true_of_a_small_machine.pytestmark[0].args[1]
    assert [name for name, _ in asked] == sorted(MACHINES)


def test_the_device_tree_of_this_machine_is_never_read_for_a_recorded_one(machine, tmp_path):
    put(tmp_path, "/outside/base/compatible", "nvidia,p3768-0000+p3767-0005\0nvidia,tegra234\0")
    root = tmp_path / "recorded"
    (root / "proc").mkdir(parents=True)
    (root / "proc/device-tree").symlink_to(tmp_path / "outside/base")
    assert identify(root).name == "host"
    put(root, f"{tmp_path}/outside/base/compatible", "raspberrypi,4-model-b\0brcm,bcm2711\0")
    assert identify(root).name == "rpi4"
