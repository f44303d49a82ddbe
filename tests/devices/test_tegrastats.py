"""Real lines of tegrastats, from Jetson TX1 to Thor, and whatever else may stand in one."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices.sensors.tegrastats import Quantity, parse

FOLDER = Path(__file__).parents[1] / "data/devices/tegrastats"
LINES = {
    f"{file.stem}-{number}": line
    for file in sorted(FOLDER.glob("*.txt"))
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines())
}


def values(name):
    """Quantity -> value of a recorded line; absent values are None."""
    return {quantity.name: quantity.value for quantity in parse(LINES[name]).quantities}


def part(found, *kinds):
    return {name: value for name, value in found.items() if name.startswith(kinds)}


def test_the_lines_are_there():
    assert len(LINES) == 23


@pytest.mark.parametrize("name", LINES)
def test_every_line_parses_to_named_values_with_units(name):
    line = parse(LINES[name])
    assert line.unknown == (("FUTURE_TOKEN", "value") if name == "thor-l4t39-0" else ())
    assert len(line.quantities) > 10
    units = {"memory": "MiB", "load": "%", "clock": "MHz", "temperature": "degC", "power": "mW", "count": "blocks"}
    for quantity in line.quantities:
        assert quantity.unit == units[quantity.name.split("_")[0]]
        assert (quantity.value is None) == bool(quantity.reason)


def test_nano_as_root():
    assert values("nano-l4t32-0") == {
        "memory_ram_used": 534.0,
        "memory_ram_total": 3964.0,
        "memory_ram_largest_block": 4.0,
        "count_ram_largest_blocks": 98.0,
        "memory_swap_used": 5.0,
        "memory_swap_total": 1982.0,
        "memory_swap_cached": 1.0,
        "memory_iram_used": 0.0,
        "memory_iram_total": 252 / 1024,
        "memory_iram_largest_block": 252 / 1024,
        "load_cpu0": 16.0,
        "clock_cpu0": 204.0,
        "load_cpu1": 9.0,
        "clock_cpu1": 204.0,
        "load_cpu2": 0.0,
        "clock_cpu2": 204.0,
        "load_cpu3": 0.0,
        "clock_cpu3": 204.0,
        "load_EMC": 0.0,
        "clock_EMC": 204.0,
        "load_GR3D": 0.0,
        "clock_GR3D": 76.0,
        "clock_APE": 25.0,
        "temperature_PLL": 34.0,
        "temperature_CPU": 36.5,
        "temperature_PMIC": None,
        "temperature_GPU": 36.0,
        "temperature_AO": 39.5,
        "temperature_thermal": 36.25,
        "power_POM_5V_IN": 1022.0,
        "power_POM_5V_IN_average": 1022.0,
        "power_POM_5V_GPU": 0.0,
        "power_POM_5V_GPU_average": 0.0,
        "power_POM_5V_CPU": 204.0,
        "power_POM_5V_CPU_average": 204.0,
    }


def test_rails_and_temperatures_of_one_name():
    found = values("agx-xavier-l4t32-0")
    assert (found["power_GPU"], found["temperature_GPU"]) == (0.0, 37.5)
    assert (found["power_CPU"], found["temperature_CPU"], found["load_cpu0"]) == (311.0, 37.5, 2.0)
    assert (found["load_MTS_fg"], found["load_MTS_bg"]) == (0.0, 0.0)
    assert part(found, "load_cpu4", "clock_cpu4") == {"load_cpu4": None}
    assert sum(value for name, value in part(found, "power_").items() if not name.endswith("average")) == 3346.0


def test_parts_that_are_powered_off():
    found = values("agx-orin-0")
    assert part(found, "temperature_") == {
        "temperature_CV0": None,
        "temperature_CPU": 41.375,
        "temperature_Tboard": 29.0,
        "temperature_SOC2": 39.0,
        "temperature_Tdiode": 30.75,
        "temperature_SOC0": 38.906,
        "temperature_CV1": None,
        "temperature_GPU": None,
        "temperature_tj": 41.468,
        "temperature_SOC1": 38.843,
        "temperature_CV2": None,
    }
    assert parse(LINES["agx-orin-0"]).time == "01-03-2023 16:10:22"
    assert Quantity("clock_NVENC", None, "MHz", "powered off") in parse(LINES["agx-orin-2"]).quantities


def test_clocks_in_all_notations():
    assert part(values("agx-orin-1"), "load_GR3D", "clock_GR3D", "clock_NVDLA0", "clock_VIC") == {
        "load_GR3D": 14.0,
        "clock_GR3D_0": 407.0,
        "clock_GR3D_1": 407.0,
        "clock_VIC": 115.0,
        "clock_NVDLA0": 1600.0,
    }
    assert part(values("orin-nano-l4t36-3"), "load_GR3D", "clock_GR3D") == {"load_GR3D": 0.0, "clock_GR3D": 305.0}
    assert part(values("orin-nano-l4t36-0"), "load_GR3D", "clock_GR3D") == {"load_GR3D": 0.0}
    assert part(values("thor-l4t39-1"), "load_cpu", "clock_cpu", "load_EMC", "clock_EMC", "clock_GR3D") == {
        "load_cpu0": 0.0,
        "clock_cpu0": 2601.0,
        "load_cpu1": 5.0,
        "clock_cpu1": 2601.0,
        "load_cpu2": None,
        "clock_EMC": 4266.0,
        "clock_GR3D_0": 1574.0,
        "clock_GR3D_1": 1574.0,
        "clock_GR3D_2": 1574.0,
    }


def test_thor_tells_the_highest_of_each():
    found = values("thor-l4t39-0")
    assert part(found, "power_VIN") == {
        "power_VIN_SYS_5V0": 15486.0,
        "power_VIN_SYS_5V0_average": 7424.0,
        "power_VIN_SYS_5V0_highest": 15486.0,
        "power_VIN": 124486.0,
        "power_VIN_average": 36487.0,
        "power_VIN_highest": 124486.0,
    }
    assert part(found, "temperature_cpu") == {"temperature_cpu": 58.25, "temperature_cpu_highest": 61.75}


def test_an_old_tx2_with_the_swap_behind_the_processors():
    found = values("tx2-l4t32-1")
    assert part(found, "memory_") == {
        "memory_ram_used": 4722.0,
        "memory_ram_total": 7844.0,
        "memory_ram_largest_block": 0.5,
        "memory_swap_used": 149.0,
        "memory_swap_total": 1024.0,
        "memory_swap_cached": 7.0,
    }
    assert found["temperature_GPU"] == -51.0
    assert (found["power_VDD_IN"], found["clock_NVENC"], found["power_VDD_DDR"]) == (14025.0, 716.0, 2702.0)


def test_without_permission_there_are_no_rails():
    assert part(values("xavier-nx-2"), "power_") == {}


def test_a_name_may_come_twice():
    found = parse("NC 0mW/0mW NC 1mW/2mW").quantities
    assert [(quantity.name, quantity.value) for quantity in found] == [
        ("power_NC", 0.0),
        ("power_NC_average", 0.0),
        ("power_NC", 1.0),
        ("power_NC_average", 2.0),
    ]


@pytest.mark.parametrize(
    ("line", "unknown"),
    [
        ("", ()),
        ("FUTURE 12", ("FUTURE", "12")),
        ("RAM 1/2 RAM 3/4GB", ("RAM", "1/2", "RAM", "3/4GB")),
        ("VDD_IN 12mW/13", ("VDD_IN", "12mW/13")),
        ("CPU [1%@2", ("CPU", "[1%@2")),
        ("cpu@nanC", ("cpu@nanC",)),
        ("EMC_FREQ 1%@[1,2", ("EMC_FREQ", "1%@[1,2")),
    ],
)
def test_what_is_not_understood_is_listed_and_left_out(line, unknown):
    found = parse(line)
    assert found.unknown == unknown
    assert found.quantities == ()


def test_a_core_that_says_something_else_is_absent():
    found = parse("CPU [1%@102,parked,off]").quantities
    assert [(one.name, one.value, one.reason) for one in found] == [
        ("load_cpu0", 1.0, None),
        ("clock_cpu0", 102.0, None),
        ("load_cpu1", None, "tegrastats says 'parked'"),
        ("load_cpu2", None, "off line"),
    ]


def check(line):
    for quantity in parse(line).quantities:
        assert (quantity.value is None) == bool(quantity.reason)
        assert quantity.value is None or math.isfinite(quantity.value)


@given(st.text(max_size=300))
def test_no_text_breaks_it(text):
    check(text)


@given(st.text("RAMCPUoff[]@%/,.0123456789mWBk_-() \n", max_size=200))
def test_no_text_of_its_signs_breaks_it(text):
    check(text)


@given(st.sampled_from(sorted(LINES.values())), st.integers(0, 600), st.integers(0, 60), st.text(max_size=5))
def test_no_damaged_line_breaks_it(line, start, length, instead):
    check(line[:start] + instead + line[start + length :])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("VDD_GPU -392mW/-392mW", {"power_VDD_GPU": -392.0, "power_VDD_GPU_average": -392.0}),
        (
            "VDD_GPU -392mW/12mW/1200mW",
            {"power_VDD_GPU": -392.0, "power_VDD_GPU_average": 12.0, "power_VDD_GPU_highest": 1200.0},
        ),
        ("CV 0/-15", {"power_CV": 0.0, "power_CV_average": -15.0}),
        ("VIN 25000mW/24000mW", {"power_VIN": 25000.0, "power_VIN_average": 24000.0}),
    ],
)
def test_a_rail_at_rest_may_be_below_nought(text, expected):
    line = parse(text)
    assert line.unknown == ()
    assert {quantity.name: quantity.value for quantity in line.quantities} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GR3D_FREQ 0%@0", {"load_GR3D": 0.0, "clock_GR3D": None}),
        ("GR3D_FREQ 0%@[0,306]", {"load_GR3D": 0.0, "clock_GR3D_0": None, "clock_GR3D_1": 306.0}),
        ("GR3D_FREQ @[0]", {"clock_GR3D": None}),
        ("NVENC 0", {"clock_NVENC": None}),
        ("EMC_FREQ 0%@0", {"load_EMC": 0.0, "clock_EMC": None}),
        ("CPU [0%@0,5%@1190]", {"load_cpu0": 0.0, "clock_cpu0": None, "load_cpu1": 5.0, "clock_cpu1": 1190.0}),
        ("VIC off", {"clock_VIC": None}),
    ],
)
def test_a_clock_that_is_off_is_absent_and_not_nought(text, expected):
    quantities = parse(text).quantities
    assert {quantity.name: quantity.value for quantity in quantities} == expected
    assert all(quantity.reason for quantity in quantities if quantity.value is None)
