"""Sessions as reports are made from: figures like those of a board, judged by the judge, without measuring.

``default_suite()``, ``two_regressions()``, ``in_lock_step()``, ``hostile()`` and ``many(500)`` give a ``SessionReport``
each, the same at every call. ``python -m tests.fakes.reports FOLDER`` writes their pages.
"""

from __future__ import annotations

import math
import random
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge import compare
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, MetricVerdict, Side
from pytest_edgeperf.report.invocation import Invocation
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results.example_answers import of_examples
from pytest_edgeperf.results.explanations import CostTable, ExplainedPart, Explanation
from pytest_edgeperf.results.study_definitions import Place, ReferenceLine, Study
from pytest_edgeperf.results.types import Against, Benchmark, Metric, Results, Run

MACHINE = "AMD EPYC, 2 of 4 cores, 23.5 GiB"
BASE_COMMIT, COMMIT = "1a2b3c4d5e6f", "9f8e7d6c5b4a"
FOLDER = "benchmarks/test_framework_comparison.py::"
METRICS = {
    "latency": Metric("ms"),
    "preprocess": Metric("ms"),
    "infer": Metric("ms"),
    "postprocess": Metric("ms"),
    "first_inference": Metric("ms"),
    "warm_up": Metric("ms"),
    "memory_process_peak": Metric("MiB"),
    "memory_system_peak": Metric("MiB"),
    "memory_process_start": Metric("MiB"),
    "memory_process_loaded": Metric("MiB"),
    "memory_growth": Metric("MiB"),
    "engine_size": Metric("MiB"),
    "parameter_count": Metric(""),
    "flops": Metric("FLOPs"),
    "output_error": Metric(""),
    "throughput": Metric("1/s", "higher"),
}
ACCURACY = Metric("%", "higher", margin=0.5)
#: What must be text on the page, and nothing else.
HOSTILE_NAMES = (
    "<script>document.title='run'</script>",
    "</script><script>document.title='run'</script>",
    "</title><img src=x onerror=\"document.title='run'\">",
    "<!-- <script> -->",
    "line\u2028separator\u2029paragraph",
    "\"double\" 'single' `back` | pipe \\ slash",
    "\u202egnirts desrever\u202c \u2066isolated\u2069",
    "שלום עולם",
    "\x1b[31mred\x1b[0m\x07",
    "two\nlines\tand a tab",
    "__proto__",
    "{{constructor}} ${1+1} %s {a|b}",
    "lone\udc80surrogate",
    "x" * 20_000,
)


def suite_of(
    milliseconds: Mapping[str, float],
    *,
    runs: int,
    seed: int,
    commit: str,
    day: str,
    slower: Optional[Mapping[str, float]] = None,
    heavier: Optional[Mapping[str, float]] = None,
    disturbed: Sequence[Tuple[str, int]] = (),
    kernel: str = "6.18",
    spread: float = 0.004,
) -> Results:
    """Runs of so many milliseconds each: ``slower`` multiplies latencies, ``heavier`` peak memory."""
    chance = random.Random(seed)
    environment = {
        "fingerprint": {"device": "host", "cpu_model": "AMD EPYC", "kernel": kernel},
        "software": {"python": "3.11.7", "onnxruntime": "1.22.0"},
        "settings": {"cpus": "1", "threads": 1, "budget_s": 1.2},
        "machine": {"hypervisor": "kvm"},
    }
    at = datetime.strptime(day, "%Y-%m-%dT%H:%M:%SZ")
    session = at.strftime("%Y%m%dT%H%M%SZ-") + f"{seed:04x}"
    made: Dict[str, List[Run]] = {name: [] for name in milliseconds}
    for round_ in range(runs):
        for name, value in milliseconds.items():
            at += timedelta(seconds=2)
            is_disturbed = (name, round_) in disturbed
            factor = (
                (slower or {}).get(name, 1.0) * math.exp(chance.gauss(0.0, spread)) * (1.3 if is_disturbed else 1.0)
            )
            values = _values(value * factor, (heavier or {}).get(name, 1.0), chance)
            quality: Dict[str, Any] = {"disturbed": is_disturbed, "canary_ms": [0.09, 0.091], "cpu_share": 0.998}
            if is_disturbed:
                quality["disturbed_by"] = ["others_share 0.31"]
            made[name].append(
                Run(
                    "8c1f0e2a" if kernel == "6.18" else "5b5b5b5b",
                    at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    session,
                    values,
                    boot="40d3d88e",
                    commit=commit,
                    quality=quality,
                )
            )
    benchmarks = {name: Benchmark({}, METRICS, tuple(of_it)) for name, of_it in made.items()}
    key = next(iter(made.values()))[0].environment if made else "8c1f0e2a"
    return Results("host", {key: environment}, benchmarks)


def _values(latency: float, heavier: float, chance: random.Random) -> Dict[str, Any]:
    samples = max(4, min(2000, int(1200 / latency)))
    memory = round(heavier * (180.0 + 2 * math.log(latency)) + chance.gauss(0, 0.3), 4)
    return {
        "latency": _summary(latency, samples),
        "preprocess": _summary(0.12 * latency, samples),
        "infer": _summary(0.81 * latency, samples),
        "postprocess": _summary(0.06 * latency, samples),
        "first_inference": round(4.2 * latency * math.exp(chance.gauss(0, 0.05)), 4),
        "warm_up": round(300 + 9 * latency + chance.gauss(0, 9), 3),
        "memory_process_peak": memory,
        "memory_system_peak": round(memory * 1.2 + chance.gauss(0, 2), 3),
        "memory_process_start": 50.19,
        "memory_process_loaded": round(memory * 0.9, 2),
        "memory_growth": 0.004,
        "engine_size": 44.58,
        "parameter_count": 11689512,
        "flops": 3628146688,
        "output_error": 1.15e-06,
        "throughput": round(990 / latency, 4),
    }


def _summary(middle: float, samples: int) -> Dict[str, Any]:
    quantiles = {"min": 0.965, "p05": 0.975, "p25": 0.988, "p50": 1.0, "p75": 1.018, "p90": 1.05, "p95": 1.09}
    known = {name: middle * part for name, part in quantiles.items()}
    if samples < 20:
        known.pop("p05")
        known.pop("p95")
    if samples >= 100:
        known["p99"] = middle * 1.31
    block_sd = {"min": 0.003, "p05": 0.003, "p50": 0.004, "p95": 0.02, "p99": 0.05}
    return {
        "n": samples,
        "mean": middle * 1.01,
        "sd": middle * 0.05,
        "max": middle * 1.9,
        **known,
        "block_sd": {name: sd for name, sd in block_sd.items() if name in known},
    }


def _networks() -> Dict[str, float]:
    sizes = {"mobilenet_v2": 8.4, "resnet18": 31.1, "resnet50": 88.0, "yolov3_tiny": 46.5}
    frameworks = {"onnxruntime": 1.0, "torch": 1.34}
    precisions = {"fp32": 1.0, "int8": 0.52}
    return {
        f"{FOLDER}test_{network}[{framework}-{precision}]": size * by * how
        for network, size in sizes.items()
        for framework, by in frameworks.items()
        for precision, how in precisions.items()
    }


def default_suite() -> SessionReport:
    """Sixteen benchmarks over two frameworks in which nothing changed, with the study of a resolution."""
    latencies = {**_networks(), **{_of_resolution(pixels): 0.0008 * pixels**2 + 3.0 for pixels in RESOLUTIONS}}
    base = _with_study(suite_of(latencies, runs=10, seed=1, commit=BASE_COMMIT, day="2026-11-28T09:00:00Z"))
    now = _with_study(suite_of(latencies, runs=3, seed=2, commit=COMMIT, day="2026-11-30T16:05:00Z"))
    return _session(base, now, rounds=3)


RESOLUTIONS = (128, 224, 320, 416, 512, 608)


def _of_resolution(pixels: int) -> str:
    return f"benchmarks/test_resolution.py::test_yolov3_tiny[{pixels}]"


def _with_study(results: Results) -> Results:
    study = Study(
        "suo-2021 experiment 1",
        "pixels",
        "kpx",
        metrics=("latency",),
        references=(ReferenceLine("onnxruntime", "latency", 0.78, 3.4, "ms", "Suo et al. 2021, Fig. 3"),),
    )
    benchmarks = dict(results.benchmarks)
    for pixels in RESOLUTIONS:
        name = _of_resolution(pixels)
        place = Place(study.name, "onnxruntime", round(pixels**2 / 1000, 2))
        benchmarks[name] = replace(benchmarks[name], parameters={"resolution": pixels}, place=place)
    return replace(results, benchmarks=benchmarks, studies={study.name: study})


def two_regressions() -> SessionReport:
    """Two that got slower, one heavier, an accuracy lost, runs disturbed, one killed for memory, one new, one gone."""
    latencies = _networks()
    slow = {FOLDER + "test_resnet18[onnxruntime-fp32]": 1.081, FOLDER + "test_resnet50[onnxruntime-int8]": 1.24}
    better = {FOLDER + "test_mobilenet_v2[torch-int8]": 0.86}
    killed = FOLDER + "test_yolov3_tiny[torch-fp32]"
    unclear = FOLDER + "test_yolov3_tiny[onnxruntime-int8]"
    base = suite_of(latencies, runs=10, seed=3, commit=BASE_COMMIT, day="2026-11-28T09:00:00Z")
    wanted = {name: value for name, value in latencies.items() if name != killed}
    wanted[FOLDER + "test_vit_tiny[onnxruntime-fp32]"] = 61.0
    now = suite_of(
        wanted,
        runs=9,
        seed=4,
        commit=COMMIT,
        day="2026-11-30T16:05:00Z",
        slower={**slow, **better, unclear: 1.035},
        heavier={FOLDER + "test_mobilenet_v2[onnxruntime-fp32]": 1.12},
        disturbed=[(name, 1) for name in list(wanted)[:5]] + [(unclear, run) for run in range(7)],
        kernel="6.19",
    )
    base, now = _with_accuracy(base, 0), _with_accuracy(now, 31)
    gone = FOLDER + "test_resnet18[torch-int8]"
    now = replace(now, benchmarks={name: known for name, known in now.benchmarks.items() if name != gone})
    reason = (
        "The worker was ended by SIGKILL in round 1; the kernel's log says that memory ran out: it held 3.1 GiB of 3.9 "
        "GiB.\nA smaller batch, a lower precision or --edgeperf-threads=1 takes less."
    )
    report = _session(base, now, rounds=9, faults={killed: reason})
    assert report.comparison is not None
    verdicts = {name: verdict for name, verdict in report.comparison.benchmarks.items() if name != killed}
    return replace(
        report,
        comparison=replace(report.comparison, benchmarks=verdicts),
        notes=["Workers could not be pinned: the allowed set has one core.", "Power was not measured: no sensor."],
    )


def _with_accuracy(results: Results, lost: int) -> Results:
    name = FOLDER + "test_resnet50[torch-int8]"
    answers = [at % 9 != 0 for at in range(1000)]
    for at in range(1, lost * 7, 7):
        answers[at] = False
    if lost:
        answers[0] = answers[9] = True
    value = of_examples(answers, scale=100.0)
    benchmark = results.benchmarks[name]
    runs = tuple(Run(**{**run.__dict__, "values": {**run.values, "top1": value}}) for run in benchmark.runs)
    return replace(
        results,
        benchmarks={
            **results.benchmarks,
            name: replace(benchmark, metrics={**benchmark.metrics, "top1": ACCURACY}, runs=runs),
        },
    )


def in_lock_step() -> SessionReport:
    """Two benchmarks in pairs with another commit, one of them with four builds of its engine."""
    names = [FOLDER + "test_resnet18[onnxruntime-fp32]", FOLDER + "test_yolov3_tiny[tensorrt-fp16]"]
    latencies = dict(zip(names, (31.1, 12.4)))
    moved = dict(zip(names, (1.021, 1.001)))
    now = suite_of(latencies, runs=8, seed=5, commit=COMMIT, day="2026-11-30T16:05:00Z", slower=moved)
    base = suite_of(latencies, runs=8, seed=6, commit=BASE_COMMIT, day="2026-11-30T16:05:00Z")
    chance = random.Random(7)
    pairs, verdicts = {}, {}
    for name in names:
        of_it = []
        for at, run in enumerate(base.benchmarks[name].runs):
            build = {"build": at % 4} if name == names[1] else {}
            stored = {"environment": run.environment, "started": run.started, "quality": run.quality, **run.values}
            log_ratio = math.log(moved[name]) + chance.gauss(0, 0.002)
            of_it.append({"log_ratio": log_ratio, "error": 0.0015, "blocks": 40, **build, "base": stored})
        pairs[name] = tuple(of_it)
        ratio = moved[name]
        word = "regressed" if ratio > 1.01 else "unchanged"
        latency = MetricVerdict(
            word,
            "p50",
            "ms",
            ratio=ratio,
            interval=(ratio - 0.003, ratio + 0.003),
            p_adjusted=0.0002 if word == "regressed" else 0.8,
            detectable=1.009,
            baseline=latencies[name],
            candidate=latencies[name] * ratio,
            baseline_runs=8,
            candidate_runs=8,
            tolerance=0.005,
            scatter=0.002,
            paired="lock-step",
            builds=4 if name == names[1] else None,
            rules_out=0.006 if word == "unchanged" else None,
        )
        sides = (Side(4.8, BASE_COMMIT), Side(4.8, COMMIT)) if word == "regressed" else None
        verdicts[name] = BenchmarkVerdict(word, {"latency": latency}, sides=sides)
    label = f"origin/main ({BASE_COMMIT})"
    measured = replace(now, against=Against(label, BASE_COMMIT, pairs))
    typed = Invocation(("benchmarks", "--against=origin/main"), ("benchmarks",))
    return SessionReport(
        "host",
        MACHINE,
        measured,
        Comparison(verdicts),
        mode="against",
        rounds=8,
        seconds=88.0,
        against=label,
        invocation=typed,
    )


def hostile() -> SessionReport:
    """Names, reasons, notes, devices and files that try to be something else than text."""
    latencies = {f"benchmarks/test_a.py::test_b[{name}]": 5.0 + at for at, name in enumerate(HOSTILE_NAMES)}
    worse = {name: 1.2 for at, name in enumerate(latencies) if at % 2}
    base = suite_of(latencies, runs=10, seed=8, commit="</script>", day="2026-11-28T09:00:00Z")
    now = suite_of(latencies, runs=9, seed=9, commit="<b>c</b>", day="2026-11-30T16:05:00Z", slower=worse)
    rows = tuple(ExplainedPart(name, 1.0, 2.0, 0.1, True, place=name, was=name) for name in HOSTILE_NAMES[-10:])
    table = CostTable("operators", rows, 3, 1.0, 1.0, 13, 1.0, HOSTILE_NAMES[1])
    now = replace(now, explanations={name: Explanation(5.0, 6.0, (table,), HOSTILE_NAMES) for name in worse})
    report = _session(base, now, rounds=9, faults={f"{name}::test_c": f"it broke: {name}" for name in HOSTILE_NAMES})
    return replace(
        report,
        device=HOSTILE_NAMES[1],
        machine=HOSTILE_NAMES[2],
        notes=list(HOSTILE_NAMES),
        written=[("results", name) for name in HOSTILE_NAMES],
    )


#: Verdicts of so many stand for those of all others, since judging them takes longer than showing them.
_JUDGED = 50


def many(number: int = 500) -> SessionReport:
    """So many benchmarks in ten files; every fiftieth got slower."""
    networks = [f"network_{at:02d}" for at in range(10)]
    latencies = {}
    for at in range(number):
        file, network = at * 10 // max(number, 1), networks[at % 10]
        name = f"benchmarks/zoo/test_family_{file}.py::test_{network}[onnxruntime-fp32-{32 * (at // 10 + 1)}]"
        latencies[name] = 2.0 + 0.37 * at
    slow = {name: 1.15 for at, name in enumerate(latencies) if at % 50 == 7}
    base = suite_of(latencies, runs=10, seed=10, commit=BASE_COMMIT, day="2026-11-28T09:00:00Z")
    now = suite_of(latencies, runs=9, seed=11, commit=COMMIT, day="2026-11-30T10:05:00Z", slower=slow)
    # As in a session, only those under suspicion are measured in more than three rounds.
    kept = {
        name: known if name in slow else replace(known, runs=known.runs[:3]) for name, known in now.benchmarks.items()
    }
    names = list(latencies)
    first = names[:_JUDGED]
    some = _session(
        replace(base, benchmarks={name: base.benchmarks[name] for name in first}),
        replace(now, benchmarks={name: kept[name] for name in first}),
        rounds=9,
    )
    assert some.comparison is not None
    verdicts = list(some.comparison.benchmarks.values())
    all_verdicts = {name: verdicts[at % _JUDGED] for at, name in enumerate(names)}
    return replace(
        some,
        measured=replace(now, benchmarks=kept),
        baseline=base,
        comparison=replace(some.comparison, benchmarks=all_verdicts),
    )


def _session(base: Results, now: Results, *, rounds: int, faults: Optional[Mapping[str, str]] = None) -> SessionReport:
    comparison = compare(base, now)
    times = [run.started for known in now.benchmarks.values() for run in known.runs]
    form = "%Y-%m-%dT%H:%M:%SZ"
    seconds = (datetime.strptime(max(times), form) - datetime.strptime(min(times), form)).total_seconds()
    return SessionReport(
        "host",
        MACHINE,
        now,
        comparison,
        faults=faults or {},
        rounds=rounds,
        seconds=seconds,
        written=[("results", "results/20261130T1605.json")],
        baseline=base,
        invocation=Invocation(("benchmarks", "--device=host"), ("benchmarks",)),
    )


EXAMPLES = {
    "default": default_suite,
    "regressions": two_regressions,
    "lock-step": in_lock_step,
    "hostile": hostile,
    "many": many,
}


def write_pages(folder: Path) -> List[Path]:
    """Write the page of every example; their paths."""
    from pytest_edgeperf.report.exporters import exporter
    from pytest_edgeperf.report.text import Paper

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, make in EXAMPLES.items():
        path = folder / f"{name}.html"
        path.write_text(exporter("html", "session").session(make(), Paper(120)), encoding="utf-8")
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in write_pages(Path(sys.argv[1])):
        print(f"{written}: {written.stat().st_size / 1e6:.2f} MB")
