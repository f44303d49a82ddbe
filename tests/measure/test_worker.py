"""What a worker says by itself, on a channel that keeps it."""

from __future__ import annotations

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
