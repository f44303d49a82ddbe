from __future__ import annotations

import pytest

pytestmark = pytest.mark.long

PYTEST_9 = int(pytest.__version__.split(".")[0]) >= 9


def test_a_conftests_own_option_reaches_the_worker(project):
    project.write(
        "conftest.py",
        """
from pathlib import PurePath

def pytest_addoption(parser):
    parser.addoption("--suite", default="small")
    parser.addoption("--folder", type=PurePath, default=PurePath("nowhere"))
""",
    )
    project.suite(
        """
def test_one(timed_inference, pytestconfig):
    ran(f"{pytestconfig.getoption('--suite')} {pytestconfig.getoption('--folder')}")
    timed_inference(work, 1000)
"""
    )
    outcome = project.run("--suite=full", "--folder", "/some/where")
    assert outcome.code == 0, outcome
    assert project.ran_names() == ["full /some/where"]


def test_ini_values_reach_the_worker_however_they_are_given(project):
    project.write("lib/my_library.py", "ANSWER = 42\n")
    project.write(
        "conftest.py", "def pytest_addoption(parser):\n    parser.addini('colour', '')\n    parser.addini('size', '')\n"
    )
    project.write("settings.ini", "[pytest]\npythonpath = lib\ncolour = green\nsize = small\n")
    project.suite(
        """
def test_one(timed_inference, pytestconfig):
    import my_library
    ran(f"{my_library.ANSWER} {pytestconfig.getini('colour')} {pytestconfig.getini('size')}")
    timed_inference(work, 1000)
"""
    )
    outcome = project.run("-c", "settings.ini", "-o", "size=large")
    assert outcome.code == 0, outcome
    assert project.ran_names() == ["42 green large"]


@pytest.mark.thorough
def test_importlib_mode_reaches_the_worker(project):
    for folder in ("left", "right"):
        project.suite(
            f"""
def test_one(timed_inference):
    ran("{folder}")
    timed_inference(work, 1000)
""",
            f"{folder}/test_same.py",
        )
    outcome = project.run("--import-mode=importlib")
    assert outcome.code == 0, outcome
    ran = [(project.path / folder / "ran.txt").read_text().split()[0] for folder in ("left", "right")]
    assert ran == ["left", "right"]


@pytest.mark.thorough
def test_ids_with_slashes_spaces_brackets_and_unicode_are_found_again(project):
    project.write(
        "pytest.ini", "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n"
    )
    project.suite(
        """
@pytest.mark.parametrize("name", ["a/b c", "x::y[0]", "größe-日本"])
def test_one(timed_inference, name):
    ran("one")
    timed_inference(work, 1000)

class TestGroup:
    class TestInner:
        def test_method(self, timed_inference):
            ran("inner")
            timed_inference(work, 1000)
""",
        "sub folder/test_näme.py",
    )
    outcome = project.run("--junitxml=junit.xml", "sub folder")
    assert outcome.code == 0, outcome
    assert "4 new" in outcome
    assert len(project.testcases()) == 4


def test_unittest_methods_run_next_to_benchmarks(project):
    project.suite(
        """
import unittest

class TestOld(unittest.TestCase):
    def setUp(self):
        self.ready = True

    def test_method(self):
        assert self.ready
        ran("unittest")

def test_one(timed_inference):
    ran("one")
    timed_inference(work, 1000)
"""
    )
    outcome = project.run()
    assert outcome.code == 0, outcome
    assert sorted(project.ran_names()) == ["one", "unittest"]


@pytest.mark.parametrize(
    "line",
    [
        "addopts = --lf --ff --nf --durations=3 -k one -m 'not slow' --maxfail=3",
        pytest.param("addopts = --junitxml=again.xml --tb=short --color=yes -ra", marks=pytest.mark.thorough),
        pytest.param(
            "addopts = --strict-markers --strict-config\njunit_family = xunit1\nmarkers = slow",
            marks=pytest.mark.thorough,
        ),
        "addopts = --cache-clear --basetemp=tmp --log-file=log.txt --deselect=test_it.py::test_none",
        pytest.param("addopts = -p no:cacheprovider --import-mode=append --capture=fd", marks=pytest.mark.thorough),
        pytest.param("addopts = --stepwise", marks=pytest.mark.thorough),
        "filterwarnings = error",
        pytest.param("addopts = -W error --setup-show", marks=pytest.mark.thorough),
        "required_plugins = pytest-edgeperf",
        pytest.param(
            "cache_dir = elsewhere\nconsole_output_style = classic\nxfail_strict = true", marks=pytest.mark.thorough
        ),
        pytest.param(
            "strict = true\njunit_family = xunit1\ncache_dir = elsewhere",
            marks=pytest.mark.skipif(not PYTEST_9, reason="pytest 9 has it"),
        ),
    ],
)
def test_the_ini_file_does_not_break_workers(project, line):
    project.write("pytest.ini", f"[pytest]\n{line}\n")
    project.suite("def test_one(timed_inference):\n    ran('one')\n    timed_inference(work, 1000)\n")
    outcome = project.run()
    assert outcome.code == 0, outcome
    assert project.ran_names() == ["one"]


def test_environment_options_are_not_read_twice(project):
    project.write(
        "conftest.py",
        "def pytest_addoption(parser):\n    parser.addoption('--also', action='append', default=[])\n",
    )
    project.write("pytest.ini", "[pytest]\naddopts = --also=ini\n")
    project.suite(
        """
def test_one(timed_inference, pytestconfig):
    ran(" ".join(pytestconfig.getoption("--also")))
    timed_inference(work, 1000)
"""
    )
    outcome = project.run("--also=typed", env={"PYTEST_ADDOPTS": "-p edgeperf --also=variable"})
    assert outcome.code == 0, outcome
    assert project.ran_names() == ["ini variable typed"]


def test_markers_and_fixtures_of_plugins_that_are_off_in_workers_are_no_error_there(project):
    # A stand-in for pytest-timeout, which is off in workers under this name.
    project.write(
        "timeout.py",
        """
def pytest_configure(config):
    config.addinivalue_line("markers", "timeout(seconds): a limit")
""",
    )
    project.suite(
        """
@pytest.mark.timeout(5)
def test_one(timed_inference):
    ran("one")
    timed_inference(work, 1000)
"""
    )
    outcome = project.run("-p", "timeout", "--strict-markers")
    assert outcome.code == 0, outcome
    assert project.ran_names() == ["one"]


def test_the_sessions_log_file_and_cache_are_left_alone_by_workers(project):
    project.suite(
        """
import logging

def test_aaa_ordinary():
    logging.getLogger().warning("from the session")
    assert False

def test_one(timed_inference):
    for _ in range(9):
        logging.getLogger().warning("from the worker")
    timed_inference(work, 1000)
"""
    )
    outcome = project.run("--log-file=log.txt", "--log-file-level=WARNING")
    assert outcome.code == 1, outcome
    assert "from the session" in (project.path / "log.txt").read_text()
    assert "from the worker" not in (project.path / "log.txt").read_text()
    again = project.run("--lf", "--collect-only", "-q")
    assert "test_aaa_ordinary" in again
    assert "test_one" not in again.output


def test_a_session_started_in_a_subfolder_measures_the_same_ids(project):
    project.suite("def test_one(timed_inference):\n    timed_inference(work, 1000)\n", "deep/er/test_it.py")
    outcome = project.run("--rootdir=.", "deep/er/test_it.py::test_one", "--edgeperf-results=now.json")
    assert outcome.code == 0, outcome
    assert "deep/er/test_it.py::test_one" in (project.path / "now.json").read_text()


def test_an_autouse_fixture_and_a_local_plugin_reach_the_worker(project):
    project.write(
        "my_plugin.py",
        """
import pytest

@pytest.fixture(autouse=True)
def prepared(monkeypatch):
    monkeypatch.setenv("PREPARED", "yes")
""",
    )
    project.suite("def test_one(timed_inference):\n    ran(os.environ['PREPARED'])\n    timed_inference(work, 1000)\n")
    outcome = project.run("-p", "my_plugin")
    assert outcome.code == 0, outcome
    assert project.ran_names() == ["yes"]
