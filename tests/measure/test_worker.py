"""What a worker says by itself, on a channel that keeps it."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

import pytest

from pytest_edgeperf.measure.protocol import Finish, Specification, Sustain, TimeBlock, message_of
from pytest_edgeperf.measure.worker import LONGEST_ACTIVITY, WorkerPlugin


class Channel:
    def __init__(self, *commands):
        self.commands = [message_of(command) for command in commands]
        self.sent = []

    def send(self, message):
        self.sent.append(message)

    def receive(self):
        return self.commands.pop(0)

    def busy(self):
        return [message["what"] for message in self.sent if message["event"] == "busy"]


@pytest.mark.parametrize("command", [TimeBlock(0.1), Sustain(0.1)])
def test_what_takes_long_is_said_but_not_while_a_block_is_timed(command):
    channel = Channel(command, Finish())
    plugin = WorkerPlugin(channel, Specification("a", [], [], {}, []))
    plugin.say("loading")
    for _ in plugin.conductor.blocks():
        plugin.say("timing")
    plugin.say("x" * 1000)
    assert channel.busy() == ["loading", "x" * LONGEST_ACTIVITY]


class Config:
    """As much of pytest's configuration as the plugin asks for."""

    def __init__(self, rootpath, *plugins):
        self.rootpath = rootpath
        self.hook = SimpleNamespace(pytest_report_to_serializable=lambda config, report: {"when": report.when})
        self.pluginmanager = SimpleNamespace(get_plugins=lambda: plugins)


def teared_down(config, *reports):
    """The events of a worker's plugin after these reports, at the teardown."""
    channel = Channel()
    plugin = WorkerPlugin(channel, Specification("a", [], [], {}, []))
    plugin.pytest_configure(config)
    for when, passed in reports:
        plugin.pytest_runtest_logreport(SimpleNamespace(when=when, passed=passed))
    plugin.pytest_runtest_teardown()
    return [message for message in channel.sent if message["event"] != "report"]


def test_what_a_benchmark_loaded_is_sent_once_its_body_has_passed(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))
    conftest = ModuleType("conftest")
    conftest.__file__ = str(tmp_path / "conftest.py")
    (tmp_path / "conftest.py").write_text("limit = 1")
    config = Config(tmp_path, conftest, object())
    assert teared_down(config, ("setup", True)) == []
    assert teared_down(config, ("setup", True), ("call", False)) == []
    (event,) = teared_down(config, ("setup", True), ("call", True))
    assert event["event"] == "loaded"
    assert "conftest.py" in event["record"]["modules"]
    assert (tmp_path / "cache" / "digests" / "files.json").is_file()


def test_what_cannot_be_told_is_an_event_without_a_path(tmp_path, capsys):
    config = Config(tmp_path)
    del config.pluginmanager
    assert teared_down(config, ("call", True)) == [{"event": "loaded", "record": None, "why_not": "AttributeError"}]
    assert "AttributeError" in capsys.readouterr().err
