"""What tells a machine from others of its type, on small trees; digests computed with other programs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.devices.doctor import ADVICE, OK, UNKNOWN, examine
from pytest_edgeperf.devices.identity import identify
from pytest_edgeperf.devices.machine_identity import APPLICATION, hosted_runner, machine

from .conftest import put

DMI = "/sys/class/dmi/id"
MACHINE_ID = "/etc/machine-id"
#: By openssl dgst -sha256 -mac HMAC -macopt hexkey:KEY, over the 16 bytes of the application id.
KEY, DIGEST = "0123456789abcdeffedcba9876543210", "00955dd43b88"
BARE = {"/proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu\n", MACHINE_ID: f"{KEY}\n"}
GUEST = {"/proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu hypervisor\n"}
SERIAL = "/proc/device-tree/serial-number"
OVERLAY = "22 1 0:30 / / rw,relatime master:1 - overlay overlay rw,lowerdir={},upperdir=/u,workdir=/w\n"


def look(root, environ=None):
    return machine(root, identify(root), environ)


def instance_data(cloud, instance):
    return {"/run/cloud-init/instance-data.json": json.dumps({"v1": {"cloud_name": cloud, "instance_id": instance}})}


def test_a_machine_of_its_own(make_machine):
    known, absent = look(make_machine({**BARE, f"{DMI}/sys_vendor": "ACME\n", f"{DMI}/product_name": "Box  1\n"}))
    assert known == {"id": DIGEST, "hypervisor": "none", "product": "ACME Box 1"}
    assert sorted(absent) == ["instance", "runner", "serial"]
    assert all(absent.values())


@pytest.fixture
def make_machine(machine):
    return lambda files: machine(files=files)


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("systemd-id128"), reason="no systemd-id128 here")
def test_the_id_is_the_one_that_systemd_gives_this_application(tmp_path):
    command = ["systemd-id128", "machine-id", f"--app-specific={APPLICATION.hex}"]
    outcome = subprocess.run(command, capture_output=True, check=False)
    if outcome.returncode != 0 or not Path(MACHINE_ID).exists():
        pytest.skip("this machine has no id")
    put(tmp_path, MACHINE_ID, Path(MACHINE_ID).read_text(encoding="ascii"))
    assert look(tmp_path)[0]["id"] == outcome.stdout.decode()[:12]


@pytest.mark.parametrize("text", ["", "uninitialized\n", "0" * 32, KEY[:-1], f"{KEY}0", "g" * 32])
def test_what_is_no_machine_id(make_machine, text):
    known, absent = look(make_machine({**BARE, MACHINE_ID: text}))
    assert "id" not in known
    assert absent["id"] == "/etc/machine-id contains no machine id; there is no /var/lib/dbus/machine-id"


def test_without_systemd_dbus_has_the_machine_id(make_machine):
    assert look(make_machine({"/var/lib/dbus/machine-id": f"{KEY.upper()}\n"}))[0]["id"] == DIGEST


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"/.dockerenv": ""}, "docker"),
        ({"/run/.containerenv": "engine=podman\n"}, "podman"),
        ({"/run/systemd/container": "lxc\n"}, "lxc"),
        ({"/proc/self/mountinfo": OVERLAY.format("/var/lib/docker/overlay2/l/AB:/var/lib/docker/x")}, "container"),
        ({"/proc/self/mountinfo": OVERLAY.format("/run/k3s/containerd/io.containerd.snapshotter/1/fs")}, "container"),
        ({"/proc/self/mountinfo": OVERLAY.format("/home/a/.local/share/containers/storage/overlay/1")}, "container"),
    ],
)
@pytest.mark.parametrize("shares_processes", [True, False])
def test_the_machine_id_of_an_image_is_not_the_machines(make_machine, files, name, shares_processes):
    root = make_machine({**BARE, **files})
    namespace = root / "proc/self/ns/pid"
    namespace.parent.mkdir(parents=True)
    namespace.symlink_to("pid:[4026531836]" if shares_processes else "pid:[4026532201]")
    known, absent = look(root)
    assert "id" not in known
    assert absent["id"] == f"/etc/machine-id in a container ({name}) belongs to its image and not to the machine"
    (root / "proc/self/ns/pid").unlink()
    assert "id" not in look(root)[0]


def test_a_read_only_system_under_an_overlay_is_no_container(make_machine):
    root = make_machine({**BARE, "/proc/self/mountinfo": OVERLAY.format("/lower")})
    assert look(root)[0]["id"] == DIGEST


def test_serial_numbers_of_boards_are_digests_and_the_same_by_every_file(machine):
    serial = "10000000a1b2c3d4"
    root = machine("rpi4", files={SERIAL: f"{serial}\0"})
    known, _ = look(root)
    digest = known["serial"]
    assert re.match(r"board [0-9a-f]{8}\Z", digest)
    assert serial not in str(known)
    put(root, SERIAL, f"{serial[:-1]}5\0")
    assert look(root)[0]["serial"] not in (None, digest)
    put(root, SERIAL, "\0")
    put(
        root,
        "/proc/cpuinfo",
        f"processor\t: 0\n\nRevision\t: c03111\nSerial\t\t: {serial}\nModel\t\t: Raspberry Pi 4\n",
    )
    assert look(root)[0]["serial"] == digest


def test_a_socs_serial_number_is_not_taken_for_the_boards(make_machine):
    known, _ = look(make_machine({"/sys/devices/soc0/serial_number": "0E2A1D9A4C8F01B7\n"}))
    assert re.match(r"soc [0-9a-f]{8}\Z", known["serial"])


@pytest.mark.parametrize(
    "text", ["0000000000000000", "xxxxxxxx", "12", "a serial", "0123456789", "XX-XX-00:00", "\ufffd" * 9]
)
def test_placeholders_are_no_serial_numbers(make_machine, text):
    known, absent = look(make_machine({SERIAL: f"{text}\0"}))
    assert "serial" not in known
    assert absent["serial"].startswith("no serial number is readable without root")


def test_an_instance_of_ec2_is_the_same_by_firmware_and_by_cloud_init(make_machine, tmp_path):
    instance = "i-0af01c0123456789a"
    by_tag = look(make_machine({**GUEST, f"{DMI}/board_asset_tag": f"{instance}\n"}))[0]["instance"]
    assert re.match(r"aws [0-9a-f]{12}\Z", by_tag)
    put(tmp_path, f"{DMI}/board_asset_tag", "Not Specified\n")
    assert "instance" not in look(tmp_path)[0]
    for path, text in instance_data("aws", instance).items():
        put(tmp_path, path, text)
    assert look(tmp_path)[0]["instance"] == by_tag


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"v1": 3}', '{"v1": {"cloud_name": "aws", "instance_id": 3}}', "[" * 100_000]
)
def test_what_is_no_instance_data_of_cloud_init(make_machine, text):
    assert "instance" not in look(make_machine({"/run/cloud-init/instance-data.json": text}))[0]


def test_an_instance_id_that_an_image_holds_is_none(make_machine):
    assert "instance" not in look(make_machine(instance_data("nocloud", "rpi-image")))[0]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ec2f58a5-4c38-45d3-b2c2-9c7d1e1f2a3b", True),
        ("00000000-0000-0000-0000-000000000000", False),
        ("<denied>", False),
    ],
)
def test_a_xen_guest(make_machine, text, is_one):
    known, _ = look(make_machine({"/sys/hypervisor/type": "xen\n", "/sys/hypervisor/uuid": f"{text}\n"}))
    assert known["hypervisor"] == "xen"
    assert ("instance" in known) == is_one


def test_an_arm_guest_by_the_device_tree_that_is_made_for_it(tree):
    assert look(tree("linux,dummy-virt"))[0]["hypervisor"] == "vm"


@pytest.mark.parametrize(
    ("environ", "service"),
    [
        ({"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "github-hosted"}, "GitHub"),
        ({"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "self-hosted"}, None),
        ({"GITHUB_ACTIONS": "true"}, None),
        ({"CI_SERVER_HOST": "gitlab.com", "CI_RUNNER_TAGS": '["saas-linux-small-amd64"]'}, "GitLab"),
        ({"CI_SERVER_HOST": "gitlab.com", "CI_RUNNER_TAGS": "docker, saas-linux-small-amd64"}, "GitLab"),
        ({"CI_SERVER_HOST": "gitlab.com", "CI_RUNNER_TAGS": '["jetson", "not-saas-1"]'}, None),
        ({"CI_SERVER_HOST": "gitlab.example.org", "CI_RUNNER_TAGS": '["saas-linux-small-amd64"]'}, None),
        ({"CI": "true"}, None),
    ],
)
def test_hosted_runners_by_what_is_documented(environ, service):
    assert hosted_runner(environ)[0] == service


def test_a_recorded_machine_is_not_on_the_runner_that_reads_it(make_machine, monkeypatch):
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    root = make_machine(BARE)
    assert "runner" not in look(root)[0]
    assert look(root, {"RUNNER_ENVIRONMENT": "github-hosted"})[0]["runner"] == "GitHub"


@given(texts=st.lists(st.text(max_size=80), min_size=5, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_files_hold_each_field_has_a_value_or_a_reason(tmp_path, texts):
    paths = (MACHINE_ID, "/sys/hypervisor/uuid", f"{DMI}/board_asset_tag", f"{DMI}/sys_vendor", "/proc/self/mountinfo")
    for path, text in zip(paths, texts):
        put(tmp_path, path, text.encode("utf-8", "replace").decode("utf-8"))
    known, absent = look(tmp_path)
    assert sorted([*known, *absent]) == ["hypervisor", "id", "instance", "product", "runner", "serial"]
    assert all([*known.values(), *absent.values()])


def check_of(root):
    return {check.id: check for check in examine(identify(root), root).checks}["machine"]


def test_the_doctor_says_which_machine_this_is(make_machine):
    check = check_of(make_machine(BARE))
    assert (check.state, check.found) == (OK, f"id {DIGEST}")


def test_the_doctor_advises_against_stored_baselines_of_virtual_machines(make_machine):
    root = make_machine({**GUEST, MACHINE_ID: KEY})
    check = check_of(root)
    assert (check.state, check.found) == (ADVICE, f"a virtual machine (vm), id {DIGEST}")
    assert "--against=" in check.remedy
    diagnosis = examine(identify(root), root)
    assert diagnosis.fit
    assert "machine" not in diagnosis.lasting()


def test_the_doctor_names_the_service_of_a_hosted_runner(make_machine, monkeypatch):
    from pytest_edgeperf.devices.doctor import instance

    monkeypatch.setattr(instance, "machine", lambda root, identity: ({"runner": "GitHub", "hypervisor": "hyper-v"}, {}))
    check = check_of(make_machine(BARE))
    assert (check.state, check.found) == (ADVICE, "a CI runner hosted by GitHub")
    assert "--against=" in check.remedy


def test_the_doctor_says_why_a_machine_cannot_be_told_from_others(make_machine):
    check = check_of(make_machine({"/proc/cpuinfo": BARE["/proc/cpuinfo"], "/.dockerenv": ""}))
    assert (check.state, check.found) == (
        UNKNOWN,
        "/etc/machine-id in a container (docker) belongs to its image and not to the machine",
    )
