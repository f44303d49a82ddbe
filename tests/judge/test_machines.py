"""Whether the baseline is of another machine: it is said, and nothing is compared less for it."""

from __future__ import annotations

import pytest

from pytest_edgeperf.judge import compare
from pytest_edgeperf.judge.comparability import is_hard
from pytest_edgeperf.judge.machines import OtherMachine, relation

from .builders import latency_runs, results, run, summary

RUNS = [10.0, 10.1, 9.9] * 3
HOST = {"id": "0000000000aa", "hypervisor": "none", "product": "ACME Box"}
OTHER = {**HOST, "id": "0000000000bb"}
GUEST = {"hypervisor": "kvm", "product": "Amazon EC2 c5.large"}
RUNNER = {"runner": "GitHub", "hypervisor": "hyper-v"}


@pytest.mark.parametrize(
    ("old", "new", "same_boot", "same", "says"),
    [
        (HOST, HOST, False, True, ""),
        (HOST, OTHER, False, False, "a different machine, or before this one was reinstalled (id 0000000000aa -> "),
        # One machine, seen from the host and from a container with an id of its own.
        (HOST, OTHER, True, True, ""),
        ({}, {}, None, None, ""),
        ({}, HOST, False, None, ""),
        (HOST, {}, None, None, ""),
        ({}, {}, True, True, ""),
        # The same image, started on two machines.
        (HOST, {**HOST, "product": "ACME Tower"}, False, False, "(product ACME Box -> ACME Tower)"),
        (HOST, {**HOST, "hypervisor": "kvm"}, False, False, "(hypervisor none -> kvm)"),
        (
            {**GUEST, "instance": "aws 1"},
            {**GUEST, "instance": "aws 2"},
            None,
            False,
            "a different cloud instance (inst",
        ),
        ({**GUEST, "instance": "aws 1"}, {**GUEST, "instance": "aws 1", "id": "c"}, False, True, ""),
        # Guests that were cloned from one snapshot also share its boot.
        ({**GUEST, "instance": "aws 1"}, {**GUEST, "instance": "aws 2"}, True, False, "a different cloud instance"),
        ({**GUEST, "instance": "xen 1"}, {**GUEST, "instance": "aws 2"}, False, None, ""),
        (
            {**HOST, "serial": "board 1"},
            {**HOST, "serial": "board 2"},
            False,
            False,
            "a different board (serial board 1 -",
        ),
        ({**HOST, "serial": "board 1"}, {**OTHER, "serial": "board 1"}, False, True, ""),
        ({**HOST, "serial": "board 1"}, {**HOST, "serial": "soc 2"}, False, True, ""),
        (RUNNER, RUNNER, False, False, "each job on a CI runner hosted by GitHub runs on a different machine"),
        (RUNNER, RUNNER, None, False, "each job on a CI runner"),
        (RUNNER, RUNNER, True, True, ""),
        ({}, RUNNER, False, False, "each job on a CI runner hosted by GitHub"),
        (RUNNER, {}, False, False, "the baseline was measured on a CI runner hosted by GitHub"),
        ({**RUNNER, "id": "aa"}, {**RUNNER, "id": "aa"}, False, False, "each job on a CI runner"),
    ],
)
def test_relation(old, new, same_boot, same, says):
    is_same, why = relation(old, new, same_boot=same_boot)
    assert is_same is same
    assert says in why
    assert bool(why) == (is_same is False)


def sides(base_runs, candidate_runs, base_machines, candidate_machines):
    """Two results; machines are environment name -> ``machine`` section."""
    made = []
    for runs, machines in ((base_runs, base_machines), (candidate_runs, candidate_machines)):
        environments = {
            name: {"fingerprint": {"device": "host"}, "machine": machine} for name, machine in machines.items()
        }
        made.append(results(runs, environments=environments, device="host"))
    return made


def runs_of(environment="env", boot=None, session="one"):
    return [run({"latency": summary(one)}, session, environment=environment, boot=boot) for one in RUNS]


@pytest.mark.parametrize("field", ["id", "serial", "instance", "hypervisor", "product", "runner"])
def test_the_section_never_forbids_a_comparison(field):
    assert not is_hard(f"machine.{field}")
    base, candidate = sides({"a": runs_of()}, {"a": runs_of()}, {"env": {field: "x 1"}}, {"env": {field: "x 2"}})
    verdict = compare(base, candidate).benchmarks["a"]
    assert verdict.verdict == "unchanged"
    assert verdict.differences == {f"machine.{field}": ("x 1", "x 2")}
    without = [side.environments["env"] for side in (base, candidate)]
    for environment in without:
        environment.pop("machine")
    assert compare(base, candidate).benchmarks["a"].metrics == verdict.metrics


def test_another_machine_is_named_with_how_many_benchmarks_are_of_it():
    base, candidate = sides(
        {"a": runs_of("old"), "b": runs_of("here"), "c": runs_of("old"), "d": runs_of("unknown")},
        {name: runs_of("now") for name in "abcde"},
        {"old": OTHER, "here": HOST, "unknown": {}},
        {"now": HOST},
    )
    comparison = compare(base, candidate)
    why = "the baseline was measured on a different machine, or before this one was reinstalled (id {} -> {})"
    assert comparison.other_machine == OtherMachine(why.format("0000000000bb", "0000000000aa"), 2, 4)
    assert comparison.to_dict()["other_machine"]["benchmarks"] == 2


def test_a_baseline_with_a_session_of_this_machine_is_of_this_machine():
    base, candidate = sides(
        {"a": [*runs_of("old"), *runs_of("here", session="two")]},
        {"a": runs_of("now")},
        {"old": OTHER, "here": HOST},
        {"now": HOST},
    )
    assert compare(base, candidate).other_machine is None


@pytest.mark.parametrize(("boot", "is_other"), [("b1", False), ("b2", True), (None, True)])
def test_a_hosted_runner_is_one_machine_for_as_long_as_it_runs(boot, is_other):
    base, candidate = sides({"a": runs_of(boot="b1")}, {"a": runs_of(boot=boot)}, {"env": RUNNER}, {"env": RUNNER})
    assert (compare(base, candidate).other_machine is not None) == is_other


def test_files_from_elsewhere_know_no_machine():
    runs = {"a": latency_runs(RUNS)}
    comparison = compare(results(runs), results(runs))
    assert comparison.other_machine is None
    assert "other_machine" not in comparison.to_dict()


def test_the_reason_of_most_benchmarks_is_given():
    boards = {name: {"serial": f"board {name}"} for name in ("x", "y", "here")}
    base, candidate = sides(
        {"a": runs_of("x"), "b": runs_of("y"), "c": runs_of("y")},
        {name: runs_of("here") for name in "abc"},
        boards,
        boards,
    )
    other = compare(base, candidate).other_machine
    assert other is not None
    assert other.why == "the baseline was measured on a different board (serial board y -> board here)"
    assert (other.benchmarks, other.judged) == (3, 3)
