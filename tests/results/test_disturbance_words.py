from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.results.disturbance_words import causes_text
from pytest_edgeperf.schedule.machine.disturbance import disturbed_by


def test_kinds_are_counted_once_a_run_and_the_most_frequent_comes_first():
    runs = [("canary 1.2x", "others_share 0.5"), ("canary 1.1x",), ("slowed by a", "slowed by b")]
    assert causes_text(runs) == (
        "the machine was slower than for the baseline in 2, other processes used the processors in 1, "
        "the device slowed itself down in 1"
    )


def test_a_single_run_needs_no_number():
    assert causes_text([("stopped 4.0 s",)]) == "the process was stopped"
    assert causes_text([("hot: cpu-thermal 98.0 degC",)] * 2) == "the device was too hot in all"


def test_without_a_reason_there_is_nothing_to_say():
    assert causes_text([]) == causes_text([()]) == causes_text([(), ()]) == ""


FIGURES = {
    "others_share": 0.5,
    "steal_share": 0.5,
    "throttled": 3,
    "throttled_by": ["cpu0"],
    "stopped_s": 4.0,
    "slowed_by": ["thermal"],
    "headroom_c": [-1.0, -2.0],
    "temperature_zone": "cpu",
    "temperature_c": [98.0, 99.0],
    "settings_changed": ["governor"],
    "oom_kills": 1,
    "swapped_pages": 9000,
    "overcurrent_events": 9,
    "canary_ms": [2.0, 2.0],
}


@pytest.mark.parametrize("preempted", [{}, {"cpu_share": 0.5, "involuntary_switches_per_s": 90.0}])
def test_every_reason_that_a_run_can_have_is_told_in_words(preempted):
    """No name of a figure, such as ``others_share``, reaches a reader."""
    baseline = [{"overcurrent_events": 0, "canary_ms": [1.0, 1.0]}] * 5
    figures = {**FIGURES, **preempted}
    if preempted:
        del figures["others_share"]
    reasons = disturbed_by(figures, baseline)
    text = causes_text([reasons])
    assert len(text.split(", ")) == len(reasons) == 11
    assert not set("_:0123456789") & set(text)


@given(st.lists(st.lists(st.one_of(st.text(), st.none(), st.integers()), max_size=3), max_size=4))
def test_whatever_a_file_holds_there_is_a_text(runs):
    assert isinstance(causes_text(runs), str)
