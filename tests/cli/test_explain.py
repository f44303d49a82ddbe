"""``edgeperf explain``: a session's explanation, or two files of profiles compared."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_edgeperf import results
from pytest_edgeperf.cli import main
from pytest_edgeperf.results.cost_profiles import CostList, CostProfile, OperatorTimes
from pytest_edgeperf.results.explanations import CostTable, ExplainedPart, Explanation
from pytest_edgeperf.results.profile_files import AcceptedProfile, AcceptedProfiles, to_json
from pytest_edgeperf.results.types import Results

ROW = ExplainedPart("Conv \x1b[31m/model.3", 4.1, 6.9, 0.2, True)
NAMES = (
    "benchmarks/test_a.py::test_yolo[416]",
    "benchmarks/test_a.py::test_yolo[608]",
    "benchmarks/test_a.py::test_ssd",
)


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


def explain(*arguments):
    return CliRunner().invoke(main, ("explain", *map(str, arguments)))


@pytest.fixture
def session(tmp_path):
    path = tmp_path / "results.json"
    explanation = Explanation(12.0, 15.4, (CostTable("operators", (ROW,), 3, 7.0, 7.1, 1, 1.01, "a profiler"),))
    results.write(path, Results("host", explanations=dict.fromkeys(NAMES, explanation)))
    return path


def profiles(path, slow, device="host"):
    def profile(milliseconds):
        listed = [OperatorTimes(f"/{at}/conv", "Conv", (1.0, 1.01, 0.99)) for at in range(8)]
        listed.append(OperatorTimes("/slow/conv", "Conv", (milliseconds,) * 3))
        return CostProfile(CostList(tuple(listed), "a profiler"), latency_ms=8.0 + milliseconds)

    stored = AcceptedProfiles(device, {NAMES[0]: AcceptedProfile(profile(slow), "s1")})
    path.write_text(to_json(stored), encoding="utf-8")
    return path


def test_what_a_session_found_out_is_printed_as_text(session):
    outcome = explain(NAMES[0], "--candidate", session)
    assert outcome.exit_code == 0, outcome.output
    assert "Conv \\x1b[31m/model.3: 4.10 -> 6.90 ms, 82 % of the loss" in outcome.output
    assert "the rest (3 operators)" in outcome.output


def test_a_part_of_a_name_is_enough_where_only_one_has_it(session):
    assert explain("ssd", "--candidate", session).output.startswith("benchmarks/test_a.py::test_ssd")


def test_other_formats(session):
    document = json.loads(explain("ssd", "--candidate", session, "--format", "json").output)
    assert (document["benchmark"], document["tables"][0]["rows"][0]["blamed"]) == (NAMES[2], True)
    assert explain("ssd", "--candidate", session, "--format", "markdown").output.startswith("### Why `benchmarks/")


def test_it_goes_to_a_file_of_the_format_that_its_end_names(session, tmp_path):
    outcome = explain("ssd", "--candidate", session, "-o", tmp_path / "why.md")
    assert outcome.exit_code == 0, outcome.output
    assert (tmp_path / "why.md").read_text(encoding="utf-8").startswith("### Why")


def test_the_latest_session_s_results_are_those_of_the_cache(session, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))
    outcome = explain("ssd")
    assert outcome.exit_code == 4
    assert "no results of a session here; name them: --candidate FILE" in outcome.output
    session.rename(tmp_path / "cache" / "results" / "s1.json")
    assert explain("ssd").exit_code == 0


def test_two_files_of_profiles_are_compared(tmp_path):
    before, after = profiles(tmp_path / "before.json", 2.0), profiles(tmp_path / "after.json", 5.0)
    outcome = explain("yolo", "--base", before, "--candidate", after)
    assert outcome.exit_code == 0, outcome.output
    assert "Conv /slow/conv: 2.00 -> 5.00 ms, all of the loss" in outcome.output
    unchanged = explain("yolo", "--base", before, "--candidate", before)
    assert "The latency did not rise: 10.0 -> 10.0 ms" in unchanged.output
    nano = profiles(tmp_path / "nano.json", 5.0, "nano")
    refused = explain("yolo", "--base", before, "--candidate", nano)
    assert refused.exit_code == 4
    assert "nano: profiles of two devices explain no change" in " ".join(refused.output.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("yolo",), "2 benchmarks have 'yolo' in their names: benchmarks/test_a.py::test_yolo[416], benchmarks"),
        (("unet",), "nothing on 'unet'; it has benchmarks/test_a.py::test_ssd, benchmarks/test_a.py::test_yolo[416]"),
    ],
)
def test_a_name_that_is_none_or_several_is_an_error_with_the_names(session, arguments, message):
    outcome = explain(*arguments, "--candidate", session)
    assert (outcome.exit_code, message in outcome.output) == (4, True), outcome.output


def test_results_without_an_explanation_say_how_to_get_one(tmp_path):
    results.write(tmp_path / "results.json", Results("host"))
    outcome = explain("ssd", "--candidate", tmp_path / "results.json")
    assert outcome.exit_code == 4
    assert "this session explained nothing; --edgeperf-explain=regressed does it" in outcome.output


def test_a_base_alone_and_a_file_of_another_kind_are_refused(session, tmp_path):
    before = profiles(tmp_path / "before.json", 2.0)
    alone = explain("yolo", "--base", before)
    assert (alone.exit_code, "--base needs --candidate" in alone.output) == (2, True)
    other = explain("yolo", "--base", before, "--candidate", session)
    assert (other.exit_code, "edgeperf-profiles" in other.output) == (4, True), other.output
