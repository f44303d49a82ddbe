from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from labelled.folder import open_set

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "height": 5, "width": 7}],
    "categories": [{"id": 1, "name": "cup"}],
    "annotations": [],
}


def in_coco(folder):
    for part in ("annotations", "images"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "annotations" / "instances_val.json").write_text(json.dumps(COCO))
    return folder


def in_visdrone(folder):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed, which writes the tests' pictures")
    for part in ("annotations", "images"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    image.new("RGB", (7, 5)).save(folder / "images" / "a.jpg")
    (folder / "annotations" / "a.txt").write_text("1,1,2,2,1,4,0,0\n")
    return folder


def test_each_format_is_recognised(tmp_path):
    assert open_set(in_coco(tmp_path / "coco")).categories == ("cup",)
    assert open_set(str(tmp_path / "coco" / "annotations" / "instances_val.json")).categories == ("cup",)
    assert open_set(in_visdrone(tmp_path / "visdrone")).categories[3] == "car"


def test_two_formats_are_refused_unless_the_file_is_named(tmp_path):
    in_visdrone(in_coco(tmp_path))
    with pytest.raises(ValueError, match=r"labels of two formats, annotations/instances_\*\.json and annotations/\*\."):
        open_set(tmp_path)
    assert open_set(tmp_path / "annotations" / "instances_val.json").categories == ("cup",)


def test_neither_format_says_what_was_looked_for(tmp_path):
    expected = r"neither annotations/instances_\*\.json \(COCO\) nor images/\*\.jpg with annotations/\*\.txt \(VisDrone"
    with pytest.raises(ValueError, match=expected):
        open_set(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere: does not exist"):
        open_set(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "SKIPPED [1] test_one.py:1: needs photographs with labelled objects: --data DIR"),
        (("--data=some",), "1 passed"),
        (("--data", "nowhere"), "--data {folder}/nowhere: does not exist"),
    ],
    ids=["none", "relative", "missing"],
)
def test_the_option_names_the_set_that_tests_are_given(tmp_path, monkeypatch, options, expected):
    in_coco(tmp_path / "some")
    (tmp_path / "test_one.py").write_text("def test_one(data):\n    assert data.categories == ('cup',)\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.setenv("PYTHONPATH", str(BENCHMARKS))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "conftest", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert expected.format(folder=tmp_path) in done.stdout, done.stdout
    assert "Traceback" not in done.stdout
