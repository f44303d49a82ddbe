from __future__ import annotations

import fcntl
import json
import socket
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure import channel
from pytest_edgeperf.measure.channel import Channel, ChannelClosed, MalformedMessage, MessageTooLong

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


def cpu_seconds_to_receive(mebibytes):
    left, right = socket.socketpair()
    with left, right:
        line = json.dumps({"text": "x" * (mebibytes << 20)}).encode() + b"\n"
        thread = threading.Thread(target=left.sendall, args=(line,))
        began = time.process_time()
        thread.start()
        assert Channel(right).receive(60.0) is not None
        thread.join()
        return time.process_time() - began


def test_the_time_of_a_message_grows_with_its_length_and_not_with_its_square():
    cpu_seconds_to_receive(1)
    short, long = cpu_seconds_to_receive(2), cpu_seconds_to_receive(32)
    assert long < 80 * short


def test_many_short_messages_in_one_piece_arrive_in_order(pair):
    left, right = pair
    receiver = Channel(right)
    left.sendall(b"".join(json.dumps({"n": n}).encode() + b"\n" for n in range(2000)))
    assert [receiver.receive(5.0)["n"] for _ in range(2000)] == list(range(2000))


def test_a_message_that_trickles_does_not_hold_up_the_receiver(pair):
    left, right = pair
    stop = threading.Event()

    def trickle():
        while not stop.wait(0.005):
            left.sendall(b"x")

    thread = threading.Thread(target=trickle)
    thread.start()
    timer = threading.Timer(20.0, stop.set)
    timer.start()
    assert Channel(right).receive(0.1) is None
    assert not stop.is_set()
    stop.set()
    timer.cancel()
    thread.join()


def test_a_message_without_end_is_refused(pair, monkeypatch):
    monkeypatch.setattr(channel, "MAX_MESSAGE_BYTES", 1000)
    left, right = pair
    left.sendall(b"x" * 1001)
    with pytest.raises(MessageTooLong, match="exceeds"):
        Channel(right).receive(5.0)


@pytest.mark.parametrize(
    "line", [b"[W] tactic cache is full", b"", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"a": ' + b"1" * 5000]
)
def test_a_line_that_is_no_message_is_told_with_its_beginning(pair, line):
    left, right = pair
    left.sendall(line + b'\n{"event": "ready"}\n')
    receiver = Channel(right)
    with pytest.raises(MalformedMessage, match="is not a message"):
        receiver.receive(5.0)
    assert receiver.receive(5.0) == {"event": "ready"}


def test_descriptors_beyond_those_that_select_takes_are_read(pair):
    resource = pytest.importorskip("resource")
    left, right = pair
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1100
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip("no descriptor beyond 1023 can be had here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        number = fcntl.fcntl(right.fileno(), fcntl.F_DUPFD_CLOEXEC, 1024)
        with socket.socket(fileno=number) as high:
            Channel(left).send({"event": "ready"})
            assert Channel(high).receive(5.0) == {"event": "ready"}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
