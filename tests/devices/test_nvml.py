from __future__ import annotations

import sys
import types
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices.identity import Identity
from pytest_edgeperf.devices.sensors import nvml

HOST = Identity("host", "host", "", "")
ORIN = Identity("orin-nano", "jetson", "", "")
ROOT = Path("/")


class NVMLError(Exception):
    pass


class NVMLErrorNotSupported(NVMLError):
    pass


class Library:
    """The calls of pynvml that are used, with its signatures; any other is an AttributeError."""

    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_SM = 1

    def __init__(self, cards):
        self._cards = cards
        self._started = False

    def nvmlInit(self):
        self._started = True

    def nvmlDeviceGetCount(self):
        assert self._started
        return len(self._cards)

    def nvmlDeviceGetHandleByIndex(self, index):
        return ("handle", index)

    def nvmlDeviceGetPowerUsage(self, handle):
        return self._of(handle, "power_mw")

    def nvmlDeviceGetTemperature(self, handle, sensor):
        assert sensor == 0
        return self._of(handle, "temperature_c")

    def nvmlDeviceGetClockInfo(self, handle, kind):
        assert kind == 1
        return self._of(handle, "clock_mhz")

    def nvmlDeviceGetUtilizationRates(self, handle):
        return types.SimpleNamespace(gpu=self._of(handle, "load"), memory=99)

    def nvmlDeviceGetMemoryInfo(self, handle):
        used = self._of(handle, "used_bytes")
        return types.SimpleNamespace(total=8 << 30, free=(8 << 30) - used, used=used)

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle):
        return self._of(handle, "reasons")

    def _of(self, handle, name):
        kind, index = handle
        assert kind == "handle"
        value = self._cards[index].get(name)
        if value is None:
            raise NVMLErrorNotSupported("Not Supported")
        return value


class OlderLibrary(Library):
    nvmlDeviceGetCurrentClocksEventReasons = None

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):
        return self._of(handle, "reasons")


CARD = {
    "power_mw": 71500,
    "temperature_c": 41,
    "clock_mhz": 1980,
    "load": 0,
    "used_bytes": 3 << 20,
    "reasons": 0x001,
}


def test_a_card():
    sensors, absent = nvml.find(ROOT, HOST, Library([CARD]))
    assert absent == []
    assert {sensor.name: (sensor.read().value, sensor.quantity) for sensor in sensors} == {
        "power_gpu": (71500.0, "power"),
        "temperature_gpu": (41.0, "temperature"),
        "clock_gpu": (1980.0, "clock"),
        "load_gpu": (0.0, "load"),
        "memory_gpu": (3.0, "memory"),
    }
    assert not any(sensor.is_total for sensor in sensors)
    assert sensors[0].source == "NVML nvmlDeviceGetPowerUsage"


def test_several_cards_have_numbers():
    cards = [CARD, {**CARD, "power_mw": 20000}]
    sensors, _ = nvml.find(ROOT, HOST, Library(cards))
    assert {sensor.name: sensor.read().value for sensor in sensors if sensor.quantity == "power"} == {
        "power_gpu0": 71500.0,
        "power_gpu1": 20000.0,
    }
    assert len({sensor.name for sensor in sensors}) == 10


def test_the_library_of_orin_supports_nothing():
    sensors, absent = nvml.find(ROOT, ORIN, Library([{}]))
    assert sensors == []
    assert [gone.name for gone in absent] == [
        "power_gpu_nvml",
        "temperature_gpu_nvml",
        "clock_gpu_nvml",
        "load_gpu_nvml",
        "memory_gpu_nvml",
    ]
    assert absent[0].reason == "NVML nvmlDeviceGetPowerUsage: NVMLErrorNotSupported: Not Supported"


@pytest.mark.parametrize(
    ("field", "value", "name"), [("power_mw", 0xFFFFFFFF, "power_gpu"), ("used_bytes", (1 << 64) - 1, "memory_gpu")]
)
def test_nvmls_way_to_say_not_available_is_no_value(field, value, name):
    sensors, absent = nvml.find(ROOT, HOST, Library([{**CARD, field: value}]))
    assert [gone.name for gone in absent] == [name]
    assert "not available" in absent[0].reason
    assert name not in {sensor.name for sensor in sensors}


def test_a_card_that_fails_in_the_middle_says_so():
    card = dict(CARD)
    sensors, _ = nvml.find(ROOT, HOST, Library([card]))
    del card["power_mw"]
    assert sensors[0].read().value is None
    assert "Not Supported" in sensors[0].read().reason
    assert sensors[1].read().value == 41.0


def test_a_library_that_does_not_start_says_why(machine):
    class Broken(Library):
        def nvmlInit(self):
            raise NVMLError("Driver Not Loaded")

    sensors, absent = nvml.find(machine(), HOST, Broken([]))
    assert sensors == []
    assert absent[0].reason == (
        "NVMLError: Driver Not Loaded; no NVIDIA driver is loaded (there is no /proc/driver/nvidia)"
    )
    assert nvml.clock_reasons(ROOT, Broken([])) == []


def test_a_machine_without_cards_says_so():
    assert nvml.find(ROOT, HOST, Library([]))[1][0].reason == "NVML lists no GPU"


def test_without_the_binding_the_reason_depends_on_the_driver(machine, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    (gone,) = nvml.find(ROOT, HOST)[1]
    assert gone.reason.startswith("ModuleNotFoundError: ")
    unusable = types.SimpleNamespace(nvmlInit=mock.Mock(side_effect=ImportError("No module named 'pynvml'")))
    assert "no NVIDIA driver is loaded" in nvml.find(machine(), HOST, unusable)[1][0].reason
    loaded = machine(files={"/proc/driver/nvidia/version": "1"})
    assert "install nvidia-ml-py" in nvml.find(loaded, HOST, unusable)[1][0].reason


def test_the_library_speaks_of_this_machine_only(machine):
    assert "not on a recorded one" in nvml.find(machine("nano"), ORIN)[1][0].reason


def test_it_is_imported_only_when_somebody_looks(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", Library([CARD]))
    assert nvml.find(ROOT, HOST)[0][0].read().value == 71500.0


def test_a_raspberry_pi_has_no_such_card():
    assert nvml.find(ROOT, Identity("rpi4", "raspberry-pi", "", "")) == ([], [])


@pytest.mark.parametrize("library", [Library, OlderLibrary])
def test_what_holds_the_clocks_down(library):
    (found,) = nvml.clock_reasons(ROOT, library([{**CARD, "reasons": 0x4 | 0x20 | 0x1 | 1 << 40}]))
    assert found.gpu == "gpu"
    assert found.reasons == ("idle", "software power cap", "software thermal slowdown")
    assert found.throttling == ("software power cap", "software thermal slowdown")


def test_a_card_that_does_not_tell_why():
    (found,) = nvml.clock_reasons(ROOT, Library([{}]))
    assert (found.reasons, found.throttling) == (None, None)
    assert found.problem == "NVMLErrorNotSupported: Not Supported"


@given(st.integers(0, (1 << 64) - 1))
def test_all_that_slows_is_among_the_reasons(bits):
    reasons, throttling = nvml.parse_reasons(bits)
    assert set(throttling) <= set(reasons)
