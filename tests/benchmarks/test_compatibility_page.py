"""docs/compatibility.md is what its script makes of the networks, the frameworks and a paper's tables."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest
from models.networks import NETWORKS
from models.sources import FORMATS
from papers import hadidi_2019_tables
from papers.hadidi_2019 import FLOP_PER_PARAMETER, RASPBERRY_PI_3

from pytest_edgeperf.frameworks import get, names

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def page():
    sys.path.insert(0, str(DOCS))
    before = list(sys.path)
    try:
        yield import_module("compatibility_page")
    finally:
        sys.path[:] = [folder for folder in before if folder != str(DOCS)]


def rows_of(text, head):
    """First cell -> the others, of the table below a heading."""
    lines = text.split(f"## {head}\n")[1].split("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {row[0]: row[1:] for row in cells}


def test_the_page_is_that_of_the_networks_and_frameworks(page):
    text = page.text_of()
    assert (DOCS / "compatibility.md").read_text("utf-8") == text, "run: python docs/compatibility_page.py"


def test_every_network_and_framework_has_a_row(page):
    text = page.text_of()
    networks = rows_of(text, "Networks and formats")
    assert set(networks) == {"network", *NETWORKS}
    for column, kind in ((3, "tensorflow"), (4, "darknet"), (5, "caffe")):
        has = {name for name, row in networks.items() if row[column].startswith("✓")}
        assert has == set(FORMATS[kind])
    frameworks = {f"`{name}`" for name in names()}
    assert set(rows_of(text, "Frameworks")) == set(rows_of(text, "Platforms")) == {"framework", *frameworks}


def test_a_framework_that_has_no_package_on_a_platform_has_no_mark(page):
    platforms = rows_of(page.text_of(), "Platforms")
    assert platforms["`executorch`"][page.PLATFORMS.index("jetpack-5")] == "-"
    assert get("executorch").advice_on("jetpack-5").startswith("not available")
    assert platforms["`onnxruntime`"] == ["✓"] * len(page.PLATFORMS)


def test_the_papers_tables_agree_with_each_other():
    tables = hadidi_2019_tables
    assert set(tables.PROGRAM) == {network for network, _ in FLOP_PER_PARAMETER}
    assert {len(marks) for marks in tables.PROGRAM.values()} == {len(tables.PROGRAM_FRAMEWORKS)}
    assert {len(marks) for marks in tables.MATRIX.values()} == {len(tables.MATRIX_DEVICES)}
    assert {len(cells) for cells in tables.FEATURES.values()} == {len(tables.FRAMEWORKS)}
    assert {len(marks) for marks in tables.OPTIMISATIONS.values()} == {len(tables.FRAMEWORKS) - 1}
    on_a_pi = {name: tables.MARKS.get(marks[0], "").split(",")[0] for name, marks in tables.MATRIX.items()}
    assert on_a_pi == RASPBERRY_PI_3
