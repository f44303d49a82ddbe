"""docs/published.md is what its script makes of the tables, and reports show each remark beside its figures."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def page():
    sys.path.insert(0, str(DOCS))
    try:
        yield import_module("published_page")
    finally:
        sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def figures(page):
    return page.published()


def test_the_page_is_that_of_the_tables(page, figures):
    assert (DOCS / "published.md").read_text("utf-8") == page.text_of(figures), "run: python docs/published_page.py"


def test_every_remark_of_a_figure_stands_beside_it(page, figures):
    of_figures = [remark for remark in page.remarks(figures) if remark.note]
    assert len(of_figures) > 20
    for remark in of_figures:
        assert remark.figures, remark.place
        for figure in remark.figures:
            assert remark.note in figure.source["note"], figure.source


def test_the_arithmetic(page, figures):
    told = {(one.paper, one.place): one for one in page.remarks(figures)}
    assert "7.70 C + 420.06" in told["suo-2021", "formula (2)"].arithmetic
    assert "65.3%" in told["suo-2021", "section V-B"].arithmetic
    assert "= 4.79" in told["swaminathan-2024", 'table 1, SqueezeNet, "Inference Time Speed up"'].arithmetic
    assert "79.00 M" in told["hadidi-2019", "Our Models, C3D"].arithmetic
    doubtful = [one for one in told.values() if "64 figures" in one.place]
    assert [len(one.figures) for one in doubtful] == [64]
