"""A short version of ``python -m tests.explain.check``: one try with ONNX Runtime."""

from __future__ import annotations

import pytest

from pytest_edgeperf.frameworks import version_of
from tests.explain.check import outcomes


@pytest.mark.slow
@pytest.mark.skipif(version_of("onnxruntime") is None, reason="onnxruntime is not installed")
def test_a_larger_kernel_is_the_first_row_and_an_unchanged_network_blames_nothing(tmp_path):
    pytest.importorskip("onnx")
    for outcome in outcomes("onnxruntime", tmp_path, ["kernel"]):
        assert outcome.is_right, outcome.explanation
