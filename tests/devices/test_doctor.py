"""The doctor's findings on recorded trees, with values computed by hand from their files."""

from __future__ import annotations

import os

import pytest

from pytest_edgeperf.devices.doctor import ADVICE, OK, PROBLEM, UNKNOWN, examine
from pytest_edgeperf.devices.identity import identify

from .conftest import put

CPUS = "/sys/devices/system/cpu"
POLICY = f"{CPUS}/cpufreq/policy0"
NANO_POWER = "/sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0"
X86 = {
    "/proc/1/comm": "init\n",
    "/proc/cpuinfo": "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: fpu\n",
    "/proc/loadavg": "0.10 0.20 0.30 1/100 999\n",
    "/proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable: 6144000 kB\n",
    "/proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n",
    "/proc/sys/kernel/randomize_va_space": "2\n",
    f"{CPUS}/online": "0-3\n",
    f"{CPUS}/present": "0-3\n",
    f"{POLICY}/related_cpus": "0 1 2 3\n",
    f"{POLICY}/scaling_governor": "performance\n",
    f"{POLICY}/scaling_driver": "acpi-cpufreq\n",
    f"{POLICY}/scaling_min_freq": "3000000\n",
    f"{POLICY}/scaling_max_freq": "3000000\n",
    f"{POLICY}/cpuinfo_max_freq": "3000000\n",
    "/sys/class/thermal/thermal_zone0/type": "x86_pkg_temp\n",
    "/sys/class/thermal/thermal_zone0/temp": "45000\n",
    "/sys/class/thermal/thermal_zone0/trip_point_0_type": "passive\n",
    "/sys/class/thermal/thermal_zone0/trip_point_0_temp": "95000\n",
}


def look(root):
    diagnosis = examine(identify(root), root)
    ids = [check.id for check in diagnosis.checks]
    assert len(ids) == len(set(ids))
    for check in diagnosis.checks:
        assert check.found or check.state == UNKNOWN, check
        assert bool(check.why and check.remedy) == (check.state in (PROBLEM, ADVICE)), check
    return diagnosis, {check.id: check for check in diagnosis.checks}


def states(checks):
    return {id: check.state for id, check in checks.items()}


def test_nano(machine):
    diagnosis, checks = look(machine("nano"))
    assert not diagnosis.fit
    assert checks["power-mode"].state == OK
    assert checks["power-mode"].found == "MAXN"
    # schedutil, 102 to 1479 MHz.
    assert checks["clocks-pinned"].state == PROBLEM
    assert checks["clocks-pinned"].remedy == "sudo jetson_clocks"
    assert checks["cpus-online"].found == "all 4"
    # The CPU has 39.0 degC, and throttles at 97.
    assert checks["thermal"].found == "cpu 39.0 degC, 58.0 degC below its throttling limit"
    assert checks["undervoltage"].found == "the module's supply voltage is 4.94 V"
    assert checks["undervoltage"].state == OK
    assert checks["swap"].state == ADVICE
    assert "/dev/zram0, /dev/zram1, /dev/zram2, /dev/zram3" in checks["swap"].found
    assert checks["swap"].remedy == "sudo systemctl disable --now nvzramconfig; sudo swapoff -a"
    # 2286212 KiB.
    assert checks["memory-free"].found == "2232 MiB are available"
    assert checks["sensors"].found.startswith("power: power_total, power_POM_5V_GPU, power_POM_5V_CPU")


def test_the_software_of_a_nano(machine):
    root = machine("nano", {"/usr/lib/aarch64-linux-gnu/libnvinfer.so.8.2.1": ""})
    _, checks = look(root)
    assert checks["software"].state == ADVICE
    assert checks["software"].found.startswith("L4T 32.7.4, JetPack 4.6.4, ")
    assert "TensorRT 8.2.1" in checks["software"].found
    assert "no trtexec" in checks["software"].found
    put(root, "/usr/src/tensorrt/bin/trtexec", "")
    (root / "usr/src/tensorrt/bin/trtexec").chmod(0o755)
    _, checks = look(root)
    assert checks["software"].state == OK
    assert "trtexec /usr/src/tensorrt/bin/trtexec" in checks["software"].found


def test_nano_in_a_mode_that_turns_cores_off(machine):
    files = {"/var/lib/nvpmodel/status": "pmode:0001\n", f"{CPUS}/online": "0-1\n", f"{CPUS}/present": "0-3\n"}
    _, checks = look(machine("nano", files))
    assert checks["power-mode"].state == ADVICE
    assert checks["power-mode"].found == "5W instead of MAXN"
    assert checks["power-mode"].remedy.startswith("sudo nvpmodel -m 0 ")
    assert checks["cpus-online"].state == ADVICE
    assert checks["cpus-online"].found == "2 of 4: offline: 2, 3"


def test_nano_on_a_weak_supply(machine):
    _, checks = look(machine("nano", {f"{NANO_POWER}/in_voltage0_input": "4600\n"}))
    assert checks["undervoltage"].state == PROBLEM
    assert checks["undervoltage"].found == "the module's supply voltage is 4.60 V"


def test_nano_whose_rails_only_root_reads(machine, failing):
    root = machine("nano")
    failing(root, {f"{NANO_POWER}/in_power{channel}_input": "EACCES" for channel in range(3)})
    _, checks = look(root)
    assert checks["sensors"].state == ADVICE
    assert checks["sensors"].remedy == f"sudo chmod a+r {NANO_POWER}/in_{{power,voltage,current}}*_input"


@pytest.mark.parametrize(
    ("temperature", "state", "found"),
    [
        ("86900", OK, "cpu 86.9 degC, 10.1 degC below its throttling limit"),
        ("88000", PROBLEM, "cpu 88.0 degC, 9.0 degC below its throttling limit"),
        ("98000", PROBLEM, "cpu 98.0 degC, above its throttling limit of 97.0"),
    ],
)
def test_a_warm_nano(machine, temperature, state, found):
    _, checks = look(machine("nano", {"/sys/class/thermal/thermal_zone1/temp": f"{temperature}\n"}))
    assert (checks["thermal"].state, checks["thermal"].found) == (state, found)


@pytest.mark.parametrize("board", ["xavier-nx", "orin-nano", "rpi4"])
def test_every_board_gets_an_answer_to_every_question(machine, board):
    _, checks = look(machine(board))
    asked = {"clocks-pinned", "cpus-online", "thermal", "throttle", "memory-free", "swap", "background", "sensors"}
    assert asked <= set(checks)
    assert ("power-mode" in checks) == (board != "rpi4")


def test_orin_nano_in_its_default_mode(machine):
    _, checks = look(machine("orin-nano"))
    assert checks["thermal"].state == OK
    assert "below its throttling limit" in checks["thermal"].found


def test_a_raspberry_pi_that_was_too_weakly_fed(machine):
    flags = "/sys/devices/platform/soc/soc:firmware/get_throttled"
    root = machine("rpi4", {flags: "50005\n"})
    _, checks = look(root)
    assert checks["undervoltage"].state == checks["throttle"].state == PROBLEM
    assert checks["undervoltage"].found == f"the supply is too weak now ({flags})"
    assert checks["throttle"].found == "throttled now by undervoltage, throttled"
    put(root, flags, "50000\n")
    _, checks = look(root)
    assert checks["undervoltage"].state == checks["throttle"].state == ADVICE
    assert checks["undervoltage"].found == f"the supply was too weak since boot ({flags})"
    assert checks["throttle"].found == "since boot: undervoltage, throttled"
    put(root, flags, "8\n")
    _, checks = look(root)
    assert checks["throttle"].found == "throttled now by soft_temperature_limit"
    assert checks["undervoltage"].state == OK


PI = {"/proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0"}
FIRMWARE = "/sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
ALARM = "/sys/class/hwmon/hwmon3/in0_lcrit_alarm"


@pytest.mark.parametrize(
    ("files", "throttle", "undervoltage"),
    [
        ({}, UNKNOWN, UNKNOWN),
        ({FIRMWARE: "0\n"}, OK, OK),
        ({FIRMWARE: "50005\n"}, PROBLEM, PROBLEM),
        ({FIRMWARE: "what?\n"}, UNKNOWN, UNKNOWN),
        ({"/sys/bus/platform/drivers/raspberrypi-firmware/soc:firmware/get_throttled": "1\n"}, PROBLEM, PROBLEM),
        ({"/sys/class/hwmon/hwmon3/name": "rpi_volt\n", ALARM: "0\n"}, UNKNOWN, OK),
        ({"/sys/class/hwmon/hwmon3/name": "rpi_volt\n", ALARM: "1\n"}, PROBLEM, PROBLEM),
        # A fan and even a cooling device of the kernel do not tell what the firmware does.
        ({"/sys/class/thermal/cooling_device0/type": "cpufreq-cpu0\n",
          "/sys/class/thermal/cooling_device0/cur_state": "0\n"}, UNKNOWN, UNKNOWN),
    ],
)  # fmt: skip
def test_a_raspberry_pi_is_never_called_fast_without_evidence(machine, files, throttle, undervoltage):
    _, checks = look(machine(files={**PI, **files}))
    assert (checks["throttle"].state, checks["undervoltage"].state) == (throttle, undervoltage)


ORIN = {"/proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005\0nvidia,tegra234\0"}
COOLING = "/sys/class/thermal/cooling_device0/{}"


@pytest.mark.parametrize(
    ("tree", "files", "state"),
    [
        (ORIN, {}, UNKNOWN),
        (ORIN, {COOLING.format("type"): "hot-surface-alert\n", COOLING.format("cur_state"): "1\n"}, UNKNOWN),
        (ORIN, {COOLING.format("type"): "pwm-fan\n", COOLING.format("cur_state"): "3\n"}, UNKNOWN),
        (ORIN, {COOLING.format("type"): "cpu-balanced\n"}, UNKNOWN),
        (ORIN, {COOLING.format("type"): "cpu-balanced\n", COOLING.format("cur_state"): "0\n"}, OK),
        (ORIN, {COOLING.format("type"): "cpufreq-cpu0\n", COOLING.format("cur_state"): "4\n"}, PROBLEM),
        (ORIN, {"/sys/class/hwmon/hwmon1/name": "soctherm_oc\n", "/sys/class/hwmon/hwmon1/oc1_event_cnt": "0\n"}, OK),
        ({}, {}, UNKNOWN),
        ({}, {f"{CPUS}/cpu0/thermal_throttle/core_throttle_count": "0\n"}, OK),
    ],
)
def test_a_machine_is_never_called_fast_without_evidence(machine, tree, files, state):
    _, checks = look(machine(files={**tree, **files}))
    assert checks["throttle"].state == state


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "/proc lists no process"),
        ({"/proc/812/comm": "bash\n"}, "/proc lists no process of others (mounted with hidepid?)"),
        ({"/proc/1/comm": "sh\n", "/.dockerenv": ""}, "a container (docker) sees its own processes only"),
    ],
)
def test_updates_and_monitors_that_cannot_be_seen(machine, files, reason):
    _, checks = look(machine(files=files))
    assert {checks[id].state for id in ("updates", "monitors")} == {UNKNOWN}
    assert checks["updates"].found == checks["monitors"].found == reason


def test_nothing_of_this_machine_is_told_of_a_recorded_one(machine):
    # Our own process has a name and a number; a recorded one may have the same.
    root = machine(files={"/proc/1/comm": "init\n", f"/proc/{os.getpid()}/comm": "jtop\n"})
    _, checks = look(root)
    assert checks["monitors"].found == f"jtop (process {os.getpid()})"
    assert "storage" not in checks
    put(root, "/proc/mounts", "/dev/mmcblk0p1 / ext4 rw 0 0\n")
    assert look(root)[1]["storage"].found == "/ is on /dev/mmcblk0p1"


def test_a_host_that_is_fit(machine):
    diagnosis, checks = look(machine(files=X86))
    assert diagnosis.fit
    assert diagnosis.of(PROBLEM) == []
    assert checks["governor"].found == "performance"
    assert checks["memory-free"].found == "6000 MiB are available"
    assert checks["thermal"].found == "x86_pkg_temp 45.0 degC, 50.0 degC below its throttling limit"
    assert diagnosis.summary() == "fit to measure"


@pytest.mark.parametrize(
    ("files", "id", "state", "found"),
    [
        ({f"{POLICY}/scaling_governor": "powersave\n", f"{POLICY}/scaling_min_freq": "800000\n"}, "governor", PROBLEM,
         "powersave: the clocks vary with load"),
        ({f"{CPUS}/intel_pstate/no_turbo": "0\n"}, "turbo", ADVICE, "on"),
        ({f"{CPUS}/intel_pstate/no_turbo": "1\n"}, "turbo", OK, "off"),
        ({f"{CPUS}/cpufreq/boost": "1\n"}, "turbo", ADVICE, "on"),
        ({f"{CPUS}/cpufreq/boost": "0\n"}, "turbo", OK, "off"),
        ({f"{CPUS}/smt/control": "on\n"}, "smt", ADVICE, "hyperthreads are on"),
        ({f"{CPUS}/online": "0-2\n"}, "cpus-online", ADVICE, "3 of 4: offline: 3"),
        ({"/proc/loadavg": "1.30 0.2 0.3 1/100 9\n"}, "background", PROBLEM,
         "load 1.30 on 4 cores in the last minute"),
        ({"/proc/loadavg": "1.20 0.2 0.3 1/100 9\n"}, "background", OK, "load 1.20 on 4 cores"),
        ({"/proc/loadavg": "busy\n"}, "background", UNKNOWN, "/proc/loadavg holds no load"),
        ({"/proc/77/comm": "unattended-upgr\n"}, "updates", PROBLEM, "running: unattended-upgr (process 77)"),
        ({"/proc/77/comm": "jtop\n"}, "monitors", ADVICE, "jtop (process 77)"),
        ({"/proc/77/comm": "gnome-shell\n"}, "gui", ADVICE, "running: gnome-shell"),
        ({"/proc/meminfo": "MemAvailable: 204800 kB\n"}, "memory-free", PROBLEM, "only 200 MiB are available"),
        ({"/proc/swaps": "F T S U P\n/swapfile file 4096 2048 -2\n"}, "swap", ADVICE, "2 MiB in use on /swapfile"),
        ({"/proc/sys/kernel/randomize_va_space": "0\n"}, "aslr", ADVICE, "address space randomisation is off"),
        ({"/sys/class/thermal/cooling_device0/type": "Processor\n",
          "/sys/class/thermal/cooling_device0/cur_state": "3\n"}, "throttle", PROBLEM,
         "throttled now by Processor"),
        ({f"{CPUS}/cpu0/thermal_throttle/core_throttle_count": "7\n"}, "throttle", ADVICE,
         "since boot: core too hot 7x"),
        ({"/run/systemd/system/x": "",
          "/etc/systemd/system/timers.target.wants/apt-daily.timer": ""}, "updates", ADVICE,
         "automatic updates are enabled: apt-daily.timer"),
        ({"/etc/systemd/system/timers.target.wants/apt-daily.timer": ""}, "updates", OK, "no automatic updates"),
    ],
)  # fmt: skip
def test_what_a_host_is_told(machine, files, id, state, found):
    diagnosis, checks = look(machine(files={**X86, **files}))
    assert (checks[id].state, checks[id].found) == (state, found)
    assert diagnosis.fit == (state != PROBLEM)


def test_rapl_that_only_root_reads(machine, failing):
    zone = "/sys/class/powercap/intel-rapl:0"
    root = machine(files={**X86, f"{zone}/name": "package-0\n", f"{zone}/energy_uj": "5\n",
                          f"{zone}/max_energy_range_uj": "262143328850\n"})  # fmt: skip
    failing(root, {f"{zone}/energy_uj": "EACCES"})
    _, checks = look(root)
    assert checks["sensors"].state == ADVICE
    assert checks["sensors"].remedy == f"sudo chmod o+r {zone}/energy_uj"


def test_the_summary_and_what_lasts(machine):
    files = {"/proc/loadavg": "9.0 9.0 9.0 1/100 9\n", f"{CPUS}/smt/control": "on\n"}
    diagnosis, _ = look(machine(files={**X86, **files}))
    assert diagnosis.summary() == "not fit to measure: 1 problem (background), 1 hint (smt)"
    assert diagnosis.lasting() == ["smt"]
    told = diagnosis.to_dict()
    assert told["fit"] is False
    assert {"id": "smt", "state": ADVICE, "found": "hyperthreads are on"}.items() <= next(
        check for check in told["checks"] if check["id"] == "smt"
    ).items()


def test_an_empty_machine_is_only_unknown(machine):
    diagnosis, checks = look(machine())
    assert diagnosis.fit
    assert checks["memory-free"].state == checks["background"].state == checks["thermal"].state == UNKNOWN
