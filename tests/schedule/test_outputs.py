from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from pytest_edgeperf.results import ResultsError, parse, profile_files, read, write
from pytest_edgeperf.results.cost_profiles import CostProfile
from pytest_edgeperf.results.profile_files import AcceptedProfile
from pytest_edgeperf.schedule import outputs
from pytest_edgeperf.schedule.outputs import Outputs
from pytest_edgeperf.schedule.unexpected import UnexpectedErrors
from pytest_edgeperf.settings import CHECK, REFRESH, SettingsError
from tests.results.conftest import DOCUMENT

SESSION = "20261120T115800Z-7f3a"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Outputs of a session in a folder, that were asked for under these names."""
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))

    def make(*names, baseline=CHECK):
        settings = SimpleNamespace(results=names, baseline=baseline, reason="x")
        return Outputs(settings, tmp_path, tmp_path / "baselines" / "nano.json", None)

    return make


def test_results_of_an_earlier_session_are_not_under_the_name_until_this_ones_are(made, tmp_path):
    (tmp_path / "now.json").write_text('{"earlier": 1}')
    mine = made("now.json", "other.json")
    mine.check()
    mine.set_aside()
    assert sorted(path.name for path in tmp_path.glob("*.json*")) == ["now.json.previous"]
    mine.write(parse(DOCUMENT), SESSION, UnexpectedErrors(SESSION))
    assert read(tmp_path / "now.json") == parse(DOCUMENT)
    assert sorted(path.name for path in tmp_path.glob("*.json*")) == ["now.json", "other.json"]
    assert [what for what, _ in mine.written] == ["results", "results"]


def test_a_session_that_wrote_nothing_says_where_the_earlier_results_are(made, tmp_path):
    (tmp_path / "now.json").write_text('{"earlier": 1}')
    mine = made("now.json")
    mine.set_aside()
    mine.list_previous()
    assert mine.written == [("results of an earlier session", str(tmp_path / "now.json.previous"))]
    assert (tmp_path / "now.json.previous").read_text() == '{"earlier": 1}'


def test_a_results_file_that_cannot_be_written_takes_nothing_with_it(made, tmp_path):
    mine = made("gone/now.json", "other.json")
    mine.check()
    (tmp_path / "gone").write_text("a file by now")
    errors = UnexpectedErrors(SESSION)
    mine.write(parse(DOCUMENT), SESSION, errors)
    assert mine.written == [("results", str(tmp_path / "other.json"))]
    assert "the file cannot be written" in errors.sentences[0]


@pytest.mark.parametrize("name", ["baselines/nano.json", "baselines/../baselines/nano.json", "link.json"])
def test_the_baseline_is_no_place_for_results(made, tmp_path, name):
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "nano.json").write_text("{}")
    (tmp_path / "link.json").symlink_to("baselines/nano.json")
    with pytest.raises(SettingsError, match="this is the baseline, and its accepted runs would be replaced"):
        made(name).check()


def test_what_is_no_results_file_is_not_replaced(made, tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    with pytest.raises(ResultsError, match="this file is not a results file and would be replaced"):
        made("test_it.py").check()
    (tmp_path / "empty").write_text("")
    made("empty", "new.json").check()


def test_a_baseline_that_cannot_be_written_is_found_before_a_refresh_only(made, tmp_path):
    (tmp_path / "baselines").write_text("a file")
    made().check()
    with pytest.raises(ResultsError, match="the file cannot be written"):
        made(baseline=REFRESH).check()


def test_this_sessions_results_are_kept_whatever_the_clock_says(made, tmp_path):
    folder = tmp_path / "cache" / "results"
    folder.mkdir(parents=True)
    for day in range(1, outputs.KEPT_RESULTS + 3):
        (folder / f"202611{day:02}T000000Z-aaaa.json").write_text("{}")
    (folder / "20261101T000001Z-bbbb.json").mkdir()
    mine = made()
    mine.write(parse(DOCUMENT), "19700101T000102Z-1e48", UnexpectedErrors(SESSION))
    names = sorted(os.listdir(str(folder)))
    assert names[0] == "19700101T000102Z-1e48.json"
    assert "20261101T000000Z-aaaa.json" not in names
    assert f"202611{outputs.KEPT_RESULTS + 2:02}T000000Z-aaaa.json" in names
    assert sum((folder / name).is_file() for name in names) <= outputs.KEPT_RESULTS


def test_profiles_are_kept_of_what_the_baseline_has(made, tmp_path):
    mine = made(baseline=REFRESH)
    write(mine.baseline_path, parse(DOCUMENT))
    profile = AcceptedProfile(CostProfile(reason_without="it has no operators"), SESSION)
    (accepted,) = DOCUMENT["benchmarks"]
    mine.keep_profiles({accepted: profile, "gone": profile}, {})
    assert profile_files.load(tmp_path / "baselines", "nano").benchmarks == {accepted: profile}
    assert mine.written == [("profiles", str(tmp_path / "baselines" / "profiles" / "nano.json"))]
