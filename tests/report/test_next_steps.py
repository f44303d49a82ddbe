"""The commands that a report names: they can be pasted, keep what was typed, and do what they are for."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.renames import GONE
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, ComparedFiles, Comparison, LineVerdict, Rename, Side
from pytest_edgeperf.report import next_steps as steps_of
from pytest_edgeperf.report.creep import Creep
from pytest_edgeperf.report.invocation import MOST_LETTERS, Invocation
from pytest_edgeperf.report.next_steps import next_steps
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results.refreshing import OVERTAKEN
from pytest_edgeperf.results.types import Results

from .conftest import SIDES, benchmark, verdict

TYPED = ("benchmarks", "--device=nano", "--edgeperf-baseline-dir", "base lines", "-q", "--edgeperf-rounds=4")
INVOCATION = Invocation(TYPED, targets=("benchmarks",), baseline_dir="base lines", device="nano")
FILE = "benchmarks/test_a.py"
A, B, C, D = (f"{FILE}::{name}" for name in ("test_x[torch-fp32]", "test_x[tvm-fp32]", "test_y[2 3]", "test_z"))
KEPT = "--device=nano --edgeperf-baseline-dir 'base lines' -q"


def report(verdicts, *, invocation=INVOCATION, **fields):
    comparison = Comparison(
        dict(verdicts), **{name: fields.pop(name) for name in ("renames", "lines") if name in fields}
    )
    measured = [name for name, judged in comparison.benchmarks.items() if judged.verdict != "missing"]
    given = {"measured": Results("nano", benchmarks={name: benchmark(10.0) for name in measured}), **fields}
    return SessionReport(device="nano", machine="", comparison=comparison, invocation=invocation, **given)


def shown(session):
    return [f"{step.purpose}: {step.command}" for step in next_steps(session)]


UNCHANGED = verdict("unchanged", 1.0, 0.99, 1.01)
WORSE = verdict("regressed", 1.08, 1.05, 1.11, sides=SIDES)
UNCLEAR = verdict("inconclusive", 1.03, 0.99, 1.07, runs_needed=14)
NEW = BenchmarkVerdict("new")


def test_what_got_slower_is_profiled_where_the_session_was_not_to():
    session = report({A: WORSE, C: UNCHANGED}, explains=False)
    command = f"pytest '{A}' {KEPT} --edgeperf-rounds=4 --edgeperf-explain=regressed"
    assert f"explain: {command}" in shown(session)
    assert not any(step.startswith("explain") for step in shown(replace(session, explains=True)))
    assert not any(step.startswith("explain") for step in shown(report({A: UNCHANGED}, explains=False)))


def test_where_nothing_is_to_do_nothing_is_named():
    assert shown(report({A: UNCHANGED, B: UNCHANGED})) == []
    assert shown(report({A: NEW}, mode="off")) == []
    assert shown(report({A: UNCHANGED}, mode="refresh", refreshed={A: "updated"})) == []
    assert shown(report({A: replace(WORSE, sides=None)}, mode="against")) == []


@pytest.mark.parametrize(
    ("commits", "command"),
    [
        (("1a2b3c4", "5d6e7f8"), "git diff 1a2b3c4 5d6e7f8"),
        (("1a2b3c4", "5d6e7f8-dirty"), "git diff 1a2b3c4"),
        (("1a2b3c4", "1a2b3c4-dirty"), "git diff 1a2b3c4"),
        (("1a2b3c4", "1a2b3c4"), None),
        (("1a2b3c4-dirty", "5d6e7f8"), None),
        ((None, "5d6e7f8"), None),
        (("1a2b3c4", "$(rm -rf)"), None),
        (("--output=x", "5d6e7f8"), None),
    ],
)
def test_after_lock_step_the_change_is_shown_where_it_is_one(commits, command):
    worse = replace(WORSE, sides=tuple(Side(1.0, commit) for commit in commits))
    expected = [f"see what changed: {command}"] if command else []
    assert shown(report({A: worse, B: UNCHANGED, C: worse}, mode="against")) == expected
    assert shown(report({A: worse, B: replace(worse, sides=(Side(1.0, "9" * 7),) * 2)}, mode="against")) == []


def test_without_what_was_typed_no_command_is_named():
    assert shown(report({A: WORSE}, invocation=None)) == []


def test_a_regression_is_measured_against_the_accepted_commit_or_accepted():
    session = report({A: WORSE, B: UNCHANGED, C: UNCHANGED}, against_baseline=True)
    assert shown(session) == [
        f"look closer: pytest '{A}' {KEPT} --against=baseline",
        f"accept: pytest '{A}' {KEPT} --baseline=refresh --edgeperf-reason=WHY",
    ]
    without_git = replace(session, against_baseline=False)
    assert [step.purpose for step in next_steps(without_git)] == ["accept"]


def test_the_machine_is_checked_first_where_it_is_suspected():
    session = report({A: WORSE, B: UNCHANGED}, against_baseline=True)
    moved = replace(session, comparison=replace(session.comparison, common_shift=1.05))
    assert shown(moved)[0] == "check the machine: edgeperf doctor --device nano"
    disturbed = Results("nano", benchmarks={A: benchmark(10.0, disturbed=(1,)), B: benchmark(10.0)})
    assert shown(replace(session, measured=disturbed))[0] == "check the machine: edgeperf doctor --device nano"
    auto = replace(moved, invocation=replace(INVOCATION, device=None))
    assert shown(auto)[0] == "check the machine: edgeperf doctor"
    assert shown(report({}, faults={A: "it was killed by SIGKILL; memory ran out"})) == [
        "check the machine: edgeperf doctor --device nano"
    ]


def test_what_is_undecided_is_measured_in_the_rounds_that_it_needs():
    session = report({A: UNCLEAR, B: UNCHANGED})
    assert shown(session) == [f"look closer: pytest '{A}' {KEPT} --edgeperf-rounds=14"]
    hopeless = report({A: verdict("inconclusive", 1.03, 0.9, 1.2, runs_needed=900), B: UNCHANGED})
    assert shown(hopeless) == [f"look closer: edgeperf noise benchmarks {KEPT}"]


def test_a_lock_step_comparison_takes_at_least_its_pairs():
    session = report({A: UNCLEAR, B: UNCHANGED}, mode="against")
    session = replace(session, invocation=replace(INVOCATION, arguments=("benchmarks", "--against=main")))
    (step,) = next_steps(session)
    assert step.command == f"pytest '{A}' --against=main --edgeperf-rounds={max(14, steps_of.PAIRS)}"


def test_a_rebuilt_engine_is_built_more_often():
    engines = {"settings.engine": ({"engine_sha256": "a"}, {"engine_sha256": "b"})}
    rebuilt = verdict("regressed", 1.08, 1.05, 1.11, paired="lock-step", differences=engines)
    session = report({A: rebuilt}, mode="against", invocation=Invocation(("--against", "v1")))
    assert shown(session) == ["look closer: pytest --against v1 --edgeperf-builds=4"]


def test_the_first_baseline():
    assert shown(report({A: NEW, B: NEW})) == [
        f"first baseline: pytest benchmarks {KEPT} --baseline=refresh '--edgeperf-reason=first baseline'"
    ]


def test_what_is_new_is_accepted_by_itself():
    assert shown(report({A: NEW, B: NEW, C: UNCHANGED})) == [
        f"accept: pytest {FILE}::test_x {KEPT} --baseline=refresh --edgeperf-reason=WHY"
    ]


def test_what_is_worse_is_accepted_before_what_is_only_new():
    (accept,) = next_steps(report({A: WORSE, C: NEW, D: UNCHANGED}))
    assert accept.command.startswith(f"pytest '{A}' ")


def test_many_are_accepted_by_the_whole_session():
    many = {f"{FILE}::test_{k}": WORSE for k in range(5)}
    (accept,) = next_steps(report({**many, D: UNCHANGED}))
    assert accept.command == f"pytest benchmarks {KEPT} --baseline=refresh --edgeperf-reason=WHY"


def test_another_environment_is_compared_anyway_or_accepted():
    moved = BenchmarkVerdict("incomparable", differences={"settings.power_mode": ("MAXN", "5W")})
    session = report({A: moved, B: UNCHANGED})
    session = replace(session, measured=replace(session.measured, allowed_differences=("software.python",)))
    assert shown(session)[0] == (
        f"compare anyway: pytest '{A}' {KEPT} --edgeperf-rounds=4 "
        "--edgeperf-allow-difference=software.python,settings.power_mode"
    )
    assert [step.purpose for step in next_steps(session)] == ["compare anyway", "accept"]
    other = BenchmarkVerdict("incomparable", differences={"parameters.size": (1, 2)})
    assert [step.purpose for step in next_steps(report({A: other, B: UNCHANGED}))] == ["accept"]


def test_a_regressed_line_is_accepted_with_all_its_benchmarks():
    line = LineVerdict("study", "torch", "latency", "slope", "regressed", benchmarks=(A, B))
    (accept,) = next_steps(report({A: UNCHANGED, B: UNCHANGED, C: UNCHANGED}, lines=(line,)))
    assert accept.command.startswith(f"pytest {FILE}::test_x ")


def test_a_rename_comes_before_all_that_would_make_another_of_it():
    old = f"{FILE}::test_old[torch-fp32]"
    session = report({A: NEW, old: BenchmarkVerdict("missing", reason=GONE)}, renames=(Rename(old, A),), prunable=True)
    assert shown(session) == [
        f"rename: edgeperf baseline rename {FILE}::test_old {FILE}::test_x --device nano --dir 'base lines'"
    ]
    refreshed = replace(session, mode="refresh", written=[("results", "r.json")])
    assert shown(refreshed) == ["prune: edgeperf baseline prune nano --missing-from r.json --dir 'base lines'"]


def test_what_is_gone_is_pruned_only_by_results_that_show_it():
    gone = {A: UNCHANGED, B: BenchmarkVerdict("missing", reason=GONE)}
    session = report(gone, prunable=True, written=[("results", "/tmp/r s.json")])
    assert shown(session) == ["prune: edgeperf baseline prune nano --missing-from '/tmp/r s.json' --dir 'base lines'"]
    assert shown(replace(session, prunable=False)) == []


def test_an_interrupted_session_is_resumed_and_nothing_else():
    session = report({A: WORSE}, resumable=True, interrupted=True)
    assert shown(session) == [f"resume: pytest benchmarks {KEPT} --edgeperf-rounds=4 --edgeperf-resume"]
    assert shown(replace(session, resumable=False)) == []


def test_a_resumed_session_is_not_resumed_again():
    typed = replace(INVOCATION, arguments=(*TYPED, "--edgeperf-resume"))
    (step,) = next_steps(report({A: NEW}, invocation=typed))
    assert "resume" not in step.command


def test_a_refresh_that_accepted_nothing_is_made_again_on_a_quiet_machine():
    typed = replace(INVOCATION, arguments=("benchmarks", "--baseline=refresh", "--edgeperf-reason", "JetPack 6"))
    measured = Results("nano", benchmarks={A: benchmark(1.0, disturbed=(0, 1, 2)), B: benchmark(1.0)})
    session = report({A: NEW, B: NEW}, mode="refresh", refused={A: "all 3 runs were disturbed"}, invocation=typed)
    assert shown(replace(session, measured=measured)) == [
        "check the machine: edgeperf doctor --device nano",
        f"measure again: pytest '{A}' --baseline=refresh --edgeperf-reason 'JetPack 6'",
    ]


def test_runs_that_another_process_overtook_can_be_accepted_without_measuring_again():
    session = report({A: UNCHANGED}, mode="refresh", refused={A: OVERTAKEN}, written=[("results", "r.json")])
    assert shown(session) == [
        "look closer: edgeperf baseline show nano --dir 'base lines'",
        "accept: edgeperf baseline accept r.json --reason WHY --dir 'base lines'",
    ]


def test_creep_gets_a_new_anchor():
    assert shown(report({D: UNCHANGED}, crept={D: Creep(1.1, 0.02, "2026-01-01")})) == [
        f"new anchor: edgeperf baseline anchor nano {D} --reason WHY --dir 'base lines'"
    ]


def test_at_most_three_in_the_order_of_their_use():
    renames = tuple(Rename(f"{FILE}::old_{k}", f"{FILE}::new_{k}") for k in range(5))
    session = report({A: WORSE, B: UNCHANGED}, renames=renames, against_baseline=True)
    assert [step.purpose for step in next_steps(session)] == ["look closer", "rename", "rename"]


# How the session was started.


def test_ids_begin_at_the_rootdir_and_options_may_be_prefixed():
    typed = Invocation(("--edgeperf-baseline", "check", "x"), targets=("x",), root="..", prefixed=True)
    assert typed.session([("baseline", "refresh")], ids=[D]) == f"pytest ../{D} --edgeperf-baseline=refresh"


@pytest.mark.parametrize("arguments", [("-k", "x", "x"), ("--rootdir=y",)])
def test_targets_that_cannot_be_found_among_the_words_stay(arguments):
    assert Invocation(arguments, targets=("x",)).session(ids=[D]) is None


@pytest.mark.parametrize("word", ["a\nb", "\x1b[2J", "a" * MOST_LETTERS, "\u202e"])
def test_what_cannot_be_pasted_is_not_named(word):
    assert Invocation((word,)).session() is None
    assert Invocation().command("baseline", "accept", word) is None


#: Options that the next command leaves out or sets.
NOT_KEPT = ("--baseline", "--edgeperf-resume", "--edgeperf-results", "--edgeperf-report")


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp"))), max_size=6))
def test_a_shell_reads_the_words_that_were_typed(words):
    words = [word for word in words if word.partition("=")[0] not in NOT_KEPT]
    command = Invocation(tuple(words)).session([("baseline", "off")])
    if command is None:
        assert not all(word.isprintable() for word in words) or sum(map(len, words)) > MOST_LETTERS / 6
    else:
        assert shlex.split(command) == ["pytest", *words, "--baseline=off"]


def test_the_next_session_does_not_replace_the_files_of_this_one_but_where_it_goes_on():
    typed = Invocation(("benchmarks", "--edgeperf-results", "now.json", "--edgeperf-report=now.md"), ("benchmarks",))
    assert shown(report({A: WORSE}, invocation=typed)) == [
        "accept: pytest benchmarks --baseline=refresh --edgeperf-reason=WHY"
    ]
    stopped = report({A: WORSE}, invocation=typed, interrupted=True, resumable=True)
    assert shown(stopped) == [
        "resume: pytest benchmarks --edgeperf-results now.json --edgeperf-report=now.md --edgeperf-resume"
    ]


# Two files.


def compared(comparison, base="base lines/nano.json", runs=6, **fields):
    results = Results("nano", benchmarks={A: benchmark(10.0, runs=runs)})
    before = Results("nano", benchmarks={A: benchmark(10.0), B: benchmark(1.0)})
    return replace(comparison, files=ComparedFiles(base, "new.json", before, results), **fields)


@pytest.fixture(autouse=True)
def _at_hand(monkeypatch):
    monkeypatch.setattr(steps_of, "program", lambda name: (name,))


def test_files_are_accepted_into_the_baseline_that_they_were_compared_with():
    assert shown(compared(Comparison({A: WORSE}))) == [
        "accept: edgeperf baseline accept new.json --reason WHY --dir 'base lines'"
    ]
    assert shown(compared(Comparison({A: WORSE}), base="nano.json"))[0].endswith("--dir .")
    assert shown(compared(Comparison({A: UNCHANGED}))) == []


def test_files_that_are_no_baseline_or_would_be_a_poor_one_are_not():
    assert shown(compared(Comparison({A: WORSE}), base="old.json")) == []
    assert shown(compared(Comparison({A: WORSE}), runs=3)) == []
    assert shown(Comparison({A: WORSE})) == []


def test_what_the_candidate_lacks_is_listed_before_it_is_dropped():
    comparison = compared(Comparison({A: UNCHANGED, B: BenchmarkVerdict("missing")}))
    assert shown(comparison) == [
        "prune: edgeperf baseline prune nano --missing-from new.json --dry-run --dir 'base lines'"
    ]
    renamed = replace(comparison, renames=(Rename(B, A),))
    assert [step.purpose for step in next_steps(renamed)] == ["rename"]


def test_of_anything_else_there_are_no_next_steps():
    with pytest.raises(TypeError, match="no next steps after int"):
        next_steps(1)


def test_what_a_file_lacks_is_not_dropped_where_something_is_worse():
    missing = {B: BenchmarkVerdict("missing")}
    (step,) = next_steps(compared(Comparison({A: UNCHANGED, **missing})))
    assert step.command.endswith("--missing-from new.json --dry-run --dir 'base lines'")
    assert [step.purpose for step in next_steps(compared(Comparison({A: WORSE, **missing})))] == ["accept"]
    assert next_steps(compared(Comparison({A: UNCLEAR, **missing}))) == []
