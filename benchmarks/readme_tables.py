"""Writes ``README.md`` of this folder: the experiments, and what they gave in one run.

``python benchmarks/readme_tables.py RESULTS.json [RESULTS.json …]`` takes a run's figures from results files (a
benchmark of a later file replaces one of an earlier), keeps them in ``readme_results.json``, and writes the text;
without an argument it writes the text from the kept figures.
"""

from __future__ import annotations

import ast
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence

import readme_networks
from checklists import CHECKLISTS, render
from checklists.reading import VARIATION, rows_of, significant
from papers import measured
from readme_experiments import EXPERIMENTS, Experiment
from suites import PAPERS
from tasks.proportions import kept

from pytest_edgeperf import read_results

if TYPE_CHECKING:
    from pytest_edgeperf import Results

HERE = Path(__file__).parent
README = HERE / "README.md"
KEPT = HERE / "readme_results.json"
ENVIRONMENT = "readme"
#: After the first cell of a row that every run's disturbance made too slow.
MARK = " †"
#: The software that is named.
RUNTIMES_SECTION = "software"
WIDTH = 110
#: Metrics that no table shows.
READ_BY_CHECKLISTS = ("flops",)
#: Proportions of the photographs that are scaled -> (height, width) in pixels.
PHOTOGRAPHS = {"4:3": (480, 640), "16:9": (360, 640)}


def kept_of(several: Sequence[Results]) -> Dict[str, Any]:
    """What of results files the text is made from: a results file itself, whose runs have numbers only."""
    benchmarks: Dict[str, Any] = {}
    studies: Dict[str, Any] = {}
    software: Dict[str, Any] = {}
    for results in several:
        studies.update((name, replace(study, published_ratios=()).to_dict()) for name, study in results.studies.items())
        for sections in results.environments.values():
            software.update(sections.get(RUNTIMES_SECTION, {}))
        for name, row in zip(results.benchmarks, rows_of(results)):
            benchmark = results.benchmarks[name]
            shown = [metric for metric in row.quantities if _is_shown(metric) and _is_measured(metric, benchmark)]
            # the calm runs, or all where none is
            keys = list(dict.fromkeys(key for metric in shown for key in row.quantities[metric].runs))
            runs = [
                {
                    "environment": ENVIRONMENT,
                    "started": benchmark.runs[-1].started,
                    "session": ENVIRONMENT,
                    **{
                        metric: float(f"{row.quantities[metric].runs[key]:.4g}")
                        for metric in shown
                        if key in row.quantities[metric].runs
                    },
                    **({"quality": {"disturbed": True}} if row.disturbed else {}),
                }
                for key in keys
            ]
            benchmarks[name] = {
                "parameters": dict(benchmark.parameters),
                "metrics": {
                    metric: _described(benchmark.metrics[metric]) if metric in benchmark.metrics else {"unit": ""}
                    for metric in shown
                },
                "runs": runs,
                **({"study": benchmark.place.to_dict()} if benchmark.place is not None else {}),
            }
    return {
        "format": "edgeperf-results",
        "version": 1,
        "device": several[-1].device,
        "environments": {ENVIRONMENT: {RUNTIMES_SECTION: software}},
        "studies": studies,
        "benchmarks": benchmarks,
    }


def _is_shown(metric: str) -> bool:
    return metric in READ_BY_CHECKLISTS or any(metric in experiment.metrics for experiment in EXPERIMENTS)


def _described(metric: Any) -> Dict[str, str]:
    """Its unit, and which way is better where that is not down."""
    return {"unit": metric.unit, **({"better": metric.better} if metric.better != "lower" else {})}


def _is_measured(metric: str, benchmark: Any) -> bool:
    """Whether runs have it, or it is the variation of what they have."""
    return metric in benchmark.metrics or metric.endswith(VARIATION)


def to_json(figures: Mapping[str, Any]) -> str:
    """A benchmark per line, so that a diff is readable."""
    head = {key: value for key, value in figures.items() if key != "benchmarks"}
    lines = [f"  {json.dumps(key)}: {json.dumps(head[key], sort_keys=True)}," for key in sorted(head)]
    benchmarks = [
        f"    {json.dumps(name)}: {json.dumps(benchmark, sort_keys=True)}"
        for name, benchmark in sorted(figures["benchmarks"].items())
    ]
    return "\n".join(["{", *lines, '  "benchmarks": {', ",\n".join(benchmarks), "  }", "}", ""])


def text_of(results: Results) -> str:
    """The whole text."""
    parts = [
        INTRODUCTION,
        _overview(),
        readme_networks.section(readme_networks.kept()),
        readme_networks.formats(),
        _versions(results),
    ]
    parts += [table for experiment in EXPERIMENTS for table in [_section(experiment, results)] if table]
    for paper in PAPERS:
        listed = render(CHECKLISTS[paper](results), WIDTH)
        parts.append(f"## Checklist of {paper}\n\n```text\n{listed}\n```")
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """\
# The experiments

<!-- Written by readme_tables.py; change that, or give it the results of another run. -->

Every file here is an experiment of a study of edge inference, and an example to copy from. Each opens with what it
reproduces, the study's figures, and what differs. Weights are seeded, or, of two networks, trained; pre- and
post-processing are real. Beside the experiments, `models/` holds the networks, `tasks/` their pre- and post-processing,
`labelled/` the examples that accuracy is measured on, `metrics/` how it is measured, `papers/` what the papers call
otherwise, and `checklists/` the findings.

| suite | benchmarks |
|---|---|
| `pytest benchmarks` | what two cores measure in about four minutes: eight per framework |
| `--suite=suo-2021` (or another paper) | a paper's experiments, each small, and its findings as a checklist |
| `--suite=full` | everything, the papers' own networks and resolutions too; `-m suo_2021` takes those of one paper |

A checklist decides each finding by intervals over the runs: it holds here, does not hold here, these runs do not tell,
or it cannot be tested here and why. Papers are `suo-2021`, `mishra-2021`, `swaminathan-2024`, `trinh-2023` and
`hadidi-2019`. `edgeperf report nano.json host.json --checklist suo-2021` reads the results of several devices
together, and several boards of one type, each under its file's name.

A network of your own is measured as the papers' are, in every suite, with `--networks FILE`, a file in TOML whose
`like` names the network here that has its pre- and post-processing:

```toml
[networks.my-detector]
onnx = "my_detector.onnx"  # beside this file
like = "yolox-s"
resolution = 512  # that of the other, if it is left out
gflops = 21.3  # its place in the studies, if it is known
```

One that PyTorch defines is a module in `models/` and an entry in `models/catalogue/`.

A network is exported when it is first measured. That needs PyTorch, and torchvision or pytorchcv where the table of
networks names them: `pip install -r requirements/bench.in`. A device without them takes the exports of a machine that
has them and the same checkout: copy the folder `models` of its cache (`EDGEPERF_CACHE_DIR`).

Trained weights of the networks here come from `--weights DIR`: a state dict per network, `<network>.pth`, `.pt` or
`.safetensors`. Wrong keys or shapes are refused before anything is measured; networks without a file keep seeded
weights. The benchmarks' names have a digest of the files, so that no baseline of other weights stands beside them."""


def _overview() -> str:
    lines = ["| file | what it measures | reproduces | suites |", "|---|---|---|---|"]
    for experiment in EXPERIMENTS:
        suites = ", ".join(_suites(experiment.file))
        lines.append(f"| `{experiment.file}` | {experiment.reproduces} | {experiment.source} | {suites} |")
    return "\n".join(lines)


def _suites(file: str) -> List[str]:
    """The suites that have something of a file, from its markers."""
    nodes = list(ast.walk(ast.parse((HERE / file).read_text("utf-8"))))
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    keywords = {node.arg for node in nodes if isinstance(node, ast.keyword)}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    everywhere = "default" in keywords and "full_suite" not in names
    # which networks a paper measured decides there
    by_network = any(isinstance(node, ast.Name) and node.id == "configurations" for node in nodes)
    of_networks = measured.NETWORKS if by_network else ()
    papers = [paper for paper, marker in PAPERS.items() if marker in names or paper in (*texts, *of_networks)]
    return [*(["default"] if everywhere else []), *papers, "full"]


def _versions(results: Results) -> str:
    sections = results.environments.get(ENVIRONMENT, {})
    versions = ", ".join(f"{name} {version}" for name, version in sorted(sections.get(RUNTIMES_SECTION, {}).items()))
    return (
        f"The tables are of one day's runs on a shared two-core virtual machine without a GPU ({versions}): they show "
        "what the experiments give, and their figures are this machine's of that day. A benchmark that was skipped, as "
        "its format, GPU or sensor is not there, is not in them. Where other processes had the processors in every "
        f"run, a row is marked with{MARK}: its times are too long, by several times perhaps."
    )


def _section(experiment: Experiment, results: Results) -> str:
    tables = []
    tests: Dict[str, List[str]] = {}
    for name in sorted(results.benchmarks):
        path, _, rest = name.partition("::")
        if Path(path).name == experiment.file:
            tests.setdefault(rest.partition("[")[0], []).append(name)
    for test, names in tests.items():
        tables.append(f"`{test}`\n\n" + _table(experiment, names, results))
    return "\n\n".join([f"## {experiment.file}", *tables]) if tables else ""


def _table(experiment: Experiment, names: Sequence[str], results: Results) -> str:
    measured = [results.benchmarks[name] for name in names]
    parameters = [
        key for key in measured[0].parameters if len({str(benchmark.parameters[key]) for benchmark in measured}) > 1
    ]
    parameters = parameters or ["framework"]
    metrics = [metric for metric in experiment.metrics if any(metric in benchmark.metrics for benchmark in measured)]
    units = {metric: benchmark.metrics[metric].unit for benchmark in measured for metric in benchmark.metrics}
    complexities = any(_has_complexity(benchmark, results) for benchmark in measured)
    heads = [*parameters, *(["GFLOPs"] if complexities else []), *(["kept"] if "photo" in parameters else [])]
    heads += [f"{metric} ({units[metric]})" if units[metric] else metric for metric in metrics]
    heads += ["frames/s"] if experiment.frames else []
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(parameters) + "--:|" * (len(heads) - len(parameters))]
    for benchmark in measured:
        values = {metric: median(_numbers(benchmark, metric)) for metric in metrics if _numbers(benchmark, metric)}
        cells = [str(benchmark.parameters[key]) for key in parameters]
        cells[0] += MARK if _is_disturbed(benchmark) else ""
        if complexities:
            cells.append(significant(benchmark.place.x) if _has_complexity(benchmark, results) else "")
        cells += [f"{_kept(benchmark.parameters):.0%}"] if "photo" in parameters else []
        cells += [significant(values[metric]) if metric in values else "" for metric in metrics]
        cells += [significant(experiment.frames * 1e3 / values["latency"])] if experiment.frames else []
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _is_disturbed(benchmark: Any) -> bool:
    """Whether other processes had the processors in every run."""
    return all(run.disturbed for run in benchmark.runs)


def _has_complexity(benchmark: Any, results: Results) -> bool:
    place = benchmark.place
    return place is not None and results.studies[place.study].x_unit == "GFLOPs"


def _kept(parameters: Mapping[str, Any]) -> float:
    return kept(PHOTOGRAPHS[parameters["photo"]], int(parameters["longer"]), parameters["scaling"])


def _numbers(benchmark: Any, metric: str) -> List[float]:
    return [float(run.values[metric]) for run in benchmark.runs if metric in run.values]


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def main(arguments: Sequence[str]) -> None:
    """Keep the figures of these results files, if there are any, and write the text."""
    if arguments:
        _replace(KEPT, to_json(kept_of([read_results(path) for path in arguments])))
    _replace(README, text_of(read_results(KEPT)))


if __name__ == "__main__":
    main(sys.argv[1:])
