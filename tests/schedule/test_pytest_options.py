from __future__ import annotations

import json

import pytest

from pytest_edgeperf.schedule.worker.pytest_options import OPTIONS_RESET, PLUGINS_OFF, worker_options

CONFTEST = """
from pathlib import Path

def pytest_addoption(parser):
    parser.addoption("--data", type=Path, default=Path("default"))
    parser.addoption("--level", type=int, default=1)
    parser.addoption("--tag", action="append", default=[])
"""
BENCHMARK = """
from pathlib import Path

def test_options(timed_inference, pytestconfig):
    option = pytestconfig.option
    assert option.data == Path("elsewhere")
    assert option.level == 7
    assert option.tag == ["a", "b"]
    assert str(option.benchmark_max_time) == "0.5"
    assert (option.keyword, option.maxfail, option.file_or_dir != []) == ("", 0, True)
    assert pytestconfig.getini("empty_parameter_set_mark") == "xfail"
    assert pytestconfig.pluginmanager.get_plugin("helper") is not None
    timed_inference(sum, range(200))
"""


def options_of(pytester, *arguments):
    return worker_options(pytester.parseconfig(*arguments))


def pairs(arguments, name):
    return [value for key, value in zip(arguments, arguments[1:]) if key == name]


def test_plain_values_are_handed_over_as_they_were_parsed(pytester):
    pytester.makeconftest(CONFTEST)
    options, arguments = options_of(pytester, "--level=7", "--tag", "a", "--tag=b", "--edgeperf-budget=0.5")
    assert (options["level"], options["tag"], options["edgeperf_budget"]) == (7, ["a", "b"], "0.5")
    assert "--level=7" not in arguments


@pytest.mark.parametrize("typed", [["--data=elsewhere"], ["--data", "elsewhere"]])
def test_values_that_json_does_not_know_are_typed_again(pytester, typed):
    pytester.makeconftest(CONFTEST)
    options, arguments = options_of(pytester, *typed)
    assert "data" not in options
    assert arguments[-len(typed) :] == typed


def test_a_default_that_json_does_not_know_is_left_to_the_worker(pytester):
    pytester.makeconftest(CONFTEST)
    options, arguments = options_of(pytester)
    assert "data" not in options
    assert not [argument for argument in arguments if "--data" in argument]


@pytest.mark.parametrize("place", ["addopts", "PYTEST_ADDOPTS"])
def test_values_typed_in_ini_or_environment_are_typed_again(pytester, monkeypatch, place):
    pytester.makeconftest(CONFTEST)
    if place == "addopts":
        pytester.makeini("[pytest]\naddopts = --data='else where'\n")
    else:
        monkeypatch.setenv("PYTEST_ADDOPTS", "--data='else where'")
    assert "--data=else where" in options_of(pytester)[1]


def test_what_selects_stops_or_stores_stays_with_the_coordinator(pytester):
    options, arguments = options_of(
        pytester, "-k", "one", "-m", "two", "-x", "--pdb", "--collect-only", "--benchmark-json=out.json"
    )
    assert {name: options[name] for name in ("keyword", "markexpr", "maxfail", "usepdb", "collectonly")} == {
        "keyword": "",
        "markexpr": "",
        "maxfail": 0,
        "usepdb": False,
        "collectonly": False,
    }
    assert not any("benchmark_json" in name for name in options)
    assert not any("out.json" in argument for argument in arguments)
    assert all(name not in options for name, value in OPTIONS_RESET.items() if value is None)


def test_options_survive_json(pytester):
    options, _ = options_of(pytester, "-v", "--durations=3")
    assert json.loads(json.dumps(options)) == options


def test_the_same_project_is_named_and_reporting_is_off(pytester):
    pytester.makeini("[pytest]\n")
    _, arguments = options_of(pytester, "-o", "xfail_strict=true", "-p", "no:doctest")
    assert f"--rootdir={pytester.path}" in arguments
    assert f"--config-file={pytester.path / 'tox.ini'}" in arguments
    assert f"--confcutdir={pytester.path}" in arguments
    assert "--override-ini=xfail_strict=true" in arguments
    assert "no:doctest" in pairs(arguments, "-p")
    assert {f"no:{name}" for name in PLUGINS_OFF} <= set(pairs(arguments, "-p"))


@pytest.mark.parametrize(("typed", "expected"), [([], "tee-sys"), (["--capture=sys"], "tee-sys"), (["-s"], "no")])
def test_output_goes_to_the_workers_own_output_too(pytester, typed, expected):
    assert options_of(pytester, *typed)[0]["capture"] == expected


def test_a_worker_sees_the_options_of_the_session(pytester, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(pytester.path / "cache"))
    monkeypatch.setenv("EDGEPERF_LOCK_DIR", str(pytester.path))
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(helper="", test_it=BENCHMARK)
    pytester.makeini("[pytest]\naddopts = --level=7 --data=elsewhere -p helper\n")
    result = pytester.runpytest_subprocess(
        "--tag=a", "--tag", "b", "--benchmark-max-time", "0.5", "-o", "empty_parameter_set_mark=xfail",
        "-k", "options", "-x", "--baseline=off", "--edgeperf-rounds=1", "--edgeperf-budget=0.05",
    )  # fmt: skip
    result.assert_outcomes(passed=1)
