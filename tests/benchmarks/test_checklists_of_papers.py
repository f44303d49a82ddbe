"""Each checklist on its paper's own figures, and on runs that scatter around them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from checklists import CHECKLISTS, CONTRADICTED, FAILS, HOLDS, UNDECIDED, UNTESTED
from checklists.intervals import PRINTED
from checklists.reading import FPS, rows_of

from pytest_edgeperf import read_results
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

PUBLISHED = [
    read_results(path) for path in sorted((Path(__file__).parents[2] / "baselines" / "published").glob("*.json"))
]
#: What a paper's own figures say of its findings: (hold, contradicted, not decided). What it prints no figures of is in
#: none of them and cannot be tested.
OWN = {
    "suo-2021": (
        ["Observation 4", "Observation 6", "Observation 7"],
        # as printed: its longest time is not at 87.68 BFLOPs; 1027 MB beside "stable at 1378"; +19.6 %; 4.93 < 5.32
        ["Observation 1", "Observation 2", "Observation 3", "Insight 1", "Insight 2"],
        [],
    ),
    "mishra-2021": (
        [*(f"2.2.2 level {level}" for level in (1, 2, 3, 4)), "2.3 tasks", "2.3 devices", "2.3 price"],
        # 68 % is 1.53 to 2.57
        ["2.2.2 in all"],
        [],
    ),
    "swaminathan-2024": (["S1", "S2", "S4", "S7", "S8", "S9"], ["S3", "S5", "S6", "S12"], []),
}


def own_findings(paper, results=PUBLISHED):
    return {one.name: one for one in CHECKLISTS[paper](*results).findings}


def paper_of(name):
    return import_module(f"papers.{name.replace('-', '_')}").PAPER


def test_every_checklist_is_tried():
    assert set(OWN) == set(CHECKLISTS)


@pytest.mark.parametrize("paper", OWN)
def test_the_papers_own_figures(paper):
    found = own_findings(paper)
    expected = dict.fromkeys(found, UNTESTED)
    for names, verdict in zip(OWN[paper], (HOLDS, CONTRADICTED, UNDECIDED)):
        expected.update(dict.fromkeys(names, verdict))
    assert {name: one.verdict for name, one in found.items()} == expected
    decided = [part for one in found.values() for part in one.parts if part.verdict != UNTESTED]
    assert decided
    assert all(part.figures.endswith(f"({PRINTED})") for part in decided)
    assert all(part.figures for one in found.values() for part in one.parts)


def measured(paper, factors):
    """Results of each device as if these benchmarks had given the paper's figures, a run for each row of factors."""
    of_device = {}
    for row in rows_of(*PUBLISHED, paper=paper_of(paper)):
        test = row.test if row.test != "test_" else "test_all"
        parameters = dict(row.parameters)
        name = f"benchmarks/{row.file}::{test}[{'-'.join(map(str, parameters.values()))}]"
        metrics = {metric: Metric("ms") for metric in row.values if metric != FPS}
        runs = tuple(
            Run("e", "2026-01-01T00:00:00Z", "s", {metric: factor * row.values[metric] for metric in metrics})
            for factor in factors(len(of_device.get(row.device, ())))
        )
        of_device.setdefault(row.device, {})[name] = Benchmark(parameters, metrics, runs)
    return [Results(device, {"e": {}}, benchmarks) for device, benchmarks in of_device.items()]


@pytest.mark.parametrize("paper", OWN)
def test_one_run_of_everything_decides_nothing(paper):
    found = own_findings(paper, measured(paper, lambda _: [1.0]))
    assert {one.verdict for one in found.values()} <= {UNDECIDED, UNTESTED} | NEED_NO_RUNS.get(paper, set())


#: Verdicts of findings that ask which benchmarks ran at all.
NEED_NO_RUNS = {}


def test_runs_around_swaminathans_times_decide_as_its_figures_do():
    generator = np.random.default_rng(6)
    found = own_findings("swaminathan-2024", measured("swaminathan-2024", lambda _: 1 + generator.normal(0, 0.01, 5)))
    holding, contradicted, _ = OWN["swaminathan-2024"]
    assert {name for name, one in found.items() if one.verdict == FAILS} == set(contradicted)
    # the mean's second part is of the abstract
    assert {name for name, one in found.items() if one.verdict == HOLDS} == set(holding) - {"S2"}
    assert found["S2"].parts[0].verdict == HOLDS
    assert "[" in found["S1"].parts[0].figures


def test_runs_that_scatter_too_much_do_not_tell():
    generator = np.random.default_rng(7)
    results = measured("swaminathan-2024", lambda _: np.exp(generator.normal(0, 2, 2)))
    found = own_findings("swaminathan-2024", results)
    assert found["S1"].verdict == found["S5"].verdict == found["S12"].verdict == UNDECIDED


def test_swaminathans_costs_are_those_that_are_published():
    table = import_module("papers.swaminathan_2024")
    printed = {row.network: row.values for row in rows_of(*PUBLISHED, paper=table.PAPER) if "flops" in row.values}
    ours = {**table.CLASSIFIERS, **table.ACTION_NETWORKS}
    assert {name: (values["flops"], values["parameter_count"]) for name, values in printed.items()} == ours
