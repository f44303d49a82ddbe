"""Published figures in sessions: shown beside what was measured, and never a reason to fail."""

from __future__ import annotations

import json

import pytest

from .test_devices import materialise

SUITE = """
@pytest.mark.parametrize("framework", ["pure-python"])
def test_additions(timed_inference, framework):
    timed_inference(work, 10000)
"""


@pytest.fixture
def figures(project):
    """Writes a published latency for the suite's benchmark."""
    project.suite(SUITE)

    def published(value, folder="baselines/published", note=""):
        source = {"paper": "somebody-2020", "table": "3", "row": "Additions", **({"note": note} if note else {})}
        run = {"environment": "e", "started": "2020", "session": "s", "latency": value, "source": source}
        benchmark = {
            "parameters": {"framework": "pure-python", "network": "additions"},
            "metrics": {"latency": {"unit": "ms"}},
            "runs": [run],
        }
        document = {
            "format": "edgeperf-results",
            "version": 1,
            "device": "host",
            "environments": {"e": {}},
            "benchmarks": {"somebody-2020::x": benchmark},
        }
        return project.write(f"{folder}/host.json", json.dumps(document))

    return published


@pytest.mark.parametrize("faster", [pytest.param(10, marks=pytest.mark.thorough), 1000])
def test_a_figure_that_is_much_faster_fails_nothing(project, figures, faster):
    assert project.run("--baseline=refresh", "--edgeperf-reason=first").code == 0
    (only,) = project.baseline().benchmarks.values()
    figures(only.runs[0].values["latency"]["p50"] / faster)
    shown = "--edgeperf-published=somebody-2020"
    outcome = project.run("--edgeperf-unbaselined=fail", "--edgeperf-inconclusive=pass", shown)
    assert outcome.code == 0, outcome
    assert "published figures of host" in outcome
    assert "host, somebody-2020 table 3, row Additions" in outcome
    assert "affect no verdict" in outcome
    assert "regressed" not in outcome


def test_published_figures_as_the_baseline_are_a_usage_error(project, figures):
    figures(1.0, folder="baselines")
    outcome = project.run()
    assert outcome.code == 4, outcome
    assert "published figures (somebody-2020) are included, but they are for information only" in outcome
    assert project.ran() == []


def test_a_broken_file_of_figures_is_a_note(project, figures):
    figures(1.0).write_text("{")
    outcome = project.run("--baseline=off")
    assert outcome.code == 0, outcome
    assert "note: published figures are not shown:" in outcome


def test_a_session_on_a_nano_has_the_figures_that_come_with_us(project, tmp_path):
    project.suite("""
@pytest.mark.parametrize("resolution", [160, 224])
@pytest.mark.parametrize("framework", ["onnxruntime"])
def test_resnet18(timed_inference, framework, resolution):
    timed_inference(work, 1000, preprocess=lambda steps: 10 * steps)
""")
    project.environment["EDGEPERF_ROOT"] = str(materialise(tmp_path / "nano", "nano"))
    outcome = project.run("--device=nano", "--baseline=off", "--edgeperf-telemetry=0.2", "--edgeperf-published=all")
    assert outcome.code == 0, outcome
    assert "published figures of nano" in outcome
    assert "nano, trinh-2023 table 4.3, row Resnet18" in outcome
    assert outcome.output.count("267.207") == 1
    assert "table 4.4" not in outcome
