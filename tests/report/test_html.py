"""The HTML report: one file, whose texts are text, with the data that its scripts draw."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf import read_results
from pytest_edgeperf.cli import main
from pytest_edgeperf.judge.machines import OtherMachine
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, MetricVerdict
from pytest_edgeperf.report.exporters import exporter
from pytest_edgeperf.report.html import elements
from pytest_edgeperf.report.html.benchmark_data import anchor
from pytest_edgeperf.report.html.page import asset
from pytest_edgeperf.report.html.sections import sections
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results import write
from pytest_edgeperf.results.characters import printable
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run
from tests.fakes import reports

from .html_pages import Page

HTML_FOLDER = Path(elements.__file__).parent


def source_of(report: SessionReport) -> str:
    return exporter("html", "session").session(report, Paper(120))


def page_of(report: SessionReport) -> Page:
    return Page(source_of(report))


@pytest.fixture(scope="module")
def default():
    return page_of(reports.default_suite())


@pytest.fixture(scope="module")
def regressions():
    return page_of(reports.two_regressions())


def rows_of(page):
    return {row["id"]: row for row in page.blocks["data-benchmarks"]["benchmarks"]}


# The file.


def test_a_page_asks_for_nothing_from_a_network(default):
    (policy,) = (known["content"] for known in default.attributes("meta") if "http-equiv" in known)
    assert policy.startswith("default-src 'none'; ")
    links = [known.get(name) for _, known in default.elements for name in ("src", "href") if known.get(name)]
    assert all(link.startswith("#") for link in links)
    assert not default.attributes("link")


def test_only_the_packages_scripts_may_run(regressions):
    (policy,) = (known["content"] for known in regressions.attributes("meta") if "http-equiv" in known)
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    digests = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in regressions.scripts}
    assert digests == allowed
    assert "unsafe-inline" not in policy.partition("style-src")[0]


def test_it_has_a_language_and_headings_in_order(regressions):
    assert regressions.attributes("html")[0]["lang"] == "en"
    assert regressions.headings[0] == 1
    assert regressions.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(regressions.headings, regressions.headings[1:]))


def luminance(colour):
    """Relative luminance of #rrggbb, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1, 2, 3], ids=["light", "dark by the system", "dark by the switch", "paper"])
def test_colours_have_the_contrast_of_wcag_aa(theme):
    blocks = re.findall(r":root[^{]*\{([^{}]*--page[^{}]*)\}", asset("assets/page.css"))
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[theme]))
    for ground in ("page", "raised"):
        for name in ("text", "faint", "link", "bad", "good", "unsure", "remark"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        for name, colour in colours.items():
            if name.endswith("-line"):
                assert contrast(colour, colours[ground]) >= 3, (name, ground)
    for name in ("bad", "good", "unsure"):
        assert contrast(colours[name], colours[f"{name}-soft"]) >= 4.5, name
        assert contrast(colours["text"], colours[f"{name}-soft"]) >= 4.5, name


def test_both_ways_to_dark_are_the_same():
    blocks = re.findall(r":root[^{]*\{([^{}]*--page[^{}]*)\}", asset("assets/page.css"))
    light, by_system, by_switch, paper = (block.split() for block in blocks)
    assert by_system == by_switch
    assert light == paper


def test_five_hundred_benchmarks_are_less_than_2_mb():
    source = source_of(reports.many(500))
    assert len(source.encode()) < 2_000_000
    assert len(rows_of(Page(source))) == 500


def test_every_asset_is_of_a_section_or_of_the_page():
    named = {name for section in sections() for name in (*section.scripts, *section.styles)}
    named |= {"page.js", "charts.js", "legend.js", "start.js", "page.css"}
    assert {path.name for path in (HTML_FOLDER / "assets").iterdir()} == named


@pytest.mark.parametrize("path", sorted((HTML_FOLDER / "assets").glob("*.js")), ids=lambda path: path.name)
def test_no_script_of_ours_makes_elements_of_text(path):
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", source)


def test_the_library_has_its_licence_and_the_version_that_is_documented():
    folder = HTML_FOLDER / "vendor" / "echarts"
    version = re.search(r"^- version: (\S+)$", (folder / "README.md").read_text(), re.MULTILINE)
    assert version is not None
    library = asset("vendor/echarts/echarts.min.js")
    assert library.startswith(f"/*! Apache ECharts {version.group(1)}, Apache-2.0")
    assert f'"{version.group(1)}"' in library
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert (folder / "NOTICE").exists()
    assert (folder / "LICENSE-zrender").exists()


# The three questions.


def test_what_got_slower_and_between_which_commits(regressions):
    assert regressions.text.count("latency +8.") >= 1
    slower = reports.FOLDER + "test_resnet50[onnxruntime-int8]"
    assert f"In {reports.FOLDER[:-2]}test_resnet50[torch-int8] top1 -2." in regressions.text
    assert "test_resnet50[onnxruntime-int8] min latency +24." in regressions.text
    assert (
        f"Between commit {reports.BASE_COMMIT} (baseline) and commit {reports.COMMIT} (this session)."
        in regressions.text
    )
    assert f"#{anchor(slower)}" in {known.get("href") for known in regressions.attributes("a")}
    assert "not measured: The worker was ended by SIGKILL in round 1" in regressions.text


def test_the_machine_is_named_where_it_may_be_what_moved(regressions):
    assert "12 of 135 runs disturbed (other processes used the processors in all)." in regressions.text
    assert "fingerprint.kernel 6.18 -> 6.19" in regressions.text
    calm = reports.default_suite()
    text = page_of(calm).text
    assert "No sign of it" in text
    worse = reports.two_regressions()
    shifted = replace(worse, comparison=replace(worse.comparison, common_shift=1.06))
    text = page_of(shifted).text
    assert "It may be: look at this before the code." in text
    other = replace(worse, comparison=replace(worse.comparison, other_machine=OtherMachine("another board", 3, 3)))
    text = page_of(other).text
    assert "Another board" in text


def test_a_refresh_that_accepts_what_is_worse_says_so():
    report = reports.two_regressions()
    done = dict.fromkeys(report.measured.benchmarks, "updated")
    text = page_of(replace(report, mode="refresh", faults={}, refreshed=done)).text
    assert "Accepted although worse: 15 accepted, 4 regressed" in text


def test_new_benchmarks_are_not_called_unchanged():
    report = reports.default_suite()
    new = Comparison({name: BenchmarkVerdict("new") for name in report.measured.benchmarks})
    text = page_of(replace(report, comparison=new, baseline=None)).text
    assert "Nothing was compared: 22 new" in text
    assert "Nothing could be compared." in text
    assert "Not known: nothing was decided." in text
    assert "Nothing, as far as" not in text
    assert "No sign of it" not in text


def test_a_refresh_says_what_it_accepted_and_what_not():
    report = reports.default_suite()
    first, second, *others = report.measured.benchmarks
    refused = {first: "every run was disturbed", second: "every run was disturbed"}
    done = dict.fromkeys(others, "updated")
    text = page_of(replace(report, mode="refresh", refreshed=done, refused=refused)).text
    assert "Accepted: 20 accepted, 2 not accepted" in text
    assert f"Not accepted (2){first[len(reports.FOLDER) :]} every run was disturbed" in text
    text = page_of(replace(report, mode="refresh", refused=refused, failing=refused)).text
    assert "Not accepted: 2 not accepted" in text


def test_undecided_benchmarks_are_not_called_good():
    report = reports.default_suite()
    names = list(report.comparison.benchmarks)
    unclear = {names[0]: BenchmarkVerdict("inconclusive", reason="machine disturbed: 1 of 3 runs is good")}
    comparison = replace(report.comparison, benchmarks={**report.comparison.benchmarks, **unclear})
    text = page_of(replace(report, comparison=comparison)).text
    assert "Nothing got worse for certain: 1 inconclusive, 21 unchanged" in text
    assert f"Not clear (1){names[0]} machine disturbed: 1 of 3 runs is good" in text


def test_nothing_measured_is_a_page_too():
    page = page_of(SessionReport("host", "", Results("host")))
    assert "nothing measured" in page.text
    assert "data-benchmarks" not in page.blocks


# The benchmarks.


def test_a_row_has_verdict_latency_change_and_interval(regressions):
    row = rows_of(regressions)[reports.FOLDER + "test_resnet50[onnxruntime-int8]"]
    assert (row["verdict"], row["function"], row["parameters"]) == ("regressed", "test_resnet50", "[onnxruntime-int8]")
    assert row["file"] == "benchmarks/test_framework_comparison.py"
    assert row["change"].startswith("+2")
    assert row["ends"][0] < row["ratio"] < row["ends"][1]
    assert row["value"].endswith(" ms")
    assert row["sentences"][0].startswith("Minimum latency 44.1 -> 54.8 ms")


def test_runs_of_both_sides_have_their_order_statistics(regressions):
    data = regressions.blocks["data-benchmarks"]
    row = rows_of(regressions)[reports.FOLDER + "test_resnet50[onnxruntime-int8]"]
    assert (len(row["base"]), len(row["now"])) == (10, 9)
    place, began, disturbed, samples, *order = row["now"][0]
    assert data["sessions"][place]["commit"] == reports.COMMIT
    assert (
        datetime.fromtimestamp(data["sessions"][place]["began"] + began, timezone.utc).isoformat()[:16]
        == "2026-11-30T16:05"
    )
    assert disturbed == 0
    assert samples >= 4
    assert len(order) == len(data["order"])
    known = [value for value in order if value is not None]
    assert known == sorted(known)


def test_a_disturbed_run_is_marked_with_what_disturbed_it(regressions):
    row = rows_of(regressions)[reports.FOLDER + "test_mobilenet_v2[onnxruntime-fp32]"]
    assert [run[2] for run in row["now"]].count("other processes used the processors") == 1


def test_phases_metrics_and_what_else_decided(regressions):
    row = rows_of(regressions)[reports.FOLDER + "test_mobilenet_v2[onnxruntime-fp32]"]
    assert [phase[0] for phase in row["phases"]] == ["preprocess", "infer", "postprocess"]
    words = regressions.blocks["data-benchmarks"]["words"]
    (memory,) = (metric for metric in row["metrics"] if words[metric[0]] == "peak memory")
    _, base, now, moved, _, _, verdict, decides = memory
    assert base.endswith(" MiB")
    assert now.endswith(" MiB")
    assert 11 < moved < 13
    assert (words[verdict], decides) == ("regressed", 1)
    assert row["label"] == "peak memory"
    (runs,) = row["others"]
    assert (runs["name"], runs["unit"], len(runs["base"]), len(runs["now"])) == ("peak memory", "MiB", 10, 9)


def test_both_figures_of_a_metric_are_in_one_unit():
    report = reports.two_regressions()
    name = next(iter(report.measured.benchmarks))
    latency = MetricVerdict("regressed", "p50", "ms", ratio=1.42, baseline=0.986, candidate=1.4)
    page = page_of(replace(report, comparison=Comparison({name: BenchmarkVerdict("regressed", {"latency": latency})})))
    words = page.blocks["data-benchmarks"]["words"]
    figures = {words[row[0]]: row[1:3] for row in rows_of(page)[name]["metrics"]}
    assert figures["latency"] == ["0.986 ms", "1.40 ms"]
    for before, now in figures.values():
        assert before is None or now is None or before.split()[1:] == now.split()[1:]


def test_an_accuracy_has_its_lost_and_won_examples(regressions):
    row = rows_of(regressions)[reports.FOLDER + "test_resnet50[torch-int8]"]
    (accuracy,) = row["accuracies"]
    assert row["verdict"] == "regressed"
    assert accuracy["examples"] == 1000
    assert accuracy["lost"] > 20
    assert accuracy["won"] == 2


def test_one_that_failed_has_its_reason_line_by_line(regressions):
    row = rows_of(regressions)[reports.FOLDER + "test_yolov3_tiny[torch-fp32]"]
    assert row["verdict"] == "failed"
    assert row["value"].startswith("was ")
    assert len(row["sentences"]) == 2


def test_a_comparison_in_lock_step_has_its_pairs():
    page = page_of(reports.in_lock_step())
    data = page.blocks["data-benchmarks"]
    assert data["sides"] == [f"origin/main ({reports.BASE_COMMIT})", "this checkout"]
    first, second = data["benchmarks"]
    assert len(first["pairs"]) == 8
    assert all(abs(pair[0] - 2.1) < 1.5 for pair in first["pairs"])
    assert [pair[2] for pair in second["pairs"]] == [0, 1, 2, 3] * 2
    assert len(first["base"]) == 8
    assert "both sides took turns on it" in page.text


def test_an_anchor_is_the_same_in_every_report(default, regressions):
    name = reports.FOLDER + "test_resnet18[onnxruntime-fp32]"
    assert rows_of(default)[name]["anchor"] == rows_of(regressions)[name]["anchor"] == anchor(name)
    anchors = [row["anchor"] for row in rows_of(default).values()]
    assert len(set(anchors)) == len(anchors)


# Text from anywhere.


def test_hostile_names_are_text():
    page = page_of(reports.hostile())
    assert page.comments == []
    assert {known.get("type") for known in page.attributes("script")} == {None, "application/json"}
    assert set(page.scripts) <= {path.read_text(encoding="utf-8") for path in HTML_FOLDER.rglob("*.js")}
    assert not page.attributes("img")
    shown = set(rows_of(page))
    for name in reports.HOSTILE_NAMES:
        assert printable(f"benchmarks/test_a.py::test_b[{name}]") in shown
    assert "<script>document.title='run'</script>" in page.text
    assert "\u202e" not in page.text
    assert "\u2028" not in page.text


@given(st.text(max_size=60))
def test_any_text_is_one_text(text):
    page = Page(str(elements.element("p", text, title=text)))
    assert "".join(page.texts) == printable(text)
    assert page.elements == [("p", {"title": printable(text)})]
    data = Page(str(elements.data_block("d", {text: [text]})))
    assert data.blocks == {"d": {printable(text): [printable(text)]}}


@given(st.floats())
def test_any_number_is_a_number_or_nothing(value):
    block = str(elements.data_block("d", [value]))

    def refuse(constant):
        raise AssertionError(constant)

    json.loads(block.partition(">")[2].partition("<")[0], parse_constant=refuse)


@pytest.mark.parametrize("source", ["a</script>b", "a</SCRIPT >", "<!--"])
def test_a_script_that_would_end_itself_is_refused(source):
    with pytest.raises(ValueError, match="holds what ends it"):
        elements.inline_script(source)


VALUES = st.one_of(
    st.none(), st.booleans(), st.floats(), st.text(max_size=5), st.dictionaries(st.text(max_size=4), st.floats())
)
QUALITY = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"disturbed": st.booleans(), "disturbed_by": st.one_of(st.text(max_size=9), st.lists(VALUES))}
    ),
)


@given(
    names=st.lists(st.text(max_size=30), min_size=1, max_size=3, unique=True),
    values=st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=3),
    started=st.one_of(st.text(max_size=25), st.just("2026-11-30T16:05:00Z"), st.just("2026-11-30T16:05:00+01:00Z")),
    quality=QUALITY,
    unit=st.sampled_from(["ms", "s", "ns", "", "furlong"]),
)
def test_whatever_a_file_holds_is_a_row(names, values, started, quality, unit):
    runs = tuple(Run("e", started, "s", {"latency": value}, quality=quality) for value in values)
    summaries = tuple(Run("e", started, "s", {"latency": {"n": 1, "p50": value}}) for value in values)
    metrics = {"latency": Metric(unit)}
    measured = Results("host", benchmarks={name: Benchmark({}, metrics, runs) for name in names})
    base = Results("host", benchmarks={name: Benchmark({}, metrics, summaries) for name in names})
    (section,) = (section for section in sections() if section.id == "benchmarks")
    data = section.data(Subject(SessionReport("host", "", measured, baseline=base)))
    rows = Page(str(elements.data_block("d", data))).blocks["d"]["benchmarks"]
    assert [row["id"] for row in rows] == [printable(name) for name in names]
    for row in rows:
        assert [len(run) for run in row["now"]] == [13] * len(values)
        assert [len(run) for run in row["base"]] == [13] * len(values)


# Commands.


@pytest.fixture
def files(tmp_path):
    report = reports.two_regressions()
    paths = []
    for name, results in (("base", report.baseline), ("now", report.measured)):
        paths.append(str(tmp_path / f"{name}.json"))
        write(paths[-1], results)
    return paths


def test_compare_writes_a_page_and_keeps_its_exit_code(files, tmp_path):
    page = tmp_path / "out" / "page.html"
    outcome = CliRunner().invoke(main, ["compare", *files, "-o", str(page)])
    assert outcome.exit_code == 1
    assert outcome.output == f"report: {page}\n"
    row = rows_of(Page(page.read_text(encoding="utf-8")))[reports.FOLDER + "test_resnet50[onnxruntime-int8]"]
    assert (len(row["base"]), len(row["now"])) == (10, 9)


@pytest.mark.parametrize(("name", "begins"), [("r.md", "###"), ("r.json", "{"), ("r.txt", "")])
def test_compare_writes_what_the_files_end_names(files, tmp_path, name, begins):
    CliRunner().invoke(main, ["compare", *files, "-o", str(tmp_path / name)])
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert "regressed" in text


def test_format_decides_whatever_the_file_is_called(files, tmp_path):
    CliRunner().invoke(main, ["compare", *files, "-o", str(tmp_path / "x"), "--format", "json"])
    assert json.loads((tmp_path / "x").read_text())["summary"]["regressed"] > 1


def test_a_file_that_cannot_be_written_so_is_refused(files, tmp_path):
    outcome = CliRunner().invoke(main, ["compare", *files, "-o", str(tmp_path / "r.doc")])
    assert "no format of reports has files that end so" in outcome.output
    outcome = CliRunner().invoke(main, ["compare", *files, "-o", files[1]])
    assert "the report would replace the results" in outcome.output
    assert read_results(files[1]).benchmarks


def test_report_writes_the_benchmarks_of_every_file(files, tmp_path):
    page = tmp_path / "page.html"
    outcome = CliRunner().invoke(main, ["report", *files, "-o", str(page)])
    assert outcome.exit_code == 0, outcome.output
    rows = rows_of(Page(page.read_text(encoding="utf-8")))
    assert {row["file"].partition(":")[0] for row in rows.values()} == {"base", "now"}


def test_a_comparison_without_its_files_shows_the_verdicts():
    report = reports.two_regressions()
    page = Page(exporter("html", "comparison").comparison(Comparison(report.comparison.benchmarks), Paper(100)))
    row = rows_of(page)[reports.FOLDER + "test_resnet50[onnxruntime-int8]"]
    assert row["verdict"] == "regressed"
    assert "now" not in row
