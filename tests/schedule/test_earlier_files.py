from __future__ import annotations

import pytest

from pytest_edgeperf.results import ResultsError
from pytest_edgeperf.schedule.earlier_files import EarlierFiles


def test_what_is_written_replaces_the_earlier_file_and_the_rest_remains_aside(tmp_path):
    earlier = EarlierFiles("report")
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("earlier")
    (tmp_path / "empty.md").write_text("")
    (tmp_path / "link.md").symlink_to("b.md")
    earlier.set_aside(tmp_path / name for name in ("a.md", "link.md", "empty.md", "none.md"))
    assert {path.name for path in tmp_path.iterdir()} == {"a.md.previous", "b.md.previous", "empty.md", "link.md"}
    (tmp_path / "a.md").write_text("now")
    earlier.replaced(tmp_path / "a.md")
    earlier.replaced(tmp_path / "none.md")
    assert earlier.remaining() == [("report of an earlier session", str(tmp_path / "b.md.previous"))]
    assert earlier.remaining() == []
    assert not (tmp_path / "a.md.previous").exists()


def test_one_that_cannot_be_renamed_is_said_with_the_remedy(tmp_path):
    (tmp_path / "a.md").write_text("earlier")
    (tmp_path / "a.md.previous").mkdir()
    with pytest.raises(ResultsError, match=r"a\.md: the report of an earlier session cannot be set aside .* move the"):
        EarlierFiles("report").set_aside([tmp_path / "a.md"])
