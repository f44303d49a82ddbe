from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.frameworks.profiling import OperatorTime
from pytest_edgeperf.frameworks.xnnpack import operators


def test_operators_are_numbered_within_their_kind():
    """A runtime's own numbers go: they count the operators of all kinds, and shift when one comes in between."""
    told = [
        ("Convolution (NHWC, F32) IGEMM #1", 1.0),
        ("Add (ND)", 2.0),
        ("Convolution (NHWC, F32) DWConv #7", 3.0),
        ("CUMSUM", 4.0),
        ("Fully Connected (NC, QS8, QC8W) GEMM", 5.0),
    ]
    assert list(operators(told)) == [
        OperatorTime("Convolution_1", "Convolution", 1.0, (), "XNNPACK (NHWC, F32) IGEMM"),
        OperatorTime("Add_1", "Add", 2.0, (), "XNNPACK (ND)"),
        OperatorTime("Convolution_2", "Convolution", 3.0, (), "XNNPACK (NHWC, F32) DWConv"),
        OperatorTime("CUMSUM_1", "CUMSUM", 4.0),
        OperatorTime("FullyConnected_1", "Fully Connected", 5.0, (), "XNNPACK (NC, QS8, QC8W) GEMM"),
    ]


@given(st.lists(st.tuples(st.text(), st.floats(0, 1e9))))
def test_names_are_never_the_same_and_no_time_is_lost(told):
    found = list(operators(told))
    assert len({operator.name for operator in found}) == len(told)
    assert [operator.time_ms for operator in found] == [time_ms for _, time_ms in told]
