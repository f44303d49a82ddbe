from __future__ import annotations

import threading

import pytest

from pytest_edgeperf import activities
from pytest_edgeperf.activities import activity


@pytest.fixture
def heard():
    said = []
    activities.listen(said.append)
    yield said
    activities.listen(None)


def test_who_listens_hears_what_begins_and_what_goes_on_after_it(heard):
    with activity("building an engine"):
        with activity("exporting"):
            pass
    assert heard == ["building an engine", "exporting", "building an engine", ""]


def test_what_fails_is_over(heard):
    with pytest.raises(ValueError, match="no room"), activity("training"):
        raise ValueError("no room")
    assert heard == ["training", ""]


def test_threads_say_nothing_and_nobody_has_to_listen(heard):
    def build():
        with activity("building"):
            pass

    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    assert heard == []
    activities.listen(None)
    build()
    assert heard == []


def test_who_stops_listening_meanwhile_hears_no_more(heard):
    with activity("building"):
        activities.listen(None)
    assert heard == ["building"]
