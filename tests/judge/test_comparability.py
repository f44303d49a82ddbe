from __future__ import annotations

import copy

import pytest

from pytest_edgeperf.judge import compare
from pytest_edgeperf.judge.comparability import is_hard

from .builders import latency_runs, results, run, summary

ENVIRONMENT = {
    "fingerprint": {"device": "nano", "power_mode": "MAXN", "cpu_max_khz": 1479000, "kernel": "4.9.253"},
    "software": {"python": "3.8.10", "onnxruntime": "1.11.0", "numpy": "1.21.0"},
    "settings": {"budget_s": 1.2, "threads": 2, "clocks_pinned": True, "governor": "schedutil"},
}


def changed(section, key, value):
    environment = copy.deepcopy(ENVIRONMENT)
    environment[section][key] = value
    return environment


def verdict(candidate_environment, base_environment=ENVIRONMENT, devices=("nano", "nano")):
    runs = latency_runs([10.0, 10.1, 9.9] * 3)
    base = results({"b": runs}, environments={"env": base_environment}, device=devices[0])
    candidate = results({"b": runs}, environments={"env": candidate_environment}, device=devices[1])
    return compare(base, candidate).benchmarks["b"]


@pytest.mark.parametrize("name", ["settings.governor", "governor"])
def test_a_hard_field_that_is_allowed_to_differ_only_informs(name):
    runs = latency_runs([10.0, 10.1, 9.9] * 3)
    base = results({"b": runs}, environments={"env": ENVIRONMENT})
    other = results({"b": runs}, environments={"env": changed("settings", "governor", "performance")})
    got = compare(base, other, allow_differences=(name,)).benchmarks["b"]
    assert got.verdict == "unchanged"
    assert got.differences == {"settings.governor": ("schedutil", "performance")}
    assert compare(base, other, allow_differences=("power_mode",)).benchmarks["b"].verdict == "incomparable"


def test_another_device_is_never_allowed():
    runs = latency_runs([10.0, 10.1, 9.9] * 3)
    base = results({"b": runs}, environments={"env": ENVIRONMENT})
    other = results({"b": runs}, environments={"env": changed("fingerprint", "device", "thor")})
    assert compare(base, other, allow_differences=("device", "fingerprint.device")).benchmarks["b"].differences


def test_the_same_environment_is_comparable():
    same = verdict(copy.deepcopy(ENVIRONMENT))
    assert same.verdict == "unchanged"
    assert same.differences == {}


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("fingerprint", "device", "xavier-nx"),
        ("fingerprint", "power_mode", "5W"),
        ("fingerprint", "cpu_max_khz", 921600),
        ("software", "onnxruntime", "1.12.0"),
        ("settings", "budget_s", 2.4),
        ("settings", "threads", 4),
        ("settings", "clocks_pinned", False),
        ("settings", "governor", "performance"),
    ],
)
def test_a_hard_field_that_differs_is_named_and_nothing_is_judged(section, key, value):
    got = verdict(changed(section, key, value))
    name = f"{section}.{key}"
    assert got.verdict == "incomparable"
    assert got.metrics == {}
    assert got.differences[name] == (ENVIRONMENT[section][key], value)
    assert name in got.reason
    assert repr(value) in got.reason


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("fingerprint", "kernel", "5.10.0"),
        ("software", "python", "3.9.0"),
        ("software", "numpy", "1.24.0"),
        ("software", "pytest-benchmark", "5.0.0"),
        ("settings", "cpu_capped", True),
    ],
)
def test_a_soft_field_that_differs_only_informs(section, key, value):
    got = verdict(changed(section, key, value))
    assert got.verdict == "unchanged"
    assert got.differences == {f"{section}.{key}": (ENVIRONMENT[section].get(key), value)}


def test_a_field_that_one_side_lacks_only_informs():
    got = verdict({"fingerprint": {"device": "nano"}})
    assert got.verdict == "unchanged"
    assert got.differences["software.onnxruntime"] == ("1.11.0", None)


def test_a_device_that_one_side_does_not_name_is_another_device():
    got = verdict({"software": ENVIRONMENT["software"]})
    assert got.verdict == "incomparable"
    assert got.differences["fingerprint.device"] == ("nano", None)


def test_without_fingerprints_the_files_devices_count():
    assert verdict({}, {}).verdict == "unchanged"
    assert verdict({}, {}, ("nano", "rpi4")).differences == {"fingerprint.device": ("nano", "rpi4")}


def test_baseline_runs_of_the_candidates_environment_are_used_and_others_left_out():
    environments = {"env": ENVIRONMENT, "old": changed("software", "onnxruntime", "1.10.0")}
    old = [run({"latency": summary(5.0)}, environment="old", started="2027") for _ in range(9)]
    base = results({"b": old + latency_runs([10.0, 10.1, 9.9] * 3)}, environments=environments)
    candidate = results({"b": latency_runs([10.0, 10.1, 9.9] * 3)}, environments={"env": ENVIRONMENT})
    got = compare(base, candidate).benchmarks["b"]
    assert got.verdict == "unchanged"
    assert got.metrics["latency"].baseline_runs == 9


def test_the_most_recent_baseline_run_says_what_differs():
    environments = {
        "a": changed("settings", "threads", 1),
        "b": changed("settings", "threads", 4),
    }
    runs = [
        run({"latency": summary(10.0)}, environment="b", started="2026-02-01T00:00:00Z"),
        run({"latency": summary(10.0)}, environment="a", started="2026-01-01T00:00:00Z"),
    ]
    base = results({"x": runs}, environments=environments)
    candidate = results({"x": latency_runs([10.0])}, environments={"env": ENVIRONMENT})
    assert compare(base, candidate).benchmarks["x"].differences == {"settings.threads": (4, 2)}


BEFORE, AFTER = {"CUDA": 120}, {"CUDA": 118, "CPU": 2}


def placed(placement):
    return ENVIRONMENT if placement is None else changed("settings", "placement", placement)


def test_a_changed_placement_is_a_difference_that_only_informs():
    got = verdict(placed(AFTER), placed(BEFORE))
    assert got.verdict == "unchanged"
    assert got.differences == {"settings.placement": (BEFORE, AFTER)}
    assert got.moved_placement == (BEFORE, AFTER)
    assert got.to_dict()["moved_placement"] == {"baseline": BEFORE, "candidate": AFTER}


@pytest.mark.parametrize("unknown", [None, "not known: onnxruntime 1.19.2 does not report it", {"CPU": "two"}])
def test_a_placement_that_one_side_does_not_know_is_no_difference(unknown):
    none_on_gpu = placed({**AFTER, "GPU": 0})
    for pair in ((placed(unknown), placed(AFTER)), (placed(AFTER), placed(unknown)), (placed(AFTER), none_on_gpu)):
        got = verdict(*pair)
        assert got.verdict == "unchanged"
        assert got.differences == {}
        assert got.moved_placement is None


def test_another_network_on_the_same_provider_moved_nothing():
    got = verdict(placed({"CUDA": 118}), placed(BEFORE))
    assert got.differences == {"settings.placement": (BEFORE, {"CUDA": 118})}
    assert got.moved_placement is None
    assert "moved_placement" not in got.to_dict()


def test_unknown_sections_only_inform():
    assert not is_hard("weather.temperature")
