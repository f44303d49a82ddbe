import pytest


@pytest.mark.timed_inference
def test_tiny(timed_inference, framework):
    engine = framework.load("tiny.onnx")
    timed_inference(engine, engine.example_inputs())
