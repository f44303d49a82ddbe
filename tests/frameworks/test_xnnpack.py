from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.frameworks.xnnpack import operators


def test_operators_are_numbered_within_their_name():
    """A runtime's own numbers go: they count the operators of all kinds, and shift when one comes in between."""
    told = [("Convolution (NHWC, F32) IGEMM #1", 1.0), ("Add (ND)", 2.0), ("Convolution (NHWC, F32) IGEMM #7", 3.0)]
    assert [(operator.name, operator.kind, operator.time_ms) for operator in operators(told)] == [
        ("Convolution (NHWC, F32) IGEMM #1", "Convolution", 1.0),
        ("Add (ND) #1", "Add", 2.0),
        ("Convolution (NHWC, F32) IGEMM #2", "Convolution", 3.0),
    ]


@given(st.lists(st.tuples(st.text(), st.floats(0, 1e9))))
def test_names_are_never_the_same_and_no_time_is_lost(told):
    found = list(operators(told))
    assert len({operator.name for operator in found}) == len(told)
    assert [operator.time_ms for operator in found] == [time_ms for _, time_ms in told]
