"""Pages in Chromium: what is drawn, what fits, what can be reached, and that text from anywhere stays text."""

from __future__ import annotations

import pytest

from tests.fakes import reports

from .chromium import NARROW, WIDE
from .reports import LONG_SERIES, PAGES, write

#: Every chart that can be seen, with its marks: what is drawn and takes any room.
CHARTS = """
return [...document.querySelectorAll(".canvas")].filter((one) => one.offsetParent).map((one) => ({
  title: one.getAttribute("aria-label"),
  marks: [...one.querySelectorAll("svg path, svg circle, svg rect, svg line, svg polyline")].filter((mark) => {
    const box = mark.getBoundingClientRect();
    return box.width + box.height > 0 && !mark.closest("defs");
  }).length,
}));
"""
#: Elements with text of their own that reach beyond the window, but for what scrolls by itself.
BEYOND = """
return [...document.body.querySelectorAll("*")].filter((one) => {
  if (!one.offsetParent || one.closest(".scroll, .canvas, .away, .skip, select, .bar")) return false;
  for (let around = one; around; around = around.parentElement)
    if (getComputedStyle(around).textOverflow === "ellipsis") return false;
  if (![...one.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())) return false;
  const box = one.getBoundingClientRect();
  return box.width > 0 && (box.right > window.innerWidth + 1 || box.left < -1);
}).map((one) => one.tagName + " " + one.textContent.slice(0, 60));
"""
#: Texts that their own box cuts off without a sign.
CLIPPED = """
return [...document.body.querySelectorAll("*")].filter((one) => {
  if (!one.offsetParent || !one.textContent.trim()) return false;
  if (one.closest(".canvas, .scroll, .away, select, .bar")) return false;
  const style = getComputedStyle(one);
  return style.overflowX === "hidden" && style.textOverflow !== "ellipsis" && one.scrollWidth > one.clientWidth + 1;
}).map((one) => one.tagName + "." + one.className);
"""
#: Where the first mark of a study's chart is on the screen: one that is as large as points are.
POINT = """
const marks = [...document.querySelectorAll("#studies .canvas svg path")].map((one) => one.getBoundingClientRect());
const box = marks.find((one) => one.width > 5 && one.width < 14 && Math.abs(one.width - one.height) < 3);
return {x: box.left + box.width / 2, y: box.top + box.height / 2};
"""
ROWS = "return [...document.querySelectorAll('.row')].filter((one) => one.offsetParent).length"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    names = ("default", "regressions", "load", "hostile", "studies")
    return {name: write(PAGES[name](), folder / f"{name}.html") for name in names}


@pytest.fixture(scope="module")
def page(pages):
    return pages["regressions"]


def test_the_outcome_stands_on_the_page(chromium, page):
    chromium.open(page)
    text = chromium.text
    for said in (
        "4 regressed",
        "1 failed",
        "memory ran out",
        "1a2b3c4d5e6f",
        "AMD EPYC",
        "edgeperf doctor",
    ):
        assert said in text, said
    assert "test_yolov3_tiny[torch-fp32]" in text
    # Nothing was asked of a network.
    assert chromium.run("return performance.getEntriesByType('resource').map((one) => one.name)") == []
    assert chromium.complaints() == []


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [
        ("regressions", NARROW, True),
        pytest.param("regressions", WIDE, False, marks=pytest.mark.slow),
        pytest.param("load", NARROW, False, marks=pytest.mark.slow),
    ],
)
def test_every_chart_has_marks_and_nothing_reaches_beyond_the_window(chromium, pages, name, width, dark):
    chromium.open(pages[name], width=width, dark=dark)
    chromium.open_all()
    charts = chromium.run(CHARTS)
    assert len(charts) >= 30
    # An empty chart has its frame and its lines alone.
    assert [chart["title"] for chart in charts if chart["marks"] < 6] == []
    assert chromium.run("return document.documentElement.scrollWidth") <= width
    assert chromium.run(BEYOND) == []
    assert chromium.run(CLIPPED) == []
    # Scripts spell a loss as the texts of the page do.
    assert "\u2212" not in chromium.text
    assert chromium.complaints() == []


#: How many marks there are, as soon as they are as many as asked for (or other than that), or after five seconds: a
#: chart is drawn in the frames after a key.
DRAWN = """new Promise((done) => {
    const look = (left) => {
        const marks = document.querySelectorAll('#studies .canvas svg path').length;
        left && (marks === arguments[0]) !== arguments[1] ? setTimeout(look, 50, left - 1) : done(marks);
    };
    look(100);
})"""


def test_a_legend_has_whole_names_at_any_width_and_hides_what_it_names(chromium, pages):
    chromium.open(pages["studies"], width=NARROW)
    chromium.draw_all()
    names = chromium.run("return [...document.querySelectorAll('#studies .legend button')].map((one) => one.innerText)")
    assert {one.strip() for one in names} >= set(LONG_SERIES)
    assert chromium.run("return document.querySelectorAll('#studies .legend button svg').length") == len(names)
    assert chromium.run(BEYOND) == []
    first = "document.querySelector('#studies .legend button')"
    marks = "return document.querySelectorAll('#studies .canvas svg path').length"
    before = chromium.run(marks)
    chromium.run(f"{first}.focus()")
    chromium.press(" ")
    assert chromium.run(f"return {first}.getAttribute('aria-pressed')") == "false"
    assert chromium.run(f"return {DRAWN}", before, False) < before
    chromium.press(" ")
    assert chromium.run(f"return {DRAWN}", before, True) == before
    assert chromium.complaints() == []


def test_what_is_printed_keeps_its_legends(chromium, pages):
    chromium.open(pages["studies"], media="print")
    chromium.draw_all()
    shown = "[...document.querySelectorAll('button')].filter((one) => one.offsetParent)"
    assert set(chromium.run(f"return {shown}.map((one) => one.innerText)")) == set(LONG_SERIES)


def test_a_click_on_a_point_of_a_study_opens_its_benchmark(chromium, pages):
    chromium.open(pages["studies"])
    chromium.draw_all()
    assert "A click on a point opens its benchmark." in chromium.text
    chromium.run("document.querySelector('#studies').scrollIntoView()")
    place = chromium.run(POINT)
    chromium.click(place["x"], place["y"])
    assert chromium.run("return location.hash").startswith("#b-")
    assert chromium.run("return document.querySelector(location.hash).open")
    assert chromium.complaints() == []


@pytest.mark.slow
def test_names_from_anywhere_are_text(chromium, pages):
    chromium.open(pages["hostile"], width=NARROW)
    chromium.open_all()
    # The policy would have refused a script of a name; nothing was there to refuse.
    assert chromium.complaints() == []
    assert "failed" in chromium.run("return document.title")
    text = chromium.text
    for shown in (
        "<script>",
        "</script>",
        "</title><img src=x",
        "\\u202e",
        "\\x1b[31m",
        "<!-- <script> -->",
        "שלום עולם",
    ):
        assert shown in text, shown
    assert not set("\x1b\x07\u202e\u2028") & set(text)
    assert chromium.run("return document.querySelectorAll('img, main script, iframe, object').length") == 0
    assert chromium.run("return document.querySelectorAll('.row').length") >= len(reports.HOSTILE_NAMES)
    assert chromium.run("return document.documentElement.scrollWidth") <= NARROW
    assert chromium.run(BEYOND) == []
    assert [chart["title"] for chart in chromium.run(CHARTS) if chart["marks"] < 6] == []


def test_the_filter_and_the_order(chromium, page):
    chromium.open(page)
    everything = chromium.run(ROWS)
    assert everything == 17
    chromium.run("document.getElementById('filter').focus()")
    chromium.press(*"resnet18 torch")
    assert chromium.run(ROWS) == 2
    assert "2 of 17 benchmarks" in chromium.text
    chromium.run(
        "[...document.querySelectorAll('.tools button')].find((one) => one.textContent === 'Show all').click()"
    )
    assert chromium.run(ROWS) == everything
    words = "return [...document.querySelectorAll('.row .badge')].map((one) => one.textContent.trim().split(' ').pop())"
    assert chromium.run(words)[0] == "regressed"
    chromium.run("document.querySelector('.choice input[value=regressed]').click()")
    assert set(chromium.run(words)) == {"regressed"}
    chromium.run("document.querySelector('.choice input[value=regressed]').click()")
    chromium.run(
        "const one = document.getElementById('sort'); one.value = 'name'; one.dispatchEvent(new Event('change'))"
    )
    names = chromium.run("return [...document.querySelectorAll('.row .name bdi')].map((one) => one.textContent)")
    assert names == sorted(names)
    assert len(names) == everything
    assert chromium.complaints() == []


def test_a_link_opens_its_benchmark(chromium, page):
    chromium.open(page)
    anchor = chromium.run("return document.querySelector('#summary a[href^=\"#b-\"]').getAttribute('href')")
    chromium.open(page, anchor=anchor)
    assert chromium.run("return document.querySelector(arguments[0]).open", anchor)
    assert -5 <= chromium.run("return document.querySelector(arguments[0]).getBoundingClientRect().top", anchor) <= 450


def test_the_keyboard_alone_reaches_and_opens_a_benchmark(chromium, page):
    from selenium.webdriver.common.keys import Keys

    chromium.open(page)
    chromium.press(Keys.TAB)
    assert chromium.run("return document.activeElement.className") == "skip"
    chromium.run("document.querySelector('.row > summary').focus()")
    focused = "return document.activeElement.parentElement.id"
    first = chromium.run(focused)
    chromium.press(Keys.ARROW_DOWN)
    second = chromium.run(focused)
    assert second
    assert second != first
    chromium.press(Keys.ENTER)
    assert chromium.run("return document.getElementById(arguments[0]).open", second)
    assert chromium.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_without_scripts_the_outcome_can_be_read(page):
    before_scripts = page.read_text(encoding="utf-8").partition("<script")[0]
    assert "4 regressed" in before_scripts
    assert "<noscript>" in before_scripts


@pytest.mark.thorough
@pytest.mark.alone
def test_500_benchmarks_open_in_less_than_2_s(chromium, tmp_path, capsys):
    page = write(PAGES["many"](), tmp_path / "many.html")
    times_s = []
    for _ in range(3):
        chromium.open(page)
        # Since the navigation began, until what was drawn is on the screen.
        now_ms = "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
        times_s.append(chromium.run(f"return {now_ms}") / 1000)
    with capsys.disabled():
        print(f"\n500 benchmarks, {page.stat().st_size / 1e6:.2f} MB, open in {min(times_s):.2f} s")
    assert "500 benchmarks" in chromium.text
    assert min(times_s) < 2.0
