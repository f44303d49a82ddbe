from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_edgeperf.frameworks.interface import Inputs
from pytest_edgeperf.measure.pipeline import OUTPUT_TOLERANCES, OutputMismatch, Pipeline

from .engines import Asynchronous, Doubling, reference

ENTRY = (np.ones((1, 2)),)


def test_an_engine_that_answers_right_passes_and_its_error_is_recorded():
    found = Pipeline(Doubling(), ENTRY).check()
    assert found["output_error"] == 0.0
    assert found["first_ms"] > 0


@pytest.mark.parametrize("precision", sorted(OUTPUT_TOLERANCES))
def test_the_allowed_error_is_that_of_the_precision(precision):
    allowed = OUTPUT_TOLERANCES[precision]

    def engine(error):
        return Doubling(lambda array: 2 * array * (1 + error), precision)

    assert Pipeline(engine(0.9 * allowed), ENTRY).check()["output_error"] == pytest.approx(0.9 * allowed, rel=0.01)
    with pytest.raises(OutputMismatch, match=precision):
        Pipeline(engine(1.1 * allowed), ENTRY).check()


def test_a_fast_wrong_engine_is_a_failure_that_says_what_to_look_at():
    with pytest.raises(
        OutputMismatch, match=r"(?s)doubling returns wrong outputs for double.*worked out by hand.*optimi"
    ):
        Pipeline(Doubling(lambda array: 3 * array), ENTRY).check()


def test_an_engine_that_is_wrong_for_the_last_input_only_is_found():
    with pytest.raises(OutputMismatch):
        Pipeline(Doubling(lambda array: 2 * array if array[0, 0] < 3 else 0 * array), ENTRY).check()


def test_wrong_shapes_are_named():
    with pytest.raises(OutputMismatch, match=r"\(2, 1\).*\(1, 2\)"):
        Pipeline(Doubling(lambda array: 2 * array.T), ENTRY).check()


def test_a_missing_output_is_a_mismatch():
    two = [(np.zeros((1, 2)), np.zeros(1)), (np.zeros((1, 2)), np.zeros(1))]
    with pytest.raises(OutputMismatch, match="shapes"):
        Pipeline(Doubling(model_reference=lambda: reference(two)), ENTRY).check()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_no_number_is_a_mismatch(bad):
    def answer(array):
        return np.where(array == 2.0, bad, 2 * array)

    with pytest.raises(OutputMismatch):
        Pipeline(Doubling(answer), ENTRY).check()


def test_a_reference_of_zeros_does_not_divide_by_zero():
    zeros = [(np.zeros((1, 2)),), (np.zeros((1, 2)),)]
    assert Pipeline(Doubling(np.zeros_like, model_reference=lambda: reference(zeros)), ENTRY).check()


def test_an_engine_without_a_reference_is_not_run_by_the_check():
    engine = Doubling(model_reference=None)
    assert Pipeline(engine, ENTRY).check() == {}
    assert engine.inferred == 0


def test_preprocess_and_postprocess_are_part_of_each_call():
    pipeline = Pipeline(lambda a, b: a - b, (10, 4), lambda a, b: (b, a), lambda output: output * 100)
    assert pipeline.has_phases
    assert pipeline.calls[0]() == -600


@pytest.mark.parametrize("made", ["one", ["a", "list"], None, np.ones(2)], ids=str)
def test_one_preprocessed_input_need_not_be_a_tuple(made):
    pipeline = Pipeline(lambda tensor: tensor, (1,), lambda _: made)
    assert pipeline.preprocess(1)[0] is made
    assert pipeline.calls[0]() is made


def test_without_phases_the_target_is_called_as_it_is():
    def target():
        return 5

    pipeline = Pipeline(target, ())
    assert not pipeline.has_phases
    assert pipeline.calls == [target]


def test_inputs_give_one_call_per_entry():
    calls = Pipeline(lambda *numbers: sum(numbers), (Inputs([(1, 2), (3, 4)]),)).calls
    assert [call() for call in calls] == [3, 7]


def test_an_engine_that_has_to_be_waited_for_is_waited_for_after_each_inference():
    engine = Asynchronous()
    outputs = Pipeline(engine, ENTRY).calls[0]()
    assert engine.synchronised == engine.inferred == 1
    assert np.array_equal(outputs[0], 2 * ENTRY[0])


def test_an_engine_that_need_not_be_waited_for_costs_no_extra_call():
    engine = Doubling()
    assert Pipeline(engine, ENTRY).infer == engine.infer


def test_what_cannot_be_called_is_refused_in_words():
    with pytest.raises(TypeError, match=r"engine or a callable, not str.*framework\.load"):
        Pipeline("resnet18.onnx", ())


def test_the_users_check_gets_the_pipelines_own_result():
    seen = []
    found = Pipeline(lambda value: value + 1, (1,), postprocess=lambda output: output * 10).check(seen.append)
    assert seen == [20]
    assert found["first_ms"] > 0


@pytest.mark.parametrize("answer", [False, np.bool_(False), np.zeros((), bool)], ids=repr)
def test_a_check_that_says_false_fails(answer):
    with pytest.raises(OutputMismatch, match=r"check.*False"):
        Pipeline(lambda: 1, ()).check(lambda _: answer)


@pytest.mark.parametrize("answer", [True, None, np.bool_(True)], ids=repr)
def test_a_check_that_does_not_say_false_passes(answer):
    assert "first_ms" in Pipeline(lambda: 1, ()).check(lambda _: answer)


def test_a_check_that_raises_fails_with_its_own_words():
    def check(result):
        assert result == 2, "two was expected"

    with pytest.raises(AssertionError, match="two was expected"):
        Pipeline(lambda: 1, ()).check(check)


def test_the_first_inference_of_an_engine_is_that_of_the_reference():
    engine = Doubling()
    found = Pipeline(engine, ENTRY).check(lambda _: True)
    assert engine.inferred == 3
    assert set(found) == {"first_ms", "output_error"}


def test_an_engine_that_infers_when_it_is_loaded_tells_the_cold_inference_itself():
    engine = Doubling()
    engine.first_ms = 1234.5
    assert Pipeline(engine, ENTRY).check(lambda _: True)["first_ms"] == 1234.5


def test_what_a_model_counts_of_itself_is_told():
    engine = Doubling()
    counts = {"parameters": 7, "multiply_accumulates": 0, "flops": "many", "resolution": 224}
    engine.model = replace(engine.model, parameters=counts)
    assert Pipeline(engine, ENTRY).check()["parameter_count"] == 7
    assert not {"multiply_accumulates", "flops"} & set(Pipeline(engine, ENTRY).check())
