"""Whole sessions on recorded machines: what they write, refuse and wait for."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_edgeperf import results
from pytest_edgeperf.cli import main
from tests.devices.conftest import TREES, put

from .conftest import REFRESH, load_json

#: Its sessions are traced for coverage.
TRACED = True

BODY = "def test_one(timed_inference, device):\n    timed_inference(work, 2000)\n"
MODE = "/var/lib/nvpmodel/status"


def materialise(root, board, files=()):
    for path, text in {**TREES[board]["files"], **dict(files)}.items():
        put(root, path, text)
    for path, target in TREES[board]["symlinks"].items():
        link = root / path.lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    return root


@pytest.fixture
def nano(project, tmp_path):
    """A project whose sessions see a Jetson Nano, and do not wait for many values of its slow sensor."""
    project.suite(BODY)
    project.in_coordinator("from pytest_edgeperf.schedule.machine import telemetry\ntelemetry.IDLE_VALUES = 0\n")
    project.root = materialise(tmp_path / "nano", "nano")
    project.environment["EDGEPERF_ROOT"] = str(project.root)
    return project


#: The window that a Nano's slow sensor needs is another file's matter.
QUICK = "--edgeperf-telemetry=0.2"


def refresh(project):
    outcome = project.run(*REFRESH, "--device=nano", "--edgeperf-rounds=3", QUICK)
    assert outcome.code == 0, outcome
    return outcome


def test_a_session_on_a_nano_writes_its_baseline_with_power_and_temperature(nano):
    outcome = refresh(nano)
    assert "not fit to measure: " in outcome
    assert "clocks-pinned" in outcome
    stored = load_json(nano.path / "baselines" / "nano.json")
    assert stored["device"] == "nano"
    (environment,) = stored["environments"].values()
    assert environment["fingerprint"]["device"] == "nano"
    assert environment["fingerprint"]["module"] == "p3448-0000"
    assert environment["fingerprint"]["l4t"].startswith("32.7")
    assert environment["settings"]["power_mode"] == "MAXN"
    assert environment["settings"]["cpu_max_mhz"] == 1479
    assert environment["settings"]["clocks_pinned"] is False
    assert "clocks-pinned" in environment["doctor"]["findings"]
    (benchmark,) = stored["benchmarks"].values()
    assert len(benchmark["runs"]) == 3
    for run in benchmark["runs"]:
        assert run["quality"]["temperature_c"] == [39.0, 39.0]
        assert run["quality"]["headroom_c"] == [58.0, 58.0]
        assert run["quality"]["power_at_rest_mw"] == [2132.0, 2132.0]
    assert nano.run("--device=nano", QUICK).code == 0


def test_another_module_is_refused_with_what_was_expected_and_found(nano, tmp_path):
    orin = materialise(tmp_path / "orin", "orin-nano")
    outcome = nano.run("--device=nano", env={"EDGEPERF_ROOT": str(orin)}.items())
    assert outcome.code == 4, outcome
    assert "--device=nano needs a module p3448-0000 or p3448-0002" in outcome
    assert "this machine is orin-nano" in outcome
    assert "/proc/device-tree/compatible" in outcome


@pytest.mark.thorough
@pytest.mark.slow
def test_another_power_mode_is_incomparable_unless_it_is_allowed(nano):
    refresh(nano)
    put(nano.root, MODE, "pmode:0001\n")
    outcome = nano.run("--device=nano", QUICK, "--junitxml=junit.xml")
    assert outcome.code == 0, outcome
    assert nano.verdicts()["test_one"] == "incomparable"
    assert "settings.power_mode MAXN -> 5W" in outcome
    outcome = nano.run(
        "--device=nano",
        QUICK,
        "--edgeperf-allow-difference=power_mode",
        "--junitxml=junit.xml",
        "--edgeperf-results=now.json",
    )
    assert nano.verdicts()["test_one"] != "incomparable", outcome
    assert load_json(nano.path / "now.json")["allowed_differences"] == ["power_mode"]
    outcome = nano.run("--device=nano", QUICK, "--edgeperf-allow-difference=powermode")
    assert outcome.code == 4, outcome
    assert "has this field; did you mean power_mode?" in outcome


@pytest.mark.thorough
@pytest.mark.slow
def test_a_hot_machine_is_waited_for_and_measured_warm_when_it_does_not_cool_down(nano):
    nano.in_coordinator(
        "from pytest_edgeperf.schedule.machine import cooling\n"
        "cooling.PATIENCE_S = 0.0\n"
        "state.Clock.sleep = lambda self, seconds: time.sleep(1.2)\n"
    )
    put(nano.root, "/sys/class/thermal/thermal_zone1/temp", "90000\n")
    outcome = nano.run("--device=nano", QUICK, "--baseline=off")
    assert outcome.code == 0, outcome
    assert "cooling down: cpu is at 90.0 degC, waiting for 87.0" in outcome
    assert "cpu stayed at 90.0 degC and did not cool down to 87.0" in outcome
    assert "s in total for the machine to cool down" in outcome
    outcome = nano.run("--device=nano", QUICK, "--baseline=off", "--edgeperf-no-cooldown")
    assert "cooling down" not in outcome


@pytest.mark.thorough
@pytest.mark.slow
def test_settings_that_change_in_a_run_are_told_with_it(nano):
    nano.suite(
        f"def test_one(timed_inference):\n    timed_inference(work, 2000)\n"
        f"    pathlib.Path({str(nano.root)!r}, {MODE.lstrip('/')!r}).write_text('pmode:0001')\n"
    )
    outcome = nano.run("--device=nano", QUICK, "--baseline=off", "--edgeperf-results=now.json")
    assert outcome.code == 0, outcome
    (benchmark,) = results.read(nano.path / "now.json").benchmarks.values()
    assert benchmark.runs[0].quality["settings_changed"] == ["power_mode"]


@pytest.mark.long
@pytest.mark.thorough
def test_a_baseline_of_another_board_is_compared_and_said_to_be_of_another(nano):
    serial = "/proc/device-tree/serial-number"
    put(nano.root, serial, "1424019078953\0")
    brief = ("--device=nano", "--edgeperf-telemetry=off", "--edgeperf-rounds=1", "--edgeperf-max-rounds=1")
    outcome = nano.run(*REFRESH, *brief)
    assert outcome.code == 0, outcome
    assert "a different board" not in outcome
    (environment,) = load_json(nano.path / "baselines" / "nano.json")["environments"].values()
    assert environment["machine"]["serial"].startswith("board ")
    assert "1424019078953" not in str(environment)
    put(nano.root, serial, "1424019078954\0")
    outcome = nano.run(*brief, "--junitxml=junit.xml", "--edgeperf-results=now.json")
    assert "The baseline was measured on a different board (serial board " in outcome
    assert "--against=REF" in outcome
    assert nano.verdicts()["test_one"] not in ("incomparable", "new")
    files = [str(nano.path / name) for name in ("baselines/nano.json", "now.json")]
    compared = CliRunner().invoke(main, ["compare", *files, "--format=json"])
    assert json.loads(compared.output)["other_machine"]["benchmarks"] == 1


@pytest.mark.long
@pytest.mark.slow
def test_a_board_of_the_users_with_a_meter_of_the_users_gives_energy(project, tmp_path):
    project.suite("def test_one(timed_inference):\n    timed_inference(real_work, 2000)\n")
    project.in_coordinator("from pytest_edgeperf.schedule.machine import telemetry\ntelemetry.IDLE_VALUES = 0\n")
    project.write(
        "pyproject.toml",
        "[tool.edgeperf.devices.rock-5b]\ndescription = 'Radxa ROCK 5B'\ncompatible = ['radxa,rock-5b']\n"
        "power = { total = 'DC_IN' }\nthermal_limits_c = { soc = 85 }\n",
    )
    files = {
        "/proc/device-tree/compatible": "radxa,rock-5b\0",
        "/sys/class/hwmon/hwmon2/name": "ina226\n",
        "/sys/class/hwmon/hwmon2/label": "DC_IN\n",
        "/sys/class/hwmon/hwmon2/power1_input": "5000000\n",
        "/sys/class/thermal/thermal_zone0/type": "soc-thermal\n",
        "/sys/class/thermal/thermal_zone0/temp": "45000\n",
    }
    for path, text in files.items():
        put(tmp_path / "rock", path, text)
    environment = {"EDGEPERF_ROOT": str(tmp_path / "rock")}.items()
    outcome = project.run("--baseline=off", "--edgeperf-results=now.json", "--edgeperf-telemetry=1", env=environment)
    assert outcome.code == 0, outcome
    measured = results.read(project.path / "now.json")
    assert measured.device == "rock-5b"
    (benchmark,) = measured.benchmarks.values()
    (run,) = benchmark.runs
    basis = run.quality["telemetry"]
    expected_mj = 5.0 * basis["window_s"] / basis["inferences"] * 1e3
    assert run.values["energy_per_inference"] == pytest.approx(expected_mj, rel=0.01)
    assert run.quality["headroom_c"] == [40.0, 40.0]
    assert run.quality["power_at_rest_mw"] == [5000.0, 5000.0]
