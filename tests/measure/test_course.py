"""Courses of runs, synthetic and recorded.

``tests/data/courses.npz`` holds recorded durations in ns, of nine workloads (ONNX Runtime, PyTorch and NumPy on
one thread of a shared two-core virtual machine, which cannot throttle): ``levels_<workload>`` the medians of 20
consecutive blocks of each of 34 runs in fresh processes, ``start_<workload>_<n>`` the first 1.4 s of a process.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure.course import (
    CYCLIC,
    FLAT,
    SLOWDOWN,
    UNKNOWN,
    WARM_UP,
    course_of,
    cycle,
    drift,
    level_step,
    log_block_medians,
)

RECORDED = Path(__file__).parent.parent / "data" / "courses.npz"
SAMPLES = 600


def noise(seed=0, n=SAMPLES, sd=0.02):
    """Log-normal jitter with the long right tail of real latencies."""
    random = np.random.default_rng(seed)
    return np.exp(sd * random.standard_normal(n)) * np.where(random.random(n) < 0.05, 1.5, 1.0)


def at(n=SAMPLES):
    return np.arange(n) / n


SHAPES = {
    "none": np.ones(SAMPLES),
    "step down": np.where(at() < 0.3, 1.2, 1.0),
    "step up": np.where(at() < 0.6, 1.0, 1.3),
    "slow decay": 1 + 0.3 * np.exp(-3 * at()),
    "slow rise": 1 + 0.2 * at(),
    "cyclic": 1 + 0.1 * np.sin(2 * np.pi * 3 * at()),
    "square": np.where(np.floor(8 * at()) % 2, 1.2, 1.0),
    "burst": np.where((at() > 0.5) & (at() < 0.6), 1.5, 1.0),
}


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("none", FLAT),
        ("step down", WARM_UP),
        ("step up", SLOWDOWN),
        ("slow decay", WARM_UP),
        ("slow rise", SLOWDOWN),
        ("cyclic", CYCLIC),
        ("square", CYCLIC),
        ("burst", FLAT),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_synthetic_courses_are_told_apart(shape, expected, seed):
    assert course_of(SHAPES[shape] * noise(seed)).kind == expected


def test_a_step_is_told_with_its_place_and_its_size():
    told = course_of(SHAPES["step up"] * noise()).figures()
    assert set(told) == {"course", "level_step"}
    assert told["level_step"]["at"] == pytest.approx(0.6, abs=0.051)
    assert told["level_step"]["ratio"] == pytest.approx(1.3, abs=0.02)


def test_a_drift_is_told_from_end_to_end():
    assert course_of(SHAPES["slow rise"] * noise()).figures() == {
        "course": SLOWDOWN,
        "drift": pytest.approx(1.2, abs=0.03),
    }


def test_cycles_are_told_with_their_number_and_swing():
    told = course_of(SHAPES["cyclic"] * noise()).figures()
    assert told == {"course": CYCLIC, "cycle": {"periods": 3, "ratio": pytest.approx(1.1 / 0.9, abs=0.05)}}


def test_a_flat_run_has_nothing_to_tell():
    assert course_of(noise()).figures() == {}


@pytest.mark.parametrize(("change", "told"), [(1.04, False), (1.08, True), (1 / 1.08, True)])
def test_small_steps_are_not_told(change, told):
    levels = np.log(np.where(at(20) < 0.5, 1.0, change)) + 0.001 * np.sin(np.arange(20))
    assert (level_step(levels) is not None) is told


def test_noise_as_large_as_the_step_hides_it():
    levels = np.log(np.where(at(20) < 0.5, 1.0, 1.1))
    jitter = 0.03 * np.random.default_rng(2).standard_normal(20)
    assert level_step(levels + jitter / 5) is not None
    assert level_step(levels + jitter) is None


def test_a_level_lasts_a_fifth_of_the_run():
    assert level_step(np.log([1.0] * 17 + [1.5] * 3)) is None
    assert level_step(np.log([1.0] * 16 + [1.5] * 4)).at == 0.8


def test_a_constant_run_is_flat():
    assert course_of(np.full(100, 3.0)).kind == FLAT


@pytest.mark.parametrize("n", [0, 1, 11])
def test_too_few_samples_tell_nothing(n):
    told = course_of(np.ones(n))
    assert told.kind == UNKNOWN
    assert told.figures() == {}


def test_a_dozen_samples_are_enough():
    samples = np.where(at(12) < 0.5, 1.0, 1.5) * noise(n=12, sd=0.01)
    assert course_of(samples).kind == SLOWDOWN


def test_a_step_between_visits_is_the_machines_and_not_told():
    samples = np.where(at() < 1 / 3, 1.0, 1.4) * noise()
    assert course_of(samples).kind == SLOWDOWN
    assert course_of(samples, [200, 400, 600]).kind == FLAT


def test_a_step_inside_a_visit_is_told_at_its_place_in_the_run():
    samples = np.where(at() < 0.5, 1.0, 1.4) * noise()
    step = course_of(samples, [200, 400, 600]).step
    assert step.at == pytest.approx(0.5, abs=0.02)
    assert step.ratio == pytest.approx(1.4, abs=0.03)


def test_of_several_visits_the_one_that_changed_most_is_told():
    samples = noise() * np.where(at() < 0.25, 1.0, 1.1) * np.where(at() < 0.75, 1.0, 1.3)
    assert course_of(samples, [300, 600]).step.ratio == pytest.approx(1.3, abs=0.03)


def test_turns_of_a_duet_are_not_looked_at():
    ends = list(range(60, 601, 60))
    assert course_of(SHAPES["step up"], ends).kind == UNKNOWN
    assert course_of(SHAPES["step up"], [600]).kind == SLOWDOWN


@given(
    scale=st.floats(1e-6, 1e6),
    shape=st.sampled_from(["none", "step down", "step up", "slow decay", "cyclic"]),
    seed=st.integers(0, 20),
)
def test_the_unit_does_not_matter(scale, shape, seed):
    samples = SHAPES[shape] * noise(seed)
    here, there = course_of(samples), course_of(samples * scale)
    assert (here.kind, here.size) == (there.kind, pytest.approx(there.size, rel=1e-6))


@given(levels=st.lists(st.floats(-5, 5), min_size=12, max_size=20))
def test_a_step_backwards_is_its_mirror(levels):
    forward = level_step(np.array(levels))
    downward = level_step(-np.array(levels))
    assert (forward is None) is (downward is None)
    if forward is not None:
        assert forward.at == downward.at
        assert forward.ratio * downward.ratio == pytest.approx(1.0)


@given(levels=st.lists(st.floats(-5, 5), min_size=12, max_size=20))
def test_any_levels_have_figures_that_json_can_hold(levels):
    import json

    told = course_of(np.exp(levels)).figures()
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_blocks_are_as_many_as_there_are_samples_at_the_most():
    assert len(log_block_medians(np.ones(15))) == 15
    assert len(log_block_medians(np.ones(1000))) == 20


@pytest.fixture(scope="module")
def recorded():
    with np.load(RECORDED) as data:
        return {name[len("levels_") :]: np.log(data[name]) for name in data.files if name.startswith("levels_")}


def test_recorded_runs_of_a_machine_that_cannot_throttle_hold_steps_seldom_and_nothing_else(recorded):
    steps = {name: np.mean([level_step(run) is not None for run in runs]) for name, runs in recorded.items()}
    drifts = np.mean([drift(run) is not None for runs in recorded.values() for run in runs])
    cycles = np.mean([cycle(run) is not None for runs in recorded.values() for run in runs])
    assert max(steps.values()) <= 0.15
    assert 0.06 <= np.mean(list(steps.values())) <= 0.08
    assert drifts <= 0.005
    assert cycles == 0


def test_shuffled_recordings_hold_nothing_in_order(recorded):
    random = np.random.default_rng(0)
    found = []
    for runs in recorded.values():
        for run in runs:
            shuffled = random.permutation(run)
            found.append((level_step(shuffled) is not None, drift(shuffled) is not None, cycle(shuffled) is not None))
    steps, drifts, cycles = np.mean(found, axis=0)
    assert steps <= 0.02
    assert drifts == 0
    assert cycles <= 0.005


@pytest.mark.parametrize("change", [1.3, 1 / 1.3])
def test_a_step_on_top_of_recorded_noise_is_found_in_most_runs(recorded, change):
    random = np.random.default_rng(0)
    later = np.where(at(20) < 0.4, 0.0, np.log(change))
    found = [level_step(random.permutation(run) + later) for runs in recorded.values() for run in runs]
    told = [step for step in found if step is not None]
    assert len(told) >= 0.7 * len(found)
    assert np.median([step.at for step in told]) == pytest.approx(0.4)
    assert np.median([step.ratio for step in told]) == pytest.approx(change, rel=0.03)
