from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.machines import OtherMachine
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, LineVerdict, Rename
from pytest_edgeperf.report.creep import Creep
from pytest_edgeperf.report.exporters.markdown import COMMENT_BYTES, comparison_markdown, marker, session_markdown
from pytest_edgeperf.report.invocation import Invocation
from pytest_edgeperf.report.markup import codes, escape, fence, item
from pytest_edgeperf.report.next_steps import next_steps
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results.types import Results

from .conftest import PREFIX, benchmark, verdict
from .hostile import NAMES, TEXTS
from .markdown_reading import assert_only_text, assert_well_formed, hostile_report, tokens_of
from .scenarios import refresh_without_runs

YOLO = "test_yolov3[onnxruntime-fp32-416]"


def before_folded(text):
    """What a reader sees without opening anything."""
    return text.partition("<details>")[0]


def part(text, title):
    """What a reader opens by its title."""
    (inside,) = re.findall(rf"<summary>{re.escape(title)}</summary>\n(.*?)\n</details>", text, re.DOTALL)
    return inside


# Of a session.


def test_the_verdict_comes_first_then_what_got_worse(session):
    lines = session_markdown(session).splitlines()
    assert lines[0] == "<!-- edgeperf:host -->"
    assert lines[1] == "### edgeperf on `host`: 2 of 9 benchmarks regressed, 1 could not be measured"
    rows = [line for line in before_folded(session_markdown(session)).splitlines() if line.startswith("| ")]
    assert rows == [
        f"| regressed in `{PREFIX}` | change [95 %] | baseline | now |",
        f"| `{YOLO}` | latency +8.1 % [+5.2, +11.1] | 11.3 ms | 12.2 ms |",
        "| `test_mobilenet_v2[onnxruntime-int8]` | peak memory +12.0 % [+11.0, +13.0] | 80.0 MiB | 89.6 MiB |",
    ]


def test_three_questions_are_answered_before_anything_is_opened(session):
    seen = before_folded(session_markdown(session))
    assert "**What differs:** commits 1a2b3c4..5d6e7f8" in seen
    assert "onnxruntime 1.11.0 -> 1.12.1" in seen
    assert "**Is it the machine?**" in seen
    assert len(seen.splitlines()) < 40


def test_what_could_not_be_measured_is_seen_with_its_reason(session):
    seen = before_folded(session_markdown(session))
    assert "**Not measured (1):**" in seen
    assert "- `test_crash[tvm]`: The worker was ended by SIGKILL; the kernel's log says that memory ran out." in seen


def test_the_rest_is_folded(session):
    text = session_markdown(session)
    assert "- Would detect slowdowns of 3.4 % or more" in part(text, "Evidence (2)")
    unclear = part(text, "Not clear or not compared (4)")
    assert "| `test_unet[torch]` | incomparable | power\\_mode MAXN -> 5W, threads 4 -> (none) |" in unclear
    assert "| `test_removed[torch-fp32]` | missing | in the baseline, not measured now |" in unclear
    rows = [line for line in part(text, "All benchmarks (8)").splitlines() if line.startswith("| `")]
    assert len(rows) == 8
    assert rows[0].endswith("| **regressed** |")
    assert rows[-1].endswith("| unchanged |")
    assert "| `test_added` | - | - | 3.30 ms | new |" in rows
    assert "- Workers could not be pinned" in part(text, "Notes (1)")


def test_a_session_without_a_loss_says_so_in_one_line():
    comparison = Comparison({f"a.py::test[{n}]": verdict("unchanged", 1.0, 0.99, 1.01) for n in range(3)})
    report = SessionReport("nano", "", Results("nano"), comparison=comparison)
    text = session_markdown(report)
    assert text.splitlines()[1] == "### edgeperf on `nano`: no regression in 3 benchmarks"
    assert "Is it the machine" not in text
    assert "| " not in before_folded(text)


def test_of_many_losses_the_first_ten_are_seen_and_the_others_counted():
    comparison = Comparison({f"a.py::test[{n}]": verdict("regressed", 1.1, 1.05, 1.2) for n in range(25)})
    seen = before_folded(session_markdown(SessionReport("nano", "", Results("nano"), comparison=comparison)))
    assert seen.count("| `") == 10
    assert "and 15 more in the table of all benchmarks below." in seen


def test_a_session_that_judged_nothing_has_its_figures(session):
    report = replace(session, comparison=None, mode="off", faults={}, notes=[])
    text = session_markdown(report)
    assert text.splitlines()[1] == "### edgeperf on `host`: 7 benchmarks measured, none compared"
    row = next(line for line in before_folded(text).splitlines() if YOLO in line)
    assert row == f"| `{YOLO}` | 12.2 ms | 13.1 ms | 100 MiB | 3 |"
    assert "regressed" not in text


def test_a_refresh_says_what_it_accepted_and_what_not(session):
    refused = {PREFIX + YOLO: "every run was disturbed"}
    crept = {PREFIX + "test_added": Creep(1.2, 0.02, "2026-11-01")}
    refreshed = {PREFIX + "test_added": "created", PREFIX + "test_resnet18[torch-fp32]": "updated", "gone": "kept"}
    report = replace(session, mode="refresh", refused=refused, crept=crept, refreshed=refreshed)
    text = session_markdown(report)
    assert text.splitlines()[1].endswith(": 2 benchmarks accepted as baseline, 1 not accepted, 1 could not be measured")
    seen = before_folded(text)
    assert f"| accepted although worse in `{PREFIX}` |" in seen
    assert f"| `{YOLO}` |" not in seen
    assert f"**Not accepted (1):**\n\n- `{YOLO}`: every run was disturbed" in seen
    assert "- `test_added`: latency +20.0 % since 2026-11-01" in seen


@pytest.mark.parametrize("judged", [False, True])
def test_what_a_refresh_refused_is_listed_once_with_its_figures(judged):
    report = refresh_without_runs()
    names = list(report.measured.benchmarks)
    if judged:
        undecided = {name: verdict("inconclusive", 1.02, 0.9, 1.1) for name in names[:2]}
        report = replace(report, comparison=Comparison({**undecided, names[2]: verdict("regressed", 1.1, 1.05, 1.2)}))
    text = session_markdown(report)
    for name in names:
        assert text.count(f"`{name.rpartition('::')[2]}`") == 1
    figures = "latency 1.90 ms" if not judged else "latency 12.2 ms, +2.0 % [-10.0, +10.0]"
    assert f"- `test_letterbox[416]`: all 3 runs were disturbed (by other processes in 3); {figures}" in text
    assert "All benchmarks" not in text


def test_an_empty_session_is_a_heading():
    text = session_markdown(SessionReport("host", "", Results("host")))
    assert text.splitlines()[:2] == ["<!-- edgeperf:host -->", "### edgeperf on `host`: nothing measured"]


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("orin-nano", "<!-- edgeperf:orin-nano -->"),
        ("a b--> <x>", "<!-- edgeperf:a-b-x -->"),
        ("--", "<!-- edgeperf:- -->"),
        ("中", "<!-- edgeperf:- -->"),
    ],
)
def test_the_marker_is_one_comment_whatever_the_device(device, expected):
    assert marker(device) == expected


# Of two files.


def test_two_files_are_reported_in_the_same_way(comparison):
    text = comparison_markdown(comparison)
    assert text.splitlines()[0] == "### edgeperf: 2 of 8 benchmarks regressed"
    assert f"| `{YOLO}` | latency +8.1 % [+5.2, +11.1] | 11.3 ms | 12.2 ms |" in before_folded(text)
    assert "All benchmarks (8)" in text
    assert "edgeperf:" not in text.partition("\n")[0].replace("### edgeperf:", "")


def test_every_row_has_the_same_cells(comparison):
    for table in re.findall(r"(?:^\|.*\n)+", comparison_markdown(comparison), re.MULTILINE):
        assert len({re.sub(r"\\\|", "", row).count("|") for row in table.splitlines()}) == 1


def test_nothing_to_compare():
    assert comparison_markdown(Comparison({})) == "### edgeperf: nothing to compare\n"


def test_a_probable_rename_is_listed(comparison):
    renamed = replace(comparison, renames=(Rename("a.py::old", "a.py::new", 1.01, (0.99, 1.03)),))
    assert "- `a.py::old` → `a.py::new`: latency +1.0 % [-1.0, +3.0]" in comparison_markdown(renamed)


def test_a_line_that_regressed_is_said():
    line = LineVerdict("study", "torch", "latency", "slope", "regressed", "ms", 1.0, 1.2, benchmarks=("a",))
    text = comparison_markdown(Comparison({"a": verdict("unchanged", 1.0, 0.99, 1.01)}, lines=(line,)))
    assert text.startswith("### edgeperf: 1 line regressed\n")
    assert "regressed: slope of torch in study (latency)" in before_folded(text)


# How long it may be.


def comparison_of(number, word, **more):
    return Comparison({f"{PREFIX}test_a[{at}]": verdict(word, 1.1, 1.05, 1.2, **more) for at in range(number)})


@pytest.mark.parametrize("word", ["unchanged", "regressed", "inconclusive"])
def test_many_benchmarks_fit_into_a_comment(word):
    text = comparison_markdown(comparison_of(2000, word))
    assert 30_000 < len(text.encode()) <= COMMENT_BYTES
    assert re.search(r"\d+ further .* left out here: see `edgeperf compare --format json`\.", text)
    assert_well_formed(text)


def test_what_fits_is_listed_whole():
    text = comparison_markdown(comparison_of(100, "unchanged"))
    assert "left out" not in text
    assert text.count("| unchanged |") == 100


def test_no_part_crowds_out_what_comes_after_it():
    measured = {f"{PREFIX}test_a[{at}]": benchmark(1.0) for at in range(500)}
    report = SessionReport(
        "host",
        "",
        Results("host", benchmarks=measured),
        comparison=comparison_of(500, "regressed", reason="x" * 900),
        faults={f"{PREFIX}test_b[{at}]": "y" * 900 for at in range(500)},
        notes=["z" * 900] * 500,
    )
    text = session_markdown(report)
    assert len(text.encode()) <= COMMENT_BYTES
    for title in ("Evidence (500)", "All benchmarks (500)", "Notes (500)"):
        assert f"<summary>{title}</summary>" in text
    assert_well_formed(text)


@given(room=st.integers(2500, 60_000), number=st.integers(0, 60), long=st.integers(1, 300))
def test_a_report_is_cut_between_rows_wherever_it_must_be(room, number, long):
    comparison = Comparison(
        {f"a.py::test[{'é' * long}{at}]": verdict("regressed", 1.1, 1.05, 1.2) for at in range(number)}
    )
    text = session_markdown(SessionReport("host", "", Results("host"), comparison=comparison), room)
    assert len(text.encode()) <= max(room, 2500)
    assert_well_formed(text)


def test_very_long_ids_are_shortened_and_stay_different():
    ids = [f"a.py::test[{letter * 20_000}{end}]" for letter in "xy" for end in "pq"]
    text = comparison_markdown(Comparison({id: verdict("regressed", 1.1, 1.05, 1.2) for id in ids}))
    assert len(text) < 8000
    rows = [line.split(" | ")[0] for line in before_folded(text).splitlines() if line.startswith("| `")]
    assert len(set(rows)) == 4


# What it may hold.


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_hostile_name_is_text_everywhere(name):
    text = assert_only_text(hostile_report([name, "a.py::test"], name))
    assert len(text.encode()) <= COMMENT_BYTES


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_the_commands_to_type_next_stay_in_their_block(name):
    invocation = Invocation(arguments=("-k", name, "benchmarks/"), targets=("benchmarks/",))
    judged = {name: verdict("regressed", 1.1, 1.05, 1.2), name + "u": verdict("unchanged", 1.0, 0.99, 1.01)}
    report = replace(hostile_report([name], name), comparison=Comparison(judged), faults={}, invocation=invocation)
    text = assert_only_text(report)
    steps = next_steps(report)
    assert ("**Next:**" in text) == bool(steps)
    blocks = [token.content for token in tokens_of(text) if token.type == "fence"]
    assert blocks == ["".join(f"# {step.purpose}\n{step.command}\n" for step in steps)] * bool(steps)


@given(st.lists(TEXTS, max_size=3, unique=True), TEXTS)
def test_no_name_and_no_text_is_anything_but_text(names, text):
    assert_only_text(hostile_report(names, text))


@given(st.lists(TEXTS.filter(str.strip), min_size=1, max_size=4))
def test_a_name_is_read_as_the_code_that_it_is(names):
    for name, shown in zip(names, codes(names)):
        tokens = list(tokens_of(f"| a |\n|---|\n| {shown} |\n"))
        (cell,) = [token for token in tokens if token.type == "inline" and token.content == shown]
        read = "".join(
            child.content for child in cell.children if child.type in ("code_inline", "text", "text_special")
        )
        printed = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
        assert html.unescape(read).strip() == printed.strip()


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_a_fence_ends_where_it_ends(lines):
    (token,) = [token for token in tokens_of("\n".join(fence(lines, "sh"))) if token.type == "fence"]
    assert token.info == "sh"
    assert len(token.content.splitlines()) == len(lines)


def test_ids_cannot_break_the_table():
    odd = "a.py::test[`x`|<b>\n]"
    text = comparison_markdown(Comparison({odd: verdict("regressed", 1.1, 1.05, 1.2)}))
    row = next(line for line in text.splitlines() if line.startswith("| <code>"))
    assert row.startswith("| <code>test&#91;&#96;x&#96;&#124;&#60;b&#62;&#92;n&#93;</code> | latency +10.0 %")


def test_reasons_cannot_mention_link_or_embed():
    reason = (
        "see @octocat ![x](http://e.example/p.png) [y](javascript:z) owner/repo#12 www.e.example gh-5 [q]: u a@b.org"
    )
    text = comparison_markdown(Comparison({"x": BenchmarkVerdict("incomparable", reason=reason)}))
    row = next(line for line in text.splitlines() if "octocat" in line)
    assert "see @&#8203;octocat" in row
    assert "\\!\\[x\\](http:&#8203;//e.example/p.png)" in row
    assert "\\[y\\](javascript:z)" in row
    assert "repo#&#8203;12 www.&#8203;e.example gh-&#8203;5 \\[q\\]: u a@&#8203;b.org" in row


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# no heading", "- \\# no heading"),
        ("> no quotation", "- \\> no quotation"),
        ("- no item", "- \\- no item"),
        ("12. no number", "- 12\\. no number"),
        ("[ ] no task", "- \\[ ] no task"),
        ("[x]: no definition", "- \\[x\\]: no definition"),
        ("a :warning: b", "- a :&#8203;warning: b"),
        ("latency +8.1 % [+5.2, +11.1]", "- latency +8.1 % [+5.2, +11.1]"),
    ],
)
def test_an_item_begins_nothing_else(text, line):
    assert item(text) == line


@given(TEXTS)
def test_no_text_is_anything_but_text(text):
    cell = escape(text)
    assert cell.isprintable()
    assert isinstance(cell.encode(), bytes)
    bare = re.sub(r"\\.", "x", cell)
    assert not re.search(r"[<|`*_~$]|\]\(|\]\[|!\[|@(?!&#8203;|$| )|#(?=\d)(?!8203;)|://", bare)


def test_combining_marks_do_not_make_a_name_endless():
    (name,) = codes(["a.py::test[" + "a\u0301" * 10_000 + "]"])
    assert len(name) < 2000
    assert len(escape("\u0301" * 20_000)) < 5000


def test_another_machine_is_said_and_is_no_markup(comparison):
    why = "the baseline was measured on a different machine (product ![a](b) -> <b>)"
    text = comparison_markdown(replace(comparison, other_machine=OtherMachine(why, 7, 7)))
    assert "pytest --against=REF" in before_folded(text).replace("\\", "")
    assert "![a](b)" not in text
    assert "<b>" not in text
    assert "a different machine" not in comparison_markdown(comparison)
