from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure.channel import Channel, ChannelClosed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def pair():
    left, right = socket.socketpair()
    with left, right:
        yield left, right


@given(st.lists(st.dictionaries(st.text(), JSON), min_size=1, max_size=4))
def test_messages_arrive_as_they_were_sent_and_in_order(messages):
    left, right = socket.socketpair()
    with left, right:
        sender, receiver = Channel(left), Channel(right)
        for message in messages:
            sender.send(message)
        assert [receiver.receive(5.0) for _ in messages] == messages


def test_a_message_larger_than_any_buffer_arrives_whole(pair):
    sender, receiver = map(Channel, pair)
    message = {"data": "é" * 3_000_000}
    thread = threading.Thread(target=sender.send, args=(message,))
    thread.start()
    assert receiver.receive(30.0) == message
    thread.join()


def test_a_message_in_pieces_is_put_together(pair):
    left, right = pair
    receiver = Channel(right)
    line = json.dumps({"event": "ready", "text": "ä\n"}).encode() + b"\n"
    left.sendall(line[:5])
    assert receiver.receive(0.01) is None
    left.sendall(line[5:] + line[:3])
    assert receiver.receive(5.0) == {"event": "ready", "text": "ä\n"}
    left.sendall(line[3:])
    assert receiver.receive(5.0) == {"event": "ready", "text": "ä\n"}


def test_nothing_in_time_is_none(pair):
    assert Channel(pair[1]).receive(0.01) is None


def test_without_a_timeout_it_waits(pair):
    sender, receiver = map(Channel, pair)
    timer = threading.Timer(0.1, sender.send, args=({"event": "late"},))
    timer.start()
    assert receiver.receive() == {"event": "late"}
    timer.join()


def test_a_closed_other_side_is_told_after_its_last_message(pair):
    sender, receiver = map(Channel, pair)
    sender.send({"event": "last"})
    sender.close()
    assert receiver.receive(5.0) == {"event": "last"}
    with pytest.raises(ChannelClosed):
        receiver.receive(5.0)


def test_a_reset_connection_is_closed_too(pair):
    left, right = pair
    receiver = Channel(right)
    receiver.send({"event": "never read"})
    left.close()
    with pytest.raises(ChannelClosed):
        receiver.receive(5.0)


def test_sending_to_a_closed_side_is_told(pair):
    left, right = pair
    right.close()
    with pytest.raises(ChannelClosed):
        Channel(left).send({"command": "finish"})


def test_what_json_does_not_know_is_sent_as_its_repr(pair):
    sender, receiver = map(Channel, pair)
    sender.send({"path": Path("model.onnx"), "kinds": {1}})
    assert receiver.receive(5.0) == {"path": repr(Path("model.onnx")), "kinds": "{1}"}


def test_its_descriptor_is_the_sockets(pair):
    assert Channel(pair[0]).fileno() == pair[0].fileno()
