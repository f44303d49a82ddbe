from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.results.types import Benchmark, Results, Run
from pytest_edgeperf.schedule.machine.disturbance import (
    CANARY_MARGIN,
    FEWEST_CANARIES,
    LEAST_CPU_SHARE,
    MOST_OTHERS_SHARE,
    MOST_SHARE_OF_TAIL,
    MOST_STEAL_SHARE,
    MOST_SWAPPED_PAGES,
    MOST_SWITCHES_PER_S,
    OWN_HELP_SHARE,
    baseline_figures,
    canary_limit,
    disturbed_by,
    preempted,
    summary,
    tail_disturbed,
    tail_summary,
)

CALM = {
    "cpu_share": 0.99,
    "thread_share": 0.99,
    "involuntary_switches_per_s": 2.0,
    "others_share": 0.01,
    "own_share": 0.99,
    "steal_share": 0.0,
    "share_resolution": 0.017,
    "canary_ms": [0.100, 0.101],
    "throttled": 0,
}
PREEMPTED = {"cpu_share": 0.80, "involuntary_switches_per_s": 90.0}
SHARES = st.floats(0, 4)
FIGURES = st.fixed_dictionaries(
    {},
    optional={
        "cpu_share": SHARES,
        "thread_share": SHARES,
        "involuntary_switches_per_s": st.floats(0, 1e4),
        "others_share": SHARES,
        "own_share": SHARES,
        "steal_share": st.floats(0, 1),
        "share_resolution": st.floats(0, 0.2),
        "canary_ms": st.lists(st.floats(0.05, 0.5), min_size=2, max_size=6),
        "throttled": st.integers(0, 3),
    },
)


def having(**changes):
    return {**CALM, **changes}


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        (CALM, False),
        (PREEMPTED, True),
        ({**PREEMPTED, "cpu_share": LEAST_CPU_SHARE}, False),
        ({**PREEMPTED, "involuntary_switches_per_s": MOST_SWITCHES_PER_S}, False),
        ({"cpu_share": 0.1}, False),
        ({"involuntary_switches_per_s": 500.0}, False),
        ({}, False),
    ],
)
def test_preempted_takes_both_signs(quality, expected):
    assert preempted(quality) is expected


def test_where_nobody_knows_what_others_did_being_preempted_is_enough():
    assert disturbed_by(PREEMPTED) == ["cpu_share 0.80 with 90 involuntary switches/s"]


def test_who_is_preempted_while_everybody_else_is_idle_does_it_himself():
    assert disturbed_by(having(**PREEMPTED)) == []


@pytest.mark.parametrize(
    ("others", "pinned", "signs", "reasons"),
    [
        (0.31, True, {}, ["others_share 0.31"]),
        (0.31, True, PREEMPTED, ["others_share 0.31"]),
        (0.31, False, PREEMPTED, ["others_share 0.31"]),
        (0.31, False, {}, []),
        (MOST_OTHERS_SHARE + 0.016, True, PREEMPTED, []),
        (MOST_OTHERS_SHARE + 0.018, True, {}, ["others_share 0.09"]),
    ],
)
def test_others_on_the_runs_own_processors(others, pinned, signs, reasons):
    assert disturbed_by(having(others_share=others, **signs), pinned=pinned) == reasons


@pytest.mark.parametrize(
    ("figures", "pinned", "marked"),
    [
        ({}, True, False),
        ({"others_share": 0.02}, True, False),
        ({"others_share": MOST_SHARE_OF_TAIL + 0.02}, True, True),
        ({"others_share": MOST_SHARE_OF_TAIL + 0.02}, False, False),
        ({"steal_share": MOST_SHARE_OF_TAIL + 0.02}, False, True),
    ],
)
def test_a_small_share_of_others_moves_the_tail_alone(figures, pinned, marked):
    run = having(**figures)
    assert disturbed_by(run, pinned=pinned) == []
    assert tail_disturbed(run, pinned=pinned) is marked
    assert not tail_disturbed(run, [run, CALM], pinned=pinned)
    assert tail_disturbed(run, [run, CALM, CALM], pinned=pinned) is marked


def test_tails_that_are_no_evidence_are_told():
    marked, good = ({"disturbed": False, "tail_disturbed": True}, {"disturbed": False})
    runs = [Run("e", "2026-01-01T00:00:00Z", "s", {}, quality=quality) for quality in (marked, good, marked)]
    assert tail_summary(runs[1:2]) is None
    assert tail_summary(runs).startswith(
        "other processes used 3 % or more of the processors during 2 of 3 runs: the tails of these"
    )


def test_stolen_time_and_throttling():
    assert disturbed_by(having(steal_share=MOST_STEAL_SHARE + 0.03)) == ["steal_share 0.10"]
    assert disturbed_by(having(slowed_by=["gpu-throttle-alert"])) == ["slowed by gpu-throttle-alert"]
    throttled = having(throttled=3, throttled_by=["cpu1/core_throttle_count"])
    assert disturbed_by(throttled) == ["throttled 3x (cpu1/core_throttle_count)"]
    hot = {**throttled, "slowed_by": ["gpu"], "headroom_c": (20.0, -1.0), "temperature_zone": "gpu"}
    hot.update(temperature_c=(40.0, 98.0), canary_ms=[9.0, 9.0])
    assert len(disturbed_by(hot, [CALM] * 5)) == 4
    assert disturbed_by(hot, [CALM] * 5, heated=True) == []
    assert disturbed_by({**hot, "swapped_pages": 10**6}, heated=True) == ["swapped 1000000 pages"]


@pytest.mark.parametrize("signs", [PREEMPTED, {"others_share": 0.4}, {"steal_share": 0.2}])
def test_signs_that_half_of_the_baseline_shows_belong_to_the_benchmark(signs):
    run = {name: value for name, value in having(**signs).items() if name != "others_share" or "others_share" in signs}
    calm = {name: CALM[name] for name in run}
    assert disturbed_by(run, [calm, calm, run])
    assert not disturbed_by(run, [run, calm])
    assert disturbed_by(run, [{}, {}])


def test_the_canary_is_held_against_nine_in_ten_of_the_baseline():
    baseline = [having(canary_ms=[value, 2 * value]) for value in [0.1] * 7 + [0.11] * 2 + [0.3]]
    limit = canary_limit(baseline)
    assert limit == pytest.approx(CANARY_MARGIN * 0.11)
    assert disturbed_by(having(canary_ms=[limit * 0.999, 1.0]), baseline) == []
    assert disturbed_by(having(canary_ms=[0.22, 0.25]), baseline) == ["canary 2.00x"]


def test_a_moments_slowness_on_one_side_of_the_run_is_no_state_of_the_machine():
    baseline = [CALM] * 5
    assert disturbed_by(having(canary_ms=[0.1, 0.3]), baseline) == []
    assert disturbed_by(having(canary_ms=[0.3, 0.3]), baseline) == ["canary 3.00x"]


def test_too_few_canaries_are_no_measure():
    slow = having(canary_ms=[9.0, 9.0])
    assert disturbed_by(slow, [CALM] * (FEWEST_CANARIES - 1)) == []
    assert disturbed_by(slow, [CALM] * (FEWEST_CANARIES - 1) + [{"canary_ms": []}, {}]) == []
    assert disturbed_by(slow, [CALM] * FEWEST_CANARIES)


def test_a_canary_beside_new_children_or_threads_of_its_own_says_nothing():
    slow = having(canary_ms=[0.2, 0.2], own_share=CALM["thread_share"] + OWN_HELP_SHARE + 0.02)
    assert disturbed_by(slow, [CALM] * 5) == []
    helped_before = having(own_share=slow["own_share"])
    assert disturbed_by(slow, [helped_before] * 5) == ["canary 2.00x"]


@given(FIGURES, st.lists(FIGURES, max_size=6), st.booleans())
def test_any_figures_are_judged_and_a_run_like_all_of_its_baseline_is_evidence(quality, baseline, pinned):
    reasons = disturbed_by(quality, baseline, pinned=pinned)
    assert all(isinstance(reason, str) for reason in reasons)
    unthrottled = {**quality, "throttled": 0}
    assert disturbed_by(unthrottled, [unthrottled] * 5, pinned=pinned) == []


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 2), st.floats(0, 2), st.booleans())
def test_a_candidate_that_alone_uses_the_machine_is_never_disturbed(cpu, thread, own, switches, pinned):
    lonely = having(cpu_share=cpu, thread_share=thread, own_share=own, involuntary_switches_per_s=1e4 * switches)
    assert disturbed_by(lonely, [CALM] * 10, pinned=pinned) == []


@given(st.lists(st.floats(0.05, 0.5), min_size=FEWEST_CANARIES, max_size=30), st.floats(1.0, 4.0))
def test_the_canarys_limit_grows_with_the_machine_and_knows_no_order(values, factor):
    def limit(canaries):
        return canary_limit([{"canary_ms": [value]} for value in canaries])

    assert limit(values) == limit(sorted(values, reverse=True))
    assert limit([factor * value for value in values]) == pytest.approx(factor * limit(values))
    assert limit(values) <= CANARY_MARGIN * max(values)


def environment(python="3.11.4", cpus="1", **fingerprint):
    return {
        "fingerprint": {"device": "host", **fingerprint},
        "software": {"python": python},
        "settings": {"cpus": cpus, "engine": python},
    }


def run(quality, environment="usual"):
    return Run(environment, "2026-01-01T00:00:00Z", "session", {"latency": 1.0}, quality=quality)


def test_only_good_runs_of_the_same_machine_python_and_processors_are_comparable():
    runs = (
        run(CALM),
        run(having(disturbed=True)),
        run(None),
        run(CALM, "newer python"),
        run(CALM, "other cpus"),
        run(CALM, "other machine"),
        run(CALM, "lost"),
    )
    baseline = Results(
        "host",
        {
            "usual": environment(),
            "newer python": environment(python="3.12.1"),
            "other cpus": environment(cpus="off"),
            "other machine": environment(module="p3448"),
        },
        {"test_a": Benchmark({}, {}, runs)},
    )
    engine_changed = {**environment(), "settings": {"cpus": "1", "engine": "another"}}
    assert baseline_figures(baseline, "test_a", engine_changed) == [CALM]
    assert baseline_figures(baseline, "test_b", environment()) == []
    assert baseline_figures(None, "test_a", environment()) == []


def test_other_clocks_make_another_canary():
    modes = {"power_mode": "5W", "cpu_max_mhz": 918}
    slow = {**environment(), "settings": {**environment()["settings"], **modes}}
    stored = Results("host", {"usual": environment()}, {"test_a": Benchmark({}, {}, (run(CALM),))})
    assert baseline_figures(stored, "test_a", environment()) == [CALM]
    assert baseline_figures(stored, "test_a", slow) == []


@pytest.mark.parametrize(
    ("figures", "reasons"),
    [
        ({"headroom_c": [9.0, 4.0], "temperature_c": [88.0, 93.0], "temperature_zone": "cpu"}, []),
        (
            {"headroom_c": [9.0, -0.5], "temperature_c": [88.0, 97.5], "temperature_zone": "cpu"},
            ["hot: cpu 97.5 degC"],
        ),
        ({"settings_changed": ["power_mode", "governor"]}, ["settings changed: power_mode, governor"]),
        ({"oom_kills": 2}, ["memory ran out: the kernel killed 2 processes"]),
        ({"swapped_pages": MOST_SWAPPED_PAGES}, []),
        ({"swapped_pages": MOST_SWAPPED_PAGES + 1}, [f"swapped {MOST_SWAPPED_PAGES + 1} pages"]),
        ({"overcurrent_events": 9}, []),
    ],
)
def test_what_the_looks_before_and_after_tell(figures, reasons):
    assert disturbed_by(having(**figures)) == reasons


@pytest.mark.parametrize(("usual", "reasons"), [(0, ["over-current 9x"]), (27, [])])
def test_over_current_tells_only_against_a_baseline_without_it(usual, reasons):
    assert disturbed_by(having(overcurrent_events=9), [having(overcurrent_events=usual)] * 3) == reasons


def test_swapping_that_the_baseline_shows_too_belongs_to_the_benchmark():
    assert disturbed_by(having(swapped_pages=4000), [having(swapped_pages=3000)] * 3) == []


def test_the_summary_says_how_many_by_what_and_how_many_were_replaced():
    assert summary([run(CALM), run(None)], 0) is None
    disturbed = [
        run({"disturbed": True, "disturbed_by": ["others_share 0.31", "canary 1.21x"]}),
        run({"disturbed": True, "disturbed_by": ["canary 1.30x"]}),
        run({"disturbed": True}),
    ]
    text = summary([run(CALM), *disturbed], 2)
    assert text == (
        "3 of 4 runs were disturbed: the machine was slower than for the baseline in 2, other processes used the "
        "processors in 1. Disturbed runs are stored but not compared; 2 were replaced"
    )
    assert summary([run(CALM), disturbed[2]], 0) == (
        "1 of 2 runs was disturbed. Disturbed runs are stored but not compared; none was replaced"
    )
