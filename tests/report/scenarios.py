"""Sessions whose reports are kept as golden files. ``python -m tests.report.scenarios`` writes them anew: look at them.

``python -m tests.report.scenarios NAME WIDTH`` prints one with its colours.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple

import numpy as np

from pytest_edgeperf.judge.verdicts import AccuracyFigures, BenchmarkVerdict, Comparison, MetricVerdict, Side
from pytest_edgeperf.report.invocation import Invocation
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.results.example_answers import of_examples
from pytest_edgeperf.results.explanations import CostTable, ExplainedPart, Explanation
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

GOLDEN = Path(__file__).parent / "golden"
IDS = Path(__file__).parents[1] / "data" / "benchmark_ids.txt"
WIDTHS = (80, 100, 160)
BEGAN = datetime(2026, 11, 21, 9, 11, 2, tzinfo=timezone.utc)
MACHINE = "AMD EPYC, 2 cores, 24.0 GiB, KVM, Linux 6.18"
COMMITS = (Side(12.02, "1a2b3c4d5e6f"), Side(10.81, "5d6e7f8a9b0c"))


def benchmark(milliseconds: float, *, runs: int = 3, disturbed: int = 0) -> Benchmark:
    """A benchmark of so many runs, the first of which were disturbed."""
    made = []
    for number in range(runs):
        p50 = milliseconds * (0.99, 1.0, 1.02)[number % 3]
        values = {"latency": {"n": 400, "p50": p50, "p95": p50 * 1.07}, "memory_process_peak": 212.0 + number}
        quality = {"disturbed": number < disturbed}
        made.append(Run("8c1f0e2a", "2026-11-21T09:11:02Z", "s1", values, quality=quality))
    return Benchmark({}, {"latency": Metric("ms"), "memory_process_peak": Metric("MiB")}, tuple(made))


def latency(word: str, change: float, interval: Tuple[float, float], milliseconds: float, **more: Any) -> MetricVerdict:
    """The verdict on a latency of now so many milliseconds; changes as fractions."""
    figures: Dict[str, Any] = {
        "unit": "ms",
        "ratio": 1 + change,
        "interval": (1 + interval[0], 1 + interval[1]),
        "p_adjusted": 0.0004 if word == "regressed" else 1.0,
        "detectable": 1.034,
        "baseline": milliseconds / (1 + change),
        "candidate": milliseconds,
        "baseline_runs": 17,
        "candidate_runs": 9,
        "tolerance": 0.02,
        "rules_out": 0.031 if word == "unchanged" else None,
    }
    figures.update(more)
    return MetricVerdict(word, "p50", **figures)


def verdict(word: str, change: float, width: float, milliseconds: float, **more: Any) -> BenchmarkVerdict:
    """A verdict on latency alone, whose interval has so much on both sides of the change."""
    differences = more.pop("differences", {})
    sides = COMMITS if word == "regressed" else None
    metric = latency(word, change, (change - width, change + width), milliseconds, **more)
    return BenchmarkVerdict(word, {"latency": metric}, differences=differences, sides=sides)


def session(
    verdicts: Mapping[str, Optional[BenchmarkVerdict]],
    milliseconds: Sequence[float],
    *,
    seconds: float = 95.2,
    disturbed: int = 0,
    **more: Any,
) -> SessionReport:
    """A session of these benchmarks; so many runs of the first were disturbed, or of all where nothing is judged."""
    measured = {
        name: benchmark(milliseconds[at % len(milliseconds)], disturbed=disturbed if at == 0 or one is None else 0)
        for at, (name, one) in enumerate(verdicts.items())
    }
    judged = {name: one for name, one in verdicts.items() if one is not None}
    return SessionReport(
        "host",
        MACHINE,
        Results("host", benchmarks=measured),
        Comparison(judged) if judged else None,
        **{
            "rounds": 9,
            "seconds": seconds,
            "started": BEGAN,
            "ended": BEGAN + timedelta(seconds=seconds),
            "written": [("results", "results/20261121T0911.json")],
            "invocation": Invocation(("benchmarks", "--device=host"), ("benchmarks",), device="host"),
            "against_baseline": more.get("against") is None,
            **more,
        },
    )


def three_unchanged() -> SessionReport:
    """Three benchmarks of one function."""
    times = (1.01, 1.69, 3.92)
    names = [f"benchmarks/test_letterbox.py::test_letterbox[{size}]" for size in (320, 416, 640)]
    changes = (0.0, 0.001, -0.004)
    judged = {n: verdict("unchanged", c, 0.016, t) for n, c, t in zip(names, changes, times)}
    return session(judged, times, rounds=3)


def two_frameworks() -> SessionReport:
    """Sixteen benchmarks in two files over two frameworks and two precisions."""
    names = [
        f"benchmarks/test_{task}.py::test_{network}[{framework}-{precision}]"
        for task, networks in (("classification", ("resnet18", "mobilenet_v2")), ("detection", ("yolov3", "ssd")))
        for network in networks
        for framework in ("onnxruntime", "torch")
        for precision in ("fp32", "int8")
    ]
    times = (9.05, 3.31, 12.4, 6.02, 1.21, 0.64, 2.31, 1.02, 131.0, 61.0, 160.0, 82.5, 22.1, 10.9, 30.3, 15.5)
    changes = (
        0.003,
        -0.002,
        0.011,
        0.0,
        -0.109,
        0.004,
        0.006,
        -0.007,
        0.002,
        0.001,
        -0.003,
        0.008,
        0.0,
        0.002,
        0.004,
        0.009,
    )
    judged = {
        n: verdict("improved" if c < -0.05 else "unchanged", c, 0.009, t) for n, c, t in zip(names, changes, times)
    }
    return session(judged, times, rounds=3)


def _many(number: int, functions: int, files: int) -> Iterator[str]:
    for at in range(number):
        group = at * functions // number
        file = group * files // functions
        yield f"benchmarks/test_network_{file:02d}.py::test_layer_{group:02d}[onnxruntime-fp32-{at:04d}]"


def one_regression_among(number: int, functions: int, files: int, *, undecided: int = 0) -> SessionReport:
    """A regression, benchmarks that are undecided, and many unchanged ones."""
    names = list(_many(number, functions, files))
    times = tuple(3.0 + 0.41 * (at % 37) for at in range(len(names)))
    judged = {}
    for at, (name, time) in enumerate(zip(names, times)):
        change = 0.011 * ((at * 5) % 21 - 10) / 10
        judged[name] = verdict("unchanged", change, 0.012, time)
    differences = {"software.onnxruntime": ("1.22.0", "1.23.1")}
    slower = names[number // 3]
    judged[slower] = verdict("regressed", 0.081, 0.029, times[number // 3], differences=differences)
    for at in range(number // 2, number // 2 + undecided):
        judged[names[at]] = verdict("inconclusive", 0.024, 0.02, times[at], runs_needed=14, detectable=1.06)
    return session(judged, times, seconds=6845.0, disturbed=2)


def many_unchanged() -> SessionReport:
    """Three hundred benchmarks of which nothing needs to be said."""
    names = list(_many(300, 25, 12))
    times = tuple(3.0 + 0.41 * (at % 37) for at in range(300))
    changes = [0.011 * ((at * 5) % 21 - 10) / 10 for at in range(300)]
    judged = {n: verdict("unchanged", c, 0.012, t) for n, c, t in zip(names, changes, times)}
    return session(judged, times, seconds=2210.0)


def refresh_without_runs() -> SessionReport:
    """A refresh that accepts none of three benchmarks."""
    names = [f"benchmarks/test_letterbox.py::test_letterbox[{size}]" for size in (320, 416, 640)]
    why = "all 3 runs were disturbed (by other processes in 3)"
    typed = ("benchmarks", "--device=host", "--baseline=refresh", "--edgeperf-reason=JetPack 6.2")
    return session(
        dict.fromkeys(names),
        (1.2, 1.9, 4.4),
        mode="refresh",
        refused=dict.fromkeys(names, why),
        rounds=17,
        disturbed=3,
        invocation=Invocation(typed, ("benchmarks",), device="host"),
    )


def duet() -> SessionReport:
    """Three benchmarks against another commit in lock-step."""
    times = (6.39, 9.74, 22.4)
    names = [f"benchmarks/test_letterbox.py::test_letterbox[{size}]" for size in (320, 416, 640)]
    pairs = {"paired": "lock-step", "tolerance": 0.005, "baseline_runs": 4, "candidate_runs": 4}
    judged = {
        names[0]: verdict("regressed", 0.021, 0.006, times[0], detectable=1.011, **pairs),
        names[1]: verdict("unchanged", 0.001, 0.003, times[1], detectable=1.009, rules_out=0.008, **pairs),
        names[2]: verdict("unchanged", -0.002, 0.004, times[2], detectable=1.01, rules_out=0.009, **pairs),
    }
    return session(judged, times, mode="against", against="origin/main (1a2b3c4d5e6f)", rounds=4)


def accuracy_lost() -> SessionReport:
    """A faster benchmark that has lost examples, beside one that has not."""
    names = [f"benchmarks/test_quantised.py::test_resnet18[onnxruntime-{kind}]" for kind in ("fp32", "int8")]
    lost = AccuracyFigures(-6.2, (-9.0, -4.1), 0.5, 450, 30, 2, 4.0)
    kept = AccuracyFigures(0.0, (-0.3, 0.3), 0.5, 450, 0, 0, 0.9, same=True)
    answers = {"unit": "%", "tolerance": None, "baseline": 95.6, "candidate": 89.3}
    faster = latency("improved", -0.512, (-0.52, -0.503), 4.41)
    judged = {
        names[0]: BenchmarkVerdict(
            "unchanged",
            {
                "latency": latency("unchanged", 0.002, (-0.009, 0.013), 9.05),
                "top1": MetricVerdict("unchanged", "mean", accuracy=kept, **answers),
            },
        ),
        names[1]: BenchmarkVerdict(
            "regressed",
            {"latency": faster, "top1": MetricVerdict("regressed", "mean", accuracy=lost, p_adjusted=2e-7, **answers)},
            sides=COMMITS,
        ),
    }
    report = session(judged, (9.05, 4.41), rounds=3)
    for name, right in zip(names, (430, 402)):
        values = of_examples(np.arange(450) < right, scale=100.0)
        one = report.measured.benchmarks[name]
        runs = tuple(
            Run(run.environment, run.started, run.session, {**run.values, "top1": values}, quality=run.quality)
            for run in one.runs
        )
        metrics = {**one.metrics, "top1": Metric("%", "higher", margin=0.5)}
        report.measured.benchmarks[name] = Benchmark({}, metrics, runs)  # type: ignore[index]
    return report


def explained() -> SessionReport:
    """What profiles say: an operator, a split one, a function, all alike, within noise, and no profile."""
    names = [
        f"benchmarks/test_detection.py::test_{name}"
        for name in (
            "yolov3[onnxruntime-fp32-416]",
            "ssd[openvino]",
            "letterbox",
            "unet[torch]",
            "vit[tvm]",
            "pose[ncnn]",
        )
    ]
    times = (15.4, 6.02, 1.69, 88.0, 61.0, 12.2)
    changes = (0.283, 0.15, 0.3, 0.098, 0.061, 0.081)
    judged = {n: verdict("regressed", c, 0.02, t) for n, c, t in zip(names, changes, times)}
    operators = [
        ("Conv /model.3/conv/Conv", 4.1, 6.9, 0.21, True, "", ""),
        ("Cast /model.3/InsertedPrecisionFreeCast", None, 0.31, 0.2, True, "", ""),
        ("Conv /model.5/conv/Conv", 2.02, 2.07, 0.14, False, "", ""),
        ("Resize /model.9/Resize", 0.71, 0.68, 0.05, False, "", ""),
    ]
    fused = [("Convolution /a/conv + Relu /a/relu", 0.8, 1.52, 0.06, True, "", "FusedConvolution /a/conv")]
    functions = [
        ("letterbox", 0.71, 1.08, 0.04, True, "app/prepare.py:31", ""),
        ("cv2.resize in letterbox", 0.4, 0.41, 0.05, False, "app/prepare.py:31", ""),
    ]
    even = [(f"aten::conv2d /down.{at}", 9.0 - at, 1.1 * (9.0 - at), 1.2, False, "", "") for at in range(3)]
    still = [("nn_conv2d", 31.0, 31.4, 2.1, False, "", ""), ("nn_softmax", 4.0, 4.1, 0.4, False, "", "")]

    def table(parts: str, rows: Sequence[Any], rest: int, rest_ms: float, by: float, source: str) -> CostTable:
        made = tuple(ExplainedPart(*row) for row in rows)
        return CostTable(parts, made, rest, rest_ms, rest_ms * by, sum(row.blamed for row in made), by, source)

    tables = [
        table("operators", operators, 71, 4.6, 1.004, "onnxruntime profiling"),
        table("operators", fused, 34, 4.1, 1.0, "OpenVINO's profiling"),
        table("functions", functions, 6, 0.1, 1.0, "cProfile"),
        table("operators", even, 60, 50.0, 1.1, "torch.profiler"),
        table("operators", still, 12, 20.0, 1.01, "TVM's VirtualMachineProfiler"),
    ]
    explanations = {name: Explanation(t / (1 + c), t, (one,)) for name, t, c, one in zip(names, times, changes, tables)}
    explanations[names[-1]] = Explanation(11.3, 12.2, (), ("ncnn reports no operator times",))
    report = session(judged, times)
    return replace(report, measured=replace(report.measured, explanations=explanations))


def _with_parameters(report: SessionReport, parameters: Mapping[str, Mapping[str, Any]]) -> SessionReport:
    """The session with what its benchmarks' names are made of."""
    measured = report.measured.benchmarks
    described = {name: replace(one, parameters=parameters.get(name, {})) for name, one in measured.items()}
    return replace(report, measured=replace(report.measured, benchmarks=described))


def long_names() -> SessionReport:
    """The longest ids of the experiments, all regressed but the last; some networks have hyphens in their names."""
    names = sorted(IDS.read_text(encoding="utf-8").splitlines(), key=len)[-12:]
    times = (12.2, 131.0, 9.05)
    judged = {
        n: verdict("regressed" if at < 11 else "unchanged", 0.081 if at < 11 else 0.0, 0.02, times[at % 3])
        for at, n in enumerate(sorted(names))
    }
    networks = ("lraspp-mobilenetv3-large", "yolov3-tiny", "yolov3")
    parameters = {n: {"network": next(network for network in networks if network in n)} for n in names}
    return _with_parameters(session(judged, times), parameters)


SCENARIOS: Dict[str, Callable[[], SessionReport]] = {
    "three-unchanged": three_unchanged,
    "two-frameworks": two_frameworks,
    "300-unchanged": many_unchanged,
    "one-of-300": lambda: one_regression_among(300, 25, 12),
    "refresh-without-runs": refresh_without_runs,
    "duet": duet,
    "accuracy-lost": accuracy_lost,
    "one-of-2000": lambda: one_regression_among(2000, 80, 30, undecided=2),
    "long-names": long_names,
    "explained": explained,
}


def shown(name: str, width: int, *, colour: bool, verbosity: int = 0) -> str:
    """The report of a scenario."""
    return render(SCENARIOS[name](), width=width, colour=colour, verbosity=verbosity)


def goldens() -> Iterator[Tuple[str, str, int, bool, int]]:
    """File, scenario, width, colour and verbosity of each golden file."""
    for name in SCENARIOS:
        for width in WIDTHS:
            yield f"{name}-{width}.txt", name, width, False, 0
            yield f"{name}-{width}.ansi", name, width, True, 0
        yield f"{name}-quiet-80.txt", name, 80, False, -1


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(shown(sys.argv[1], int(sys.argv[2]), colour=True))
    else:
        for file, scenario, width, colour, verbosity in goldens():
            text = shown(scenario, width, colour=colour, verbosity=verbosity)
            (GOLDEN / file).write_text(text + "\n", encoding="utf-8")
