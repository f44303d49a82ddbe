from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf import settings as module
from pytest_edgeperf.settings import (
    OPTIONS,
    BenchmarkOptions,
    Settings,
    SettingsError,
    cpu_list,
    parse_marker,
)


def read(typed=(), ini=(), prefix=False):
    typed, ini = dict(typed), dict(ini)
    unknown = {*typed, *ini} - {option.dest for option in OPTIONS}
    assert not unknown, unknown
    return module.read(typed.get, ini.get, prefix)


def test_nothing_typed_is_the_defaults():
    assert read() == Settings()
    assert Settings().rounds == 3


def test_everything_that_can_be_typed_arrives():
    found = read(
        {
            "edgeperf_device": "nano",
            "edgeperf_framework": ["torch,onnxruntime", "torch"],
            "edgeperf_precision": ["fp32, fp16"],
            "edgeperf_baseline": "refresh",
            "edgeperf_baseline_dir": "kept",
            "edgeperf_rounds": "4",
            "edgeperf_max_rounds": "12",
            "edgeperf_budget": "0.5",
            "edgeperf_visits": "3",
            "edgeperf_spacing": "0",
            "edgeperf_turn": "0.1",
            "edgeperf_threads": "2",
            "edgeperf_cpus": "2-3",
            "edgeperf_timeout": "30",
            "edgeperf_reason": "new board",
            "edgeperf_allow_difference": ["power_mode", "fingerprint.l4t,governor"],
            "edgeperf_no_cooldown": True,
            "edgeperf_telemetry": "3.5",
            "edgeperf_results": ["a.json", "b.json"],
            "edgeperf_report": ["a.md", "b.json"],
            "edgeperf_explain": "all",
            "edgeperf_inconclusive": "fail",
            "edgeperf_unbaselined": "fail",
        }
    )
    assert found == Settings(
        device="nano",
        frameworks=("torch", "onnxruntime"),
        precisions=("fp32", "fp16"),
        baseline="refresh",
        gate_benchmarks=True,
        baseline_dir="kept",
        rounds=4,
        max_rounds=12,
        check_max_rounds=12,
        budget_s=0.5,
        visits=3,
        spacing_s=0.0,
        turn_s=0.1,
        threads=2,
        cpus="2-3",
        timeout_s=30.0,
        reason="new board",
        allowed_differences=("power_mode", "fingerprint.l4t", "governor"),
        cooldown=False,
        telemetry_s=3.5,
        results=("a.json", "b.json"),
        reports=("a.md", "b.json"),
        explain="all",
        inconclusive="fail",
        unbaselined="fail",
    )


def test_in_process_runs_leave_nothing_for_files():
    assert read({"edgeperf_in_process": True}).in_process
    for option in ("edgeperf_results", "edgeperf_report"):
        with pytest.raises(SettingsError, match=r"in-process measures nothing for --.*: leave it out"):
            read({"edgeperf_in_process": True, option: ["a.json"]})


@pytest.mark.parametrize(
    ("key", "ini", "typed", "attribute", "from_ini", "from_typed"),
    [
        ("device", "nano", "rpi4", "device", "nano", "rpi4"),
        ("rounds", "5", "2", "rounds", 5, 2),
        ("framework", "torch", ["onnxruntime"], "frameworks", ("torch",), ("onnxruntime",)),
        ("budget", "2", "0.25", "budget_s", 2.0, 0.25),
        ("visits", "2", "4", "visits", 2, 4),
        ("spacing", "2", "0", "spacing_s", 2.0, 0.0),
        ("in_process", "yes", True, "in_process", True, True),
        ("cpus", "off", "1", "cpus", "off", "1"),
    ],
)
def test_what_is_typed_wins_over_the_ini_key(key, ini, typed, attribute, from_ini, from_typed):
    dest = f"edgeperf_{key}"
    assert getattr(read(ini={dest: ini}), attribute) == from_ini
    assert getattr(read({dest: typed}, {dest: ini}), attribute) == from_typed


@pytest.mark.parametrize(
    ("typed", "ini", "expected"),
    [
        ({}, {}, (3, 9)),
        ({"edgeperf_rounds": "5"}, {"edgeperf_rounds": "4"}, (5, 9)),
        ({"edgeperf_rounds": "19", "edgeperf_baseline": "off"}, {}, (3, 9)),
        ({"edgeperf_rounds": "19", "edgeperf_baseline": "off"}, {"edgeperf_rounds": "4"}, (4, 9)),
        ({"edgeperf_rounds": "19"}, {"edgeperf_baseline": "off", "edgeperf_max_rounds": "15"}, (3, 15)),
        ({"edgeperf_baseline": "off"}, {"edgeperf_rounds": "12"}, (12, 12)),
    ],
)
def test_rounds_typed_for_a_session_that_checks_nothing_are_not_those_of_a_check(typed, ini, expected):
    found = read(typed, ini)
    assert (found.check_rounds, found.check_max_rounds) == expected


def test_the_rounds_of_a_check_are_read_with_care_too():
    with pytest.raises(SettingsError, match="ini key edgeperf_rounds=many: must be a whole number"):
        read({"edgeperf_rounds": "19", "edgeperf_baseline": "off"}, {"edgeperf_rounds": "many"})


def test_what_belongs_to_a_project_is_read_from_the_ini_file_only():
    found = read(
        {"edgeperf_tolerance": "0.5"},
        {"edgeperf_tolerance": "0.05", "edgeperf_must_detect": "0.2", "edgeperf_gate_benchmarks": "on"},
    )
    assert (found.tolerance, found.must_detect, found.gate_benchmarks) == (0.05, 0.2, True)


@pytest.mark.parametrize("empty", [None, "", []])
def test_an_empty_ini_key_is_the_default(empty):
    assert read(ini={option.dest: empty for option in OPTIONS}) == Settings()


@pytest.mark.parametrize(
    ("typed", "ini", "expected"),
    [
        ({"edgeperf_baseline": "off"}, {}, True),
        ({"edgeperf_baseline": "check"}, {}, True),
        ({}, {"edgeperf_baseline": "check"}, False),
        ({}, {"edgeperf_gate_benchmarks": "true"}, True),
        ({}, {"edgeperf_gate_benchmarks": "false"}, False),
    ],
)
def test_tests_of_pytest_benchmark_are_ours_when_baseline_is_typed_or_the_ini_says_so(typed, ini, expected):
    assert read(typed, ini).gate_benchmarks is expected


def test_a_refresh_takes_seventeen_rounds_and_needs_a_reason():
    found = read({"edgeperf_baseline": "refresh", "edgeperf_reason": "why"})
    assert (found.rounds, found.max_rounds) == (17, 17)
    for reason in ({}, {"edgeperf_reason": "  "}):
        with pytest.raises(SettingsError, match="--edgeperf-reason"):
            read({"edgeperf_baseline": "refresh", **reason})


def test_what_a_lock_step_comparison_rules_out_can_be_typed_or_set():
    assert read({}).against_must_detect == 0.05
    assert read({}, {"edgeperf_against_must_detect": "0.1"}).against_must_detect == 0.1
    assert read({"edgeperf_against_must_detect": "0.02"}).against_must_detect == 0.02


def test_the_limit_of_rounds_is_never_under_the_rounds():
    assert read({"edgeperf_rounds": "20"}).max_rounds == 20
    assert read({"edgeperf_rounds": "5", "edgeperf_max_rounds": "2"}).max_rounds == 5


@pytest.mark.parametrize(
    ("key", "text", "remedy"),
    [
        ("baseline", "chek", "check, refresh, off"),
        ("rounds", "0", "at least 1"),
        ("rounds", "many", "whole number"),
        ("rounds", "1001", "at most 1000"),
        ("precision", "fp33", "did you mean fp32?"),
        ("against_must_detect", "1", "under 1"),
        ("max_rounds", "-1", "at least 1"),
        ("budget", "0", "positive number"),
        ("visits", "0", "at least 1"),
        ("spacing", "-1", "at least 0"),
        ("spacing", "inf", "at least 0"),
        ("budget", "nan", "positive number"),
        ("budget", "inf", "positive number"),
        ("budget", "1.2s", "number"),
        ("threads", "0", "at least 1"),
        ("timeout", "-3", "positive number"),
        ("cpus", "all", "auto, off, or processor numbers such as 2,4-5"),
        ("explain", "why", "off, regressed, all"),
        ("inconclusive", "maybe", "pass, fail"),
        ("unbaselined", "", "pass, fail"),
        ("tolerance", "2", "under 1"),
        ("must_detect", "10%", "number"),
        ("gate_benchmarks", "perhaps", "true or false"),
        ("in_process", "perhaps", "true or false"),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error_that_names_the_option_and_the_remedy(key, text, remedy):
    dest = f"edgeperf_{key}"
    option = next(option for option in OPTIONS if option.key == key)
    if text:
        with pytest.raises(SettingsError) as error:
            read(ini={dest: text})
        assert f"ini key {dest}={text}" in str(error.value)
        assert remedy in str(error.value)
    if not option.ini_only and not option.flag:
        with pytest.raises(SettingsError) as error:
            read({dest: text})
        assert f"{option.name(False)}={text}" in str(error.value)
        assert remedy in str(error.value)


def test_against_turns_the_session_into_pairs():
    found = read({"edgeperf_against": "origin/main"}, {"edgeperf_rounds": "3", "edgeperf_visits": "2"})
    assert (found.baseline, found.against, found.rounds, found.max_rounds) == ("against", "origin/main", 4, 12)
    assert (found.visits, found.spacing_s, found.judges, found.gate_benchmarks) == (1, 0.0, True, True)
    typed = read({"edgeperf_against_python": "/usr/bin/python3", "edgeperf_rounds": "20"})
    assert (typed.against, typed.against_python, typed.rounds, typed.max_rounds) == (None, "/usr/bin/python3", 20, 20)
    assert read({"edgeperf_against": "x"}, {"edgeperf_baseline": "refresh"}).baseline == "against"


def test_each_build_has_a_pair_at_the_first_look():
    found = read({"edgeperf_against": "x", "edgeperf_builds": "6"})
    assert (found.builds, found.rounds, found.max_rounds) == (6, 6, 12)
    stored = read({}, {"edgeperf_builds": "6"})
    assert (stored.builds, stored.rounds, stored.max_rounds) == (6, 6, 9)
    refresh = read({"edgeperf_baseline": "refresh", "edgeperf_reason": "new", "edgeperf_builds": "4"})
    assert (refresh.builds, refresh.rounds) == (4, 17)
    assert read({"edgeperf_builds": "4", "edgeperf_rounds": "2"}).rounds == 2
    assert parse_marker((), {"builds": 5}).builds == 5


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"edgeperf_against": "x", "edgeperf_baseline": "check"}, "--baseline compares with stored runs"),
        ({"edgeperf_against_setup": "make"}, "--against-setup prepares a worktree: give --against too"),
        ({"edgeperf_against_setup": "make", "edgeperf_against_python": "p"}, "--against-python alone makes none"),
        ({"edgeperf_against_setup": "make", "edgeperf_against_command": "c"}, "--against-command alone makes none"),
        ({"edgeperf_against_command": "c", "edgeperf_in_process": True}, "--edgeperf-in-process runs bodies in this"),
        (
            {"edgeperf_builds": "4", "edgeperf_in_process": True},
            "one build of its engine: leave --edgeperf-builds",
        ),
        ({"edgeperf_against": "x", "edgeperf_builds": "3"}, "--edgeperf-builds=3: must be 1, or from 4 to 100"),
        ({"edgeperf_against": "x", "edgeperf_max_rounds": "3"}, "--edgeperf-max-rounds=3: .* at least 4 pairs"),
    ],
)
def test_what_does_not_go_with_against_is_said(typed, said):
    with pytest.raises(SettingsError, match=said):
        read(typed)


def test_with_prefixed_names_messages_say_them_so():
    with pytest.raises(SettingsError, match=r"^--edgeperf-baseline=x"):
        read({"edgeperf_baseline": "x"}, prefix=True)


def test_only_the_bare_names_change_with_the_prefix():
    bare = {option.name(False) for option in OPTIONS if option.bare}
    against = {"--against", "--against-command", "--against-python", "--against-setup"}
    assert bare == {"--device", "--framework", "--precision", "--baseline", *against}
    assert all(option.name(True) == f"--edgeperf-{option.key.replace('_', '-')}" for option in OPTIONS)
    assert all(option.name(False) == option.name(True) for option in OPTIONS if not option.bare)


def ranges(cpus):
    """As the kernel writes them: runs as first-last."""
    parts = []
    for cpu in sorted(cpus):
        if parts and parts[-1][1] == cpu - 1:
            parts[-1][1] = cpu
        else:
            parts.append([cpu, cpu])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


@given(st.sets(st.integers(0, 300), min_size=1))
def test_a_processor_list_is_read_as_it_is_written(cpus):
    expected = tuple(sorted(cpus))
    assert cpu_list(ranges(cpus)) == expected
    assert cpu_list(" , ".join(map(str, cpus))) == expected


@given(st.text())
def test_any_other_text_is_refused_in_words_or_read_as_sorted_numbers(text):
    try:
        found = cpu_list(text)
    except ValueError as error:
        assert "processor numbers" in str(error)  # noqa: PT017 (most texts do raise)
    else:
        assert found
        assert list(found) == sorted(set(found))


@pytest.mark.parametrize("text", ["", ",", "a", "1-", "-1", "1-b", "1.5", "3-2", "5,3-2", "²"])
def test_what_is_no_processor_list_is_refused(text):
    with pytest.raises(ValueError, match="processor numbers"):
        cpu_list(text)


def test_an_absurd_range_is_refused_at_once():
    with pytest.raises(ValueError, match="processor numbers"):
        cpu_list("0-99999999999")


# The marker.


def test_a_markers_keywords_arrive():
    assert parse_marker(
        (), {"tolerance": {"latency": 0.03}, "gate": "power_mean", "threads": 2, "budget": 3, "timeout": 60}
    ) == BenchmarkOptions({"latency": 0.03}, ("power_mean",), 2, 3.0, 60.0)
    assert parse_marker((), {}) == BenchmarkOptions()
    assert parse_marker((), {"curve": True}) == BenchmarkOptions(curve=True)
    assert parse_marker((), {"power_series": 100}) == BenchmarkOptions(power_series=100)
    assert parse_marker((), {"stack": True}) == BenchmarkOptions(stack=True)
    assert parse_marker((), {"tolerance": 0.1, "gate": ["a", "b"]}) == BenchmarkOptions(0.1, ("a", "b"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("tolerence", "tolerance"), ("gates", "gate"), ("thread", "threads"), ("time_out", "timeout")],
)
def test_a_misspelt_keyword_is_answered_with_the_right_one(written, meant):
    with pytest.raises(SettingsError, match=f"no keyword '{written}'; did you mean {meant}"):
        parse_marker((), {written: 1})


def test_a_keyword_like_none_is_answered_with_all():
    with pytest.raises(SettingsError, match="it takes tolerance, gate, threads, budget, timeout, curve, power_series"):
        parse_marker((), {"xyz": 1})


def test_positional_arguments_are_refused():
    with pytest.raises(SettingsError, match=r"keywords only \(tolerance.*not 0.03"):
        parse_marker((0.03,), {})


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("tolerance", 3),
        ("tolerance", {"latency": 3}),
        ("tolerance", "small"),
        ("tolerance", None),
        ("gate", 5),
        ("threads", 0),
        ("threads", 1.5),
        ("budget", 0),
        ("budget", None),
        ("timeout", -1),
        ("curve", "yes"),
        ("power_series", 0),
        ("stack", 1),
    ],
)
def test_a_markers_value_that_cannot_be_used_is_named(keyword, value):
    with pytest.raises(SettingsError) as error:
        parse_marker((), {keyword: value})
    assert f"timed_inference({keyword}={value!r})" in str(error.value)


@pytest.mark.parametrize(("text", "seconds"), [("auto", None), ("off", 0.0), ("0.5", 0.5)])
def test_telemetry_is_a_word_or_seconds(text, seconds):
    assert read({"edgeperf_telemetry": text}).telemetry_s == seconds


@pytest.mark.parametrize("text", ["0", "-1", "on", "inf"])
def test_other_telemetry_is_refused_with_what_it_may_be(text):
    with pytest.raises(SettingsError, match="must be auto, off, or a positive number of seconds"):
        read({"edgeperf_telemetry": text})


def test_a_conftest_may_choose_the_papers_whose_figures_are_shown(pytester):
    from pytest_edgeperf.plugin.state import SETTINGS

    pytester.makeconftest("def pytest_configure(config):\n    config.option.edgeperf_published = ['suo-2021']\n")
    config = pytester.parseconfigure(str(pytester.path))
    assert config.stash[SETTINGS].published == ("suo-2021",)
