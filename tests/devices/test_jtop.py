from __future__ import annotations

import atexit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices.identity import Identity, identify
from pytest_edgeperf.devices.sensors import jtop

ORIN = Identity("orin-nano", "jetson", "", "")
SOCKET = {jtop.SOCKET: ""}

#: The shapes of jetson-stats before 4.2 and since.
POWER = {
    "rail": {
        "VDD_CPU_GPU_CV": {"volt": 5088, "curr": 104, "power": 529, "avg": 530, "online": True},
        "NC": {"power": 0, "online": True},
        "VDD_SOC": {"power": 1424, "online": False},
    },
    "tot": {"volt": 5088, "curr": 936, "power": 4762, "avg": 4765, "online": True, "name": "VDD_IN"},
}
TEMPERATURE = {
    "cpu": {"temp": 48.5, "online": True},
    "cv0": {"temp": -256, "online": False},
    "PMIC-Die": {"temp": 100.0},
    "tj": {"temp": -256},
}


class Client:
    def __init__(self, interval):
        assert interval == 1.0
        self.calls = []
        self.interval = 0.5
        self.power = POWER
        self.temperature = TEMPERATURE
        self.error = None

    def start(self):
        self.calls.append("start")

    def ok(self, spin=False):
        self.calls.append(("ok", spin))
        if self.error:
            raise self.error
        return True

    def close(self):
        self.calls.append("close")


class Library:
    def __init__(self, client=Client):
        self.clients = []
        self._client = client

    def jtop(self, interval):
        self.clients.append(self._client(interval))
        return self.clients[-1]


@pytest.fixture
def at_exit(monkeypatch):
    registered = []
    monkeypatch.setattr(atexit, "register", registered.append)
    return registered


def test_rails_and_temperatures(machine, at_exit):
    library = Library()
    sensors, absent = jtop.find(machine(files=SOCKET), ORIN, library)
    assert absent == []
    assert {sensor.name: (sensor.read().value, sensor.is_total) for sensor in sensors} == {
        "power_VDD_CPU_GPU_CV_jtop": (529.0, False),
        "power_total_jtop": (4762.0, True),
        "temperature_cpu_jtop": (48.5, False),
    }
    assert {(sensor.source, sensor.refresh_hz) for sensor in sensors} == {("/run/jtop.sock", 2.0)}
    (client,) = library.clients
    assert client.calls[:2] == ["start", ("ok", False)]
    assert at_exit == [client.close]


def test_a_lost_service_is_a_reading_with_its_reason(machine, at_exit):
    library = Library()
    sensors, _ = jtop.find(machine(files=SOCKET), ORIN, library)
    library.clients[0].temperature = {}
    assert sensors[-1].read().reason == "jtop no longer reports cpu"
    library.clients[0].error = RuntimeError("Lost connection with jtop server")
    assert sensors[0].read().value is None
    assert sensors[0].read().reason == "jtop: RuntimeError: Lost connection with jtop server"


def test_without_its_service_nothing_is_imported(machine):
    root = machine("nano")
    sensors, absent = jtop.find(root, identify(root), library=object())
    assert sensors == []
    assert absent[0].reason == "there is no /run/jtop.sock: the optional jtop.service is off"


def test_other_machines_have_none(machine):
    assert jtop.find(machine(files=SOCKET), Identity("host", "host", "", "")) == ([], [])


def test_the_client_speaks_of_this_machine_only(machine):
    assert "this machine only" in jtop.find(machine(files=SOCKET), ORIN)[1][0].reason


def test_a_service_that_refuses_says_why(machine, at_exit):
    class Refused(Client):
        def start(self):
            raise RuntimeError("I can't access jtop.service.")

    sensors, absent = jtop.find(machine(files=SOCKET), ORIN, Library(Refused))
    assert sensors == []
    assert absent[0].reason == "RuntimeError: I can't access jtop.service."
    assert at_exit == []


def test_the_shapes_of_both_versions():
    rails = {"VDD_SYS_GPU": {"cur": 152, "avg": 152}, "VDD_SYS_SOC": {"cur": 686, "avg": 690}}
    assert jtop.parse_power(({"cur": 838, "avg": 842}, rails)) == {"VDD_SYS_GPU": 152.0, "VDD_SYS_SOC": 686.0}
    assert jtop.parse_temperature({"CPU": 41.5, "PMIC": 100.0, "AO": 39}) == {"CPU": 41.5, "AO": 39.0}


def test_a_total_without_a_rail_is_a_blind_sum_and_left_out():
    power = {"rail": {"GPU": {"power": 100}, "CPU": {"power": 200}}, "tot": {"power": 300, "avg": 300}}
    assert jtop.parse_power(power) == {"GPU": 100.0, "CPU": 200.0}


def test_permuted_labels_make_no_total(machine, at_exit):
    class Permuted(Client):
        def __init__(self, interval):
            super().__init__(interval)
            rails = {"POM_5V_GPU": {"power": 8949}, "POM_5V_CPU": {"power": 3148}}
            self.power = {"rail": rails, "tot": {"power": 3227, "name": "POM_5V_IN"}}

    sensors, absent = jtop.find(machine(files=SOCKET), ORIN, Library(Permuted))
    assert [sensor.name for sensor in sensors[:2]] == ["power_POM_5V_GPU_jtop", "power_POM_5V_CPU_jtop"]
    assert [gone.name for gone in absent] == ["power_total_jtop"]
    assert "POM_5V_GPU draws 8949 mW, more than the 3227 mW" in absent[0].reason
    assert not any(sensor.is_total for sensor in sensors)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["rail", "tot", "power", "cur", "temp", "name", "online"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(anything)
def test_no_shape_crashes_the_parsers(shape):
    assert all(value == value for value in jtop.parse_power(shape).values())
    assert all(0 < value <= 150 for value in jtop.parse_temperature(shape).values())
