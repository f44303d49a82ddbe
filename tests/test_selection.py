from __future__ import annotations

from pathlib import Path

import pytest

from .selection import may_hold, named_in, of_folder

SHORT = "not slow and not long and not untraced and not alone and not thorough"
LONG = "(slow or long or untraced) and not alone and not thorough"


@pytest.mark.parametrize(
    ("expression", "named", "certain", "expected"),
    [
        (SHORT, [], [], True),
        (SHORT, ["slow", "thorough"], [], True),
        (SHORT, [], ["untraced"], False),
        (LONG, [], [], False),
        (LONG, ["slow"], [], True),
        (LONG, ["thorough", "alone"], [], False),
        (LONG, ["thorough"], ["untraced"], True),
        ("alone and not thorough", ["slow"], [], False),
        ("alone and not thorough", ["alone", "thorough"], [], True),
        # Whether a test has these is not known from its file alone.
        ("slow and not newest", ["slow"], [], True),
        ("newest", [], [], True),
        ("something(of=1)", [], [], True),
    ],
)
def test_a_file_is_left_out_where_no_test_of_it_is_asked_for(expression, named, certain, expected):
    assert may_hold(expression, named, certain) is expected


def test_markers_are_those_that_a_files_text_or_its_folder_names(tmp_path):
    path = tmp_path / "benchmarks" / "test_it.py"
    path.parent.mkdir()
    path.write_text("@pytest.mark.slow\n@pytest.mark.longer\ndef test_it(): pass\n")
    assert named_in(path) == {"slow"}
    assert of_folder(path) == {"untraced"}
    assert of_folder(Path("tests/judge/test_it.py")) == set()


def test_a_marker_that_a_file_does_not_name_is_an_error(pytester):
    pytester.makeconftest(
        "import pytest\nfrom tests import selection\n"
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_collection_modifyitems(items):\n    selection.mark_and_check(items)\n"
        "def pytest_configure(config):\n    config.addinivalue_line('markers', 'slow: slow')\n"
    )
    pytester.makepyfile(marks="import pytest\nHIDDEN = pytest.mark.slow\n")
    pytester.makepyfile(test_it="import marks\n\n@marks.HIDDEN\ndef test_it():\n    pass\n")
    found = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:edgeperf")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(["*test_it.py::test_it has the marker slow, which its file does not name*"])
