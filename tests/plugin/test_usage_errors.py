from __future__ import annotations

import pytest

BODY = """
def test_one(timed_inference):
    ran("one")
    timed_inference(work, 1000)
"""
CLASH = """
def pytest_addoption(parser):
    parser.addoption("--device", default="none")
"""


def test_another_device_than_this_machine_says_what_this_machine_is(project):
    project.suite(BODY)
    outcome = project.run("--device=nano")
    assert outcome.code == 4, outcome
    assert "--device=nano needs a module p3448-0000 or p3448-0002" in outcome
    assert "but this machine is " in outcome
    assert "--device=auto" in outcome
    assert project.ran() == []


def test_a_profile_that_cannot_be_used_says_the_file_and_the_key(project):
    project.suite(BODY)
    project.write("pyproject.toml", "[tool.edgeperf.devices.mine]\ndescripton = 'x'\n")
    outcome = project.run()
    assert outcome.code == 4, outcome
    assert "pyproject.toml: tool.edgeperf.devices.mine.descripton is not a key of a device" in outcome
    assert "Traceback" not in outcome
    assert project.ran() == []


def test_an_unknown_device_is_answered_with_the_nearest(project):
    project.suite(BODY)
    outcome = project.run("--device=nanno")
    assert outcome.code == 4, outcome
    assert "did you mean nano?" in outcome
    assert project.ran() == []


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("--baseline=chekc", "must be one of check, refresh, off"),
        ("--edgeperf-rounds=0", "must be at least 1"),
        ("--edgeperf-budget=soon", "--edgeperf-budget=soon"),
        ("--edgeperf-cpus=9999", "processor 9999"),
        ("--framework=onxruntime", "onnxruntime"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(project, argument, told):
    project.suite("def test_one(timed_inference, framework):\n    ran('one')\n")
    outcome = project.run(argument)
    assert outcome.code == 4, outcome
    assert told in outcome
    assert "Traceback" not in outcome.output
    assert project.ran() == []
    assert not list((project.path / "cache").glob("journals/*.jsonl"))


def test_a_misspelt_marker_keyword_names_the_test_and_the_right_word(project):
    project.suite("@pytest.mark.timed_inference(tolerence=0.1)" + BODY)
    outcome = project.run()
    assert outcome.code == 4, outcome
    assert "test_it.py::test_one: timed_inference has no keyword 'tolerence'; did you mean tolerance?" in outcome
    assert project.ran() == []


def test_a_body_that_measures_nothing_fails(project):
    project.suite("def test_one(timed_inference):\n    pass\n")
    outcome = project.run()
    assert outcome.code == 1, outcome
    assert "it measured nothing" in outcome


def test_an_option_that_a_conftest_owns_is_one_sentence_with_the_remedy(project):
    project.suite(BODY)
    project.write("conftest.py", CLASH)
    outcome = project.run()
    assert outcome.code == 4, outcome
    assert "Traceback" not in outcome.output
    assert "EDGEPERF_PREFIX_OPTIONS=1" in outcome
    assert "--edgeperf-device" in outcome


def test_with_the_prefix_both_options_work(project):
    project.suite(
        """
def test_one(timed_inference, pytestconfig, device):
    ran(f"{device.name} {pytestconfig.getoption('--device')}")
    timed_inference(work, 1000)
"""
    )
    project.write("conftest.py", CLASH)
    prefixed = {"EDGEPERF_PREFIX_OPTIONS": "1"}
    outcome = project.run("--edgeperf-device=host", "--device=theirs", env=prefixed)
    assert outcome.code == 0, outcome
    assert project.ran_names() == ["host theirs"]
    wrong = project.run("--edgeperf-device=nano", env=prefixed)
    assert wrong.code == 4, wrong
