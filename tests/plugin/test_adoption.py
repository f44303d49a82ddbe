from __future__ import annotations

import pytest

from pytest_edgeperf.results import profile_files

from .conftest import REFRESH, load_json, new_project

pytestmark = pytest.mark.long

SUITE = """
STEPS = 10000 * float(os.environ.get("CHANGING", "1"))

@pytest.mark.benchmark(group="sums")
@pytest.mark.parametrize("kind", ["plain"])
def test_changing(benchmark, kind):
    ran("changing")
    benchmark.extra_info["kind"] = kind
    assert benchmark(work, STEPS) >= 0

def test_pedantic(benchmark):
    ran("pedantic")
    benchmark.pedantic(work, args=(20000,), rounds=60, iterations=2)

def test_ordinary():
    ran("ordinary")
"""
SHORT = ("--benchmark-timer=calm.clock_s", "--benchmark-max-time=0.1", "--junitxml=junit.xml")
ROUNDS = (*SHORT, "--edgeperf-rounds=3", "--edgeperf-max-rounds=6")
CHANGING = "test_it.py::test_changing[plain]"


@pytest.fixture(scope="module")
def gated_suite(tmp_path_factory):
    made = new_project(tmp_path_factory.mktemp("gated") / "project")
    made.load_all_plugins()
    made.suite(SUITE)
    made.first = made.run(*SHORT, "--edgeperf-rounds=5", "--benchmark-json=pb.json", *REFRESH, short=False)
    (made.path / "ran.txt").rename(made.path / "first.txt")
    return made


@pytest.fixture
def gated(gated_suite, tmp_path):
    return gated_suite.copy(tmp_path / "project")


def test_a_suite_of_pytest_benchmark_is_refreshed_unmodified(gated_suite):
    assert gated_suite.first.code == 0, gated_suite.first
    accepted = gated_suite.baseline().benchmarks
    assert {name: len(benchmark.runs) for name, benchmark in accepted.items()} == {
        CHANGING: 5,
        "test_it.py::test_pedantic": 5,
    }
    bodies = (gated_suite.path / "first.txt").read_text().splitlines()
    assert len({line for line in bodies if line.startswith("changing")}) == 5
    assert sum(line.startswith("ordinary") for line in bodies) == 1


def test_pytest_benchmarks_own_file_has_the_workers_figures(gated_suite):
    written = {entry["name"]: entry for entry in load_json(gated_suite.path / "pb.json")["benchmarks"]}
    assert set(written) == {"test_changing[plain]", "test_pedantic"}
    changing = written["test_changing[plain]"]
    assert changing["group"] == "sums"
    assert changing["fullname"] == CHANGING
    assert changing["params"] == {"kind": "plain"}
    assert changing["extra_info"] == {"kind": "plain"}
    assert changing["stats"]["rounds"] == len(changing["stats"]["data"])
    assert written["test_pedantic"]["stats"]["iterations"] == 2
    assert written["test_pedantic"]["stats"]["rounds"] == 60
    runs = gated_suite.baseline().benchmarks[CHANGING].runs
    medians = sorted(run.values["latency"]["p50"] for run in runs)
    assert changing["stats"]["median"] * 1e3 == pytest.approx(medians[2], rel=1e-3)
    assert "Legend:" in gated_suite.first


def test_a_refresh_keeps_what_the_functions_take_that_the_fixture_is_given(gated):
    outcome = gated.run(*SHORT, "--edgeperf-rounds=2", "--edgeperf-explain=regressed", *REFRESH, short=False)
    assert outcome.code == 0, outcome
    profiles = profile_files.load(gated.path / "baselines", "host").benchmarks
    assert set(profiles) == {CHANGING, "test_it.py::test_pedantic"}
    for accepted in profiles.values():
        assert any("spend" in function.name for function in accepted.profile.functions.listed)


def test_a_slower_one_fails_and_its_neighbour_passes(gated):
    outcome = gated.run(*ROUNDS, "--baseline=check", short=False, env={"CHANGING": "1.7"})
    assert outcome.code == 1, outcome
    cases = gated.testcases()
    assert [name for name, case in cases.items() if case.find("failure") is not None] == ["test_changing[plain]"]
    assert gated.verdicts()["test_changing[plain]"] == "regressed"


@pytest.mark.thorough
def test_an_ini_key_gates_without_the_option(gated):
    gated.write("pytest.ini", "[pytest]\nedgeperf_gate_benchmarks = true\njunit_family = xunit1\n")
    with gated.start(
        *SHORT, "--edgeperf-rounds=2", "--edgeperf-max-rounds=2", "-k", "changing", short=False
    ) as session:
        output, _ = session.communicate(timeout=120)
    assert session.returncode == 0, output
    assert gated.ran()
    assert session.pid not in {pid for _, pid in gated.ran()}
    assert gated.verdicts()["test_changing[plain]"] in ("unchanged", "inconclusive", "improved")


def test_without_the_option_pytest_benchmark_runs_as_ever(gated):
    with gated.start(*SHORT, "--benchmark-json=own.json", short=False) as session:
        output, _ = session.communicate(timeout=120)
    assert session.returncode == 0, output
    assert gated.ran() == [("changing", session.pid), ("pedantic", session.pid), ("ordinary", session.pid)]
    assert "edgeperf ==" not in output
    assert len(load_json(gated.path / "own.json")["benchmarks"]) == 2


@pytest.mark.thorough
def test_pytest_benchmarks_own_comparison_sees_the_workers(gated):
    save = gated.run(*SHORT, "-k", "changing", "--baseline=off", "--benchmark-save=base")
    assert save.code == 0, save
    compare = ("-k", "changing", "--baseline=off", "--benchmark-compare=0001", "--benchmark-compare-fail=median:0.002")
    same = gated.run(*SHORT, *compare)
    assert same.code == 0, same
    assert "(NOW)" in same
    slower = gated.run(*SHORT, *compare, env={"CHANGING": "20"})
    assert slower.code != 0, slower
    assert "Performance has regressed" in slower


def test_a_failing_body_fails_with_its_own_traceback(gated):
    gated.suite("def test_wrong(benchmark):\n    assert benchmark(work, 1000) == 'seven'\n")
    outcome = gated.run(*SHORT, "--baseline=check", "--benchmark-json=own.json")
    assert outcome.code == 1, outcome
    assert "== 'seven'" in outcome
    own = gated.path / "own.json"
    assert not own.exists() or not own.read_text()


@pytest.mark.thorough
def test_disabled_benchmarks_run_and_are_not_judged(gated):
    outcome = gated.run(*SHORT, "--baseline=check", "--benchmark-disable", "-k", "changing")
    assert outcome.code == 0, outcome
    assert gated.ran_names() == ["changing"]
    assert gated.verdicts() == {"test_changing[plain]": None}


@pytest.mark.thorough
def test_own_and_adopted_benchmarks_share_a_session(gated):
    gated.suite(SUITE + "\ndef test_ours(timed_inference):\n    timed_inference(work, 1000)\n")
    outcome = gated.run(*SHORT, "--baseline=check", "-k", "ours or changing")
    assert outcome.code == 0, outcome
    assert set(gated.verdicts()) == {"test_ours", "test_changing[plain]"}
