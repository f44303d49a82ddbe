"""Pages to look at: those of all fakes, one of minutes of load, and one of names that try to be more than text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict

from pytest_edgeperf.report.creep import Creep
from pytest_edgeperf.report.exporters import exporter
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.study_definitions import Place, ReferenceLine, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run
from tests.fakes import reports
from tests.report.scenarios import explained

#: Series, six of which no line of a narrow chart has room for.
LONG_SERIES = tuple(
    f"{framework} with {kind} weights and fused activations"
    for framework in ("onnxruntime:cpu", "torch (compiled, max-autotune)", "openvino")
    for kind in ("fp32", "int8 (per channel)")
)
#: A course of minutes of load, with a step.
COURSE: Dict[str, Any] = {
    "curve": {
        "at_s": [2.5 * (at + 1) for at in range(120)],
        "latency_ms": [22.0 + 0.004 * at if at < 60 else 25.0 + 0.002 * at for at in range(120)],
        "temperature_c": [40.0 + 45.0 * (1 - 0.97**at) for at in range(120)],
        "clock_cpu_mhz": [1479.0 if at < 60 else 1224.0 for at in range(120)],
        "clock_gpu_mhz": [921.6] * 120,
    },
    "steps": [
        {
            "at_s": 150.0,
            "latency_ms": [22.1, 25.2],
            "temperature_c": 77.9,
            "clock_cpu_mhz": [1479.0, 1224.0],
            "slowed_by": ["cpu-throttle-alert"],
            "throttling": True,
        }
    ],
}


def under_load() -> SessionReport:
    """Two benchmarks that were loaded for minutes."""
    report = reports.default_suite()
    names = list(report.measured.benchmarks)[:2]
    benchmarks = dict(report.measured.benchmarks)
    for name in names:
        runs = [Run(**{**run.__dict__, "quality": {**(run.quality or {}), **COURSE}}) for run in benchmarks[name].runs]
        benchmarks[name] = replace(benchmarks[name], runs=tuple(runs[:2]))
    return replace(report, measured=replace(report.measured, benchmarks=benchmarks))


def studies() -> SessionReport:
    """A study whose series have long names."""
    study = Study("frameworks over resolution", "resolution", "pixels", lines=True, metrics=("latency",))
    benchmarks = {
        f"benchmarks/test_resolutions.py::test_{at}[{x:.0f}]": Benchmark(
            {},
            {"latency": Metric("ms")},
            tuple(
                Run("e", "2026-11-20T12:00:00Z", "s", {"latency": (0.1 + 0.03 * at) * x * noise})
                for noise in (0.99, 1.0, 1.02)
            ),
            place=Place(study.name, name, x),
        )
        for at, name in enumerate(LONG_SERIES)
        for x in (224.0, 320.0, 416.0, 512.0, 640.0)
    }
    measured = Results("host", {"e": {}}, benchmarks, studies={study.name: study})
    return SessionReport("host", "a machine", measured, mode="off", rounds=3, seconds=60.0)


def hostile_everywhere() -> SessionReport:
    """The hostile names, also as studies, series, units, fields of the environment, reasons and published figures."""
    report = reports.hostile()
    names = reports.HOSTILE_NAMES
    measured, benchmarks = report.measured, dict(report.measured.benchmarks)
    studies = {
        text: Study(text, text, text, references=(ReferenceLine(text, "latency", 0.5, 2.0, "ms", text, note=text),))
        for text in names
    }
    ids = list(benchmarks)
    for at, text in enumerate(names):
        for x, name in enumerate((ids[at], ids[(at + 1) % len(ids)])):
            place = Place(text, text, float(x + 1), text if at % 2 else "")
            copy = replace(benchmarks[name], place=place)
            benchmarks[f"{name}::{x}" if x else name] = copy
    environments = {
        key: {**sections, "software": {text: text for text in names}} for key, sections in measured.environments.items()
    }
    loaded = {name: replace(one, runs=_loaded(one.runs)) for name, one in benchmarks.items()}
    published = Results(
        "host",
        benchmarks={
            text: replace(
                benchmarks[ids[0]],
                parameters={"network": text},
                metrics={"latency": Metric("ms")},
                runs=(Run("e", "2020", text, {"latency": 7.0}, source={"paper": text, "table": text, "row": text}),),
            )
            for text in names
        },
    )
    parameters = {
        name: replace(one, parameters={"network": names[at % len(names)]})
        for at, (name, one) in enumerate(loaded.items())
    }
    return replace(
        report,
        measured=replace(measured, benchmarks=parameters, environments=environments, studies=studies),
        refused={f"{text}::test_d": text for text in names},
        crept={ids[0]: Creep(1.2, 0.02, names[0])},
        published=[published],
    )


def _loaded(runs: Any) -> Any:
    quality = {"steps": [{**COURSE["steps"][0], "slowed_by": [reports.HOSTILE_NAMES[2]]}], "curve": COURSE["curve"]}
    first, *others = runs
    return (Run(**{**first.__dict__, "quality": quality}), *others)


#: Name of a page -> its session.
PAGES = {
    **reports.EXAMPLES,
    "hostile": hostile_everywhere,
    "load": under_load,
    "explained": explained,
    "studies": studies,
}


def write(report: SessionReport, path: Path) -> Path:
    """The page of a session."""
    document = exporter("html", "session").session(report, Paper(120))
    path.write_bytes(document.encode("utf-8", "backslashreplace"))
    return path
