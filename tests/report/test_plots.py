from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_edgeperf.judge.studies.across_files import read_across
from pytest_edgeperf.report.exporters.svg import (
    COLOURS,
    MARKERS,
    PlotError,
    file_names,
    pareto_svg,
    write_plots,
)
from pytest_edgeperf.report.series_looks import HUES, SHAPES, looks_of
from pytest_edgeperf.results import ResultsError
from pytest_edgeperf.results.types import Metric

from .test_pareto import METRICS, STUDY, measured, results
from .test_studies import NAMES

SVG = "{http://www.w3.org/2000/svg}"


def read(made):
    (study,) = read_across([("a", made)]).studies
    return study


def drawn(made):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    result = read(made)
    return pareto_svg(result.study, result.pareto[0])


def texts(picture):
    return ["".join(text.itertext()) for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def numbers(path):
    values = list(map(float, re.findall(r"-?\d+(?:\.\d+)?", path)))
    return values[::2], values[1::2]


def test_a_picture_says_what_it_shows():
    told = texts(drawn(measured()))
    assert "precisions: average precision (%) for latency (ms)" in told
    assert "latency (ms), less is better" in told
    assert "average precision (%), more is better" in told
    assert {"onnxruntime fp32", "onnxruntime int8", "torch fp32", "torch int8"} <= set(told)
    assert (told.count("16.1"), told.count("8.9")) == (4, 1)


def test_series_of_one_point_are_named_beside_it():
    told = texts(drawn(results(("a", 1.0, (1.0,), 50.0), ("b", 1.0, (2.0,), 60.0))))
    assert (told.count("a"), told.count("b")) == (1, 1)
    assert any("complexity (GFLOPs): 1" in one for one in told)
    assert "b, 2" in texts(drawn(results(("a", 1.0, (1.0,), 50.0), ("b", 2.0, (2.0,), 60.0))))


def test_the_ground_is_white_whatever_surrounds_it():
    root = ElementTree.fromstring(drawn(measured()))
    _, _, width, height = map(float, root.get("viewBox").split())
    ground = root.find(f".//{SVG}g[@id='patch_1']/{SVG}path")
    assert "fill: #ffffff" in ground.get("style")
    x, y = numbers(ground.get("d"))
    assert (min(x), min(y)) == (0, 0)
    assert (max(x), max(y)) == pytest.approx((width, height), abs=0.01)


def test_the_same_study_gives_the_same_bytes_in_any_process(tmp_path):
    picture = drawn(measured())
    code = "import sys; from tests.report.test_plots import *; sys.stdout.buffer.write(drawn(measured()))"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
        (tmp_path / "matplotlibrc").write_text("font.size: 30\nsvg.fonttype: path\n")
        done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, check=True)
        assert done.stdout == picture
    assert b"Matplotlib v" not in picture
    assert b"dc:date" not in picture


def test_settings_of_matplotlib_are_put_back():
    matplotlib = pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    with matplotlib.rc_context({"font.size": 31}):
        drawn(measured())
        assert matplotlib.rcParams["font.size"] == 31


def test_no_two_labels_of_twenty_points_overlap():
    matplotlib = pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    from pytest_edgeperf.report.exporters.svg import draw_pareto

    rows = [
        (f"{framework} {precision}", x, (x * times * share,), 30 + 4 * at - loss)
        for framework, times in (("onnxruntime", 1.0), ("torch", 1.7))
        for precision, share, loss in (("fp32", 1.0, 0.0), ("int8", 0.5, 2.0))
        for at, x in enumerate((5.56, 8.9, 12.4, 16.1, 21.0))
    ]
    result = read(results(*rows))
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        figure = draw_pareto(result.study, result.pareto[0])
        figure.canvas.draw()
    boxes = [
        one.get_window_extent()
        for one in figure.axes[0].texts
        if one.get_text() in ("5.56", "8.9", "12.4", "16.1", "21")
    ]
    assert len(boxes) == 20
    assert not [
        (one, other) for at, one in enumerate(boxes) for other in boxes[at + 1 :] if one.padded(-1).overlaps(other)
    ]


# A picture takes half a second.
@settings(max_examples=8)
@given(names=st.lists(NAMES, min_size=1, max_size=4, unique=True), title=NAMES, values=st.data())
def test_any_names_and_values_are_a_picture(names, title, values):
    numbers = st.floats(-1e9, 1e9)
    study = replace(STUDY, name=title, x=title)
    rows = [(name, at, (values.draw(numbers),), values.draw(numbers)) for at, name in enumerate(names)]
    metrics = {"latency": Metric(title, "higher"), "average_precision": METRICS["average_precision"]}
    ElementTree.fromstring(drawn(results(*rows, study=study, metrics=metrics)))


def test_a_formula_is_no_formula():
    assert "$x^2$" in texts(drawn(results(("$x^2$", 1.0, (1.0,), 50.0))))


def test_names_of_two_parts_share_colours_and_markers():
    looks = looks_of(["ort fp32", "ort int8", "torch fp32"])
    assert looks["ort fp32"].colour == looks["ort int8"].colour != looks["torch fp32"].colour
    assert looks["ort fp32"].marker == looks["torch fp32"].marker != looks["ort int8"].marker
    for names in (["ort fp32", "ort int8"], ["ort", "torch"], ["ort fp32", "torch fp32"], ["ort", "ort int8", "tvm"]):
        assert len({look.colour for look in looks_of(names).values()}) == len(names)


@given(st.lists(NAMES, max_size=30, unique=True))
def test_no_two_series_look_alike(names):
    assert len(set(looks_of(names).values())) == len(names) <= HUES * SHAPES
    assert (len(COLOURS), len(MARKERS)) == (HUES, SHAPES)


WANTED = st.tuples(NAMES, NAMES, NAMES)


@given(st.lists(WANTED, min_size=1, max_size=6, unique=True))
def test_file_names_are_safe_and_differ(wanted):
    names = file_names(wanted)
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*\.svg", name)
        assert len(name) < 200


def test_file_names_are_for_persons():
    study = "suo-2021 experiment 3, precisions"
    assert file_names([(study, "latency", "AP")]) == ["suo-2021-experiment-3-precisions-AP-for-latency.svg"]
    assert file_names([("../../etc", "postprocess/infer", "AP")]) == ["etc-AP-for-postprocess-infer.svg"]
    alike = [("a b", "latency", "AP"), ("A-b", "latency", "AP"), ("c" * 300, "x", "y"), ("c" * 300, "x", "z")]
    assert len({name.lower() for name in file_names(alike)}) == 4
    assert file_names(alike) == file_names(alike)


def test_old_pictures_are_replaced_and_folders_made(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    (path,) = write_plots([read(measured())], tmp_path / "new" / "folder")
    first = path.read_bytes()
    path.write_text("an old picture")
    assert write_plots([read(measured())], tmp_path / "new" / "folder") == [path]
    assert path.read_bytes() == first
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ResultsError, match=r"file/precisions-.*\.svg: the file cannot be written"):
        write_plots([read(measured())], tmp_path / "file")
    assert (tmp_path / "file").read_text() == "no folder"


def test_without_a_pair_there_is_nothing_to_plot(tmp_path):
    with pytest.raises(PlotError, match=r"no study here has a pair of metrics that was measured, such as Study\("):
        write_plots([read(results(("a", 1.0, (1.0,), 50.0), study=replace(STUDY, pareto=())))], tmp_path)
    assert list(tmp_path.iterdir()) == []
