from __future__ import annotations

import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.measure.conductor import LocalConductor
from pytest_edgeperf.measure.timed_inference import TimedInference
from pytest_edgeperf.testing import FrameworkContract, images

PHASES = ("device_copy_in", "device_infer", "device_copy_out")


def run(framework, model):
    return TimedInference(LocalConductor(1.0), {}, {})(framework.load(model), images()[0])


class TestTensorRt(FrameworkContract):
    framework_name = "tensorrt"

    @pytest.fixture(autouse=True)
    def _bindings(self):
        pytest.importorskip("tensorrt")

    def test_events_and_the_hosts_clock_tell_one_story(self, framework, model):
        found = run(framework, model)
        phases = [found.values[name]["p50"] for name in PHASES]
        assert sum(phases) == pytest.approx(found.values["device_latency"]["p50"], rel=0.2)
        assert found.values["engine_context"] > 0
        assert found.values["engine_allocation"] > 0


class TestTrtExec(FrameworkContract):
    framework_name = "tensorrt:trtexec"

    def test_its_phases_add_up_to_its_latency(self, framework, model):
        found = run(framework, model)
        assert sum(found.values[name]["mean"] for name in PHASES) == pytest.approx(found.latency["mean"], rel=0.05)

    def test_both_ways_answer_alike(self, framework, model):
        pytest.importorskip("tensorrt")
        other = frameworks.get("tensorrt").load(model)
        for image in images():
            assert framework.load(model).infer(image)[0] == pytest.approx(other.infer(image)[0], rel=1e-3, abs=1e-4)
