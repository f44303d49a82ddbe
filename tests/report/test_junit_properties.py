from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from _pytest import junitxml

from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.report.exporters.junit import junit_properties, suite_properties
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run
from pytest_edgeperf.schedule.replay import fail

from .conftest import benchmark, verdict
from .hostile import NAMES


def test_figures_and_verdict():
    found = dict(junit_properties(benchmark(12.2), verdict("regressed", 1.081, 1.052, 1.111)))
    assert found["edgeperf.latency_p50_ms"] == "12.2"
    assert found["edgeperf.latency_p95_ms"] == "13.1"
    assert "edgeperf.latency_p99_ms" not in found
    assert found["edgeperf.memory_process_peak_mib"] == "100"
    assert found["edgeperf.runs"] == "3"
    assert found["edgeperf.verdict"] == "regressed"
    assert found["edgeperf.latency_ratio"] == "1.0810"
    assert found["edgeperf.latency_ratio_low"] == "1.0520"
    assert found["edgeperf.latency_p_adjusted"] == "0.0004"
    assert found["edgeperf.latency_detectable_ratio"] == "1.0340"


def test_latency_comes_first_and_all_are_texts():
    found = junit_properties(benchmark(12.2))
    assert found[0] == ("edgeperf.latency_p50_ms", "12.2")
    assert all(isinstance(value, str) for _, value in found)
    assert not any(name == "edgeperf.verdict" for name, _ in found)


def test_a_unit_becomes_part_of_a_name():
    run = Run("e", "2026-11-20T12:00:00Z", "s", {"throughput": 81.9, "accuracy_top1": 0.7})
    one = Benchmark({}, {"throughput": Metric("inferences/s", "higher"), "accuracy_top1": Metric("")}, (run,))
    found = dict(junit_properties(one))
    assert found["edgeperf.throughput_inferences_per_s"] == "81.9"
    assert found["edgeperf.accuracy_top1"] == "0.700"


# The suite.


def report_of(names=("a.py::test",), text="1.12.1", **more):
    environments = {"8c1f0e2a": {"software": {text: text}, "settings": {"engine": {"threads": 4, "off": None}}}}
    measured = Results("host", environments, {name: benchmark(12.2) for name in names})
    return SessionReport("host", "AMD EPYC", measured, rounds=3, **more)


def test_the_suite_has_device_verdict_counts_and_environment():
    comparison = Comparison({"a.py::test": verdict("regressed", 1.081, 1.052, 1.111)})
    found = dict(suite_properties(report_of(comparison=comparison, faults={"a.py::x": "killed"})))
    assert found["edgeperf.device"] == "host"
    assert found["edgeperf.verdict"] == "regressed"
    assert found["edgeperf.summary"] == "1 of 2 benchmarks regressed, 1 could not be measured"
    assert (found["edgeperf.regressed"], found["edgeperf.unchanged"], found["edgeperf.failed"]) == ("1", "0", "1")
    assert found["edgeperf.environment.settings.engine.threads"] == "4"
    assert "edgeperf.environment.settings.engine.off" not in found
    assert "edgeperf.commit" not in found


def test_without_a_comparison_there_are_no_counts_of_verdicts():
    found = dict(suite_properties(report_of(mode="off")))
    assert found["edgeperf.verdict"] == "nothing_compared"
    assert "edgeperf.regressed" not in found


def test_a_field_that_differs_between_runs_has_all_its_values():
    report = report_of()
    old = dict(report.measured.environments["8c1f0e2a"], software={"onnxruntime": "1.11.0"})
    new = dict(old, software={"onnxruntime": "1.12.1"})
    run = report.measured.benchmarks["a.py::test"].runs[0]
    runs = (replace(run, environment="new"), replace(run, environment="old"))
    benchmarks = {"a.py::test": replace(report.measured.benchmarks["a.py::test"], runs=runs)}
    measured = replace(report.measured, environments={"old": old, "new": new}, benchmarks=benchmarks)
    found = dict(suite_properties(replace(report, measured=measured)))
    assert found["edgeperf.environment.software.onnxruntime"] == "1.12.1, 1.11.0"


def written(folder, report, family, message):
    """The file that pytest writes of one failed test and the suite."""
    xml = junitxml.LogXML(str(folder / "junit.xml"), None, family=family)
    xml.pytest_sessionstart()
    for name, value in suite_properties(report):
        xml.add_global_property(name, value)
    item = SimpleNamespace(nodeid="a.py::test", location=("a.py", 1, "test"), keywords={})
    for when in ("setup", "call", "teardown"):
        made = pytest.TestReport(item.nodeid, item.location, {}, "passed", None, when)
        if family == "xunit1":
            made.user_properties.extend(junit_properties(next(iter(report.measured.benchmarks.values()))))
        fail(item, [made], message, message)
        xml.pytest_runtest_logreport(made)
    xml.pytest_sessionfinish()
    return folder / "junit.xml"


@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
@pytest.mark.parametrize("text", NAMES, ids=range(len(NAMES)))
def test_whatever_is_quoted_the_file_is_xml_with_one_line_of_a_message(tmp_path, family, text):
    report = report_of(text=text, notes=[text], against=text, faults={text: text})
    root = ElementTree.parse(str(written(tmp_path, report, family, text))).getroot()
    (failure,) = root.iter("failure")
    assert "\n" not in failure.get("message").partition("\n[")[0]
    assert len(failure.get("message")) < 600
    assert all(len(one.get("value")) <= 4 * 500 for one in root.iter("property"))
    assert any(one.get("name").startswith("edgeperf.environment.software.") for one in root.iter("property"))


@pytest.mark.parametrize("text", ["1.12.1", NAMES[0], NAMES[6]])
def test_a_file_of_the_default_family_is_as_its_schema_has_it(tmp_path, text):
    xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is not installed")
    schema = xmlschema.XMLSchema(str(Path(__file__).parents[1] / "data" / "junit" / "junit-10.xsd"))
    report = report_of(text=text)
    schema.validate(str(written(tmp_path, report, "xunit2", text)))
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        schema.validate(str(written(tmp_path, report, "xunit1", text)))
