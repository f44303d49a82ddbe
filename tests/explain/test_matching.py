"""Operators before and after are matched by outputs, names, kinds and order; fused and split ones stand together."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.explanation.matching import Match, match_functions, match_operators
from pytest_edgeperf.results.cost_profiles import FunctionTimes, OperatorTimes


def operators(text):
    """``Conv a>x, Relu b>y``: kind, name and output of each."""
    listed = []
    for part in text.split(", ") if text else ():
        described, _, output = part.partition(">")
        kind, _, name = described.partition(" ")
        listed.append(OperatorTimes(name, kind, (1.0,), (output,) if output else ()))
    return listed


def matched(before, after, **more):
    one, two = operators(before), operators(after)
    names = [
        (" ".join(one[place].name for place in match.before), " ".join(two[place].name for place in match.after))
        for match in match_operators(one, two, **more)
    ]
    return sorted(names)


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        ("Conv a, Relu b", "Conv a, Relu b", [("a", "a"), ("b", "b")]),
        # Outputs survive where names do not, and names where outputs do not.
        ("Conv a>x, Relu b>y", "Conv c>x, Relu d>y", [("a", "c"), ("b", "d")]),
        ("Conv a>x, Relu b>y", "Conv a>v, Relu b>w", [("a", "a"), ("b", "b")]),
        # An operator inserted, removed, or in another order (parallel branches).
        ("Conv a, Relu b", "Conv a, Cast n, Relu b", [("", "n"), ("a", "a"), ("b", "b")]),
        ("Conv a, Cast n, Relu b", "Conv a, Relu b", [("a", "a"), ("b", "b"), ("n", "")]),
        ("Conv a, Conv b, Add c", "Conv b, Conv a, Add c", [("a", "a"), ("b", "b"), ("c", "c")]),
        # All names changed: by kind and order, with the inserted one apart.
        (
            "Conv net/a, Relu net/b, Conv net/c",
            "Conv top/d, Relu top/e, Cast top/n, Conv top/f",
            [("", "top/n"), ("net/a", "top/d"), ("net/b", "top/e"), ("net/c", "top/f")],
        ),
        # Numbers say where an operator stands: after an insertion all of them are others'.
        (
            "Conv Conv_0>1, Relu Relu_1>2, Conv Conv_2>3, Relu Relu_3>4",
            "Conv Conv_0>1, Cast Cast_1>2, Cast Cast_2>3, Relu Relu_3>4, Conv Conv_4>5, Relu Relu_5>6",
            [
                ("", "Cast_1"),
                ("", "Cast_2"),
                ("Conv_0", "Conv_0"),
                ("Conv_2", "Conv_4"),
                ("Relu_1", "Relu_3"),
                ("Relu_3", "Relu_5"),
            ],
        ),
        # A fusion that is gone: by the output that both end in, by the name of the first, or by both.
        ("FusedConv f>y, Add z>s", "Conv a>x, Relu b>y, Add z>s", [("f", "a b"), ("z", "z")]),
        ("FusedConv a>y, Add z>s", "Conv a>x, Relu b>y, Add z>s", [("a", "a b"), ("z", "z")]),
        ("FusedConv a, Add z", "Conv a, Relu b, Add z", [("a", "a b"), ("z", "z")]),
        ("FusedConv a>y, Add z", "Conv a>x, Mul m>v, Relu b>y, Add z", [("a", "a m b"), ("z", "z")]),
        # And one that came.
        ("Conv a>x, Relu b>y, Add z>s", "FusedConv a>y, Add z>s", [("a b", "a"), ("z", "z")]),
        # What follows a fused one and is not part of it stays alone.
        (
            "FusedConv a>y, Add z",
            "Conv a>x, Relu b>y, Cast n>w, Add z",
            [("", "n"), ("a", "a b"), ("z", "z")],
        ),
        # Replaced by others.
        (
            "Conv a, Gelu g, Add z",
            "Conv a, Div p, Erf q, Mul r, Add z",
            [("a", "a"), ("g", "p q r"), ("z", "z")],
        ),
        ("", "Conv a", [("", "a")]),
    ],
)
def test_what_is_the_same(before, after, pairs):
    assert matched(before, after) == sorted(pairs)


def test_what_a_profile_without_positions_left_out_may_have_been_anything():
    assert matched("Gelu g", "Div p, Erf q", left_out=(1, 0)) == [("", "p"), ("", "q"), ("g", "")]


def timed(kinds, left_out=(), **milliseconds):
    """Operators with numbers for names, of which a compact profile left some out."""
    listed = [
        OperatorTimes(f"{kind}_{at}", kind, (milliseconds.get(f"at{at}", 0.1),), position=at)
        for at, kind in enumerate(kinds.split())
    ]
    return [operator for operator in listed if operator.position not in left_out]


@pytest.mark.parametrize(
    ("kinds", "pairs"),
    [
        # The first and the third are known, the second and the fourth were short.
        ("Conv Conv Conv Conv", [("", "Conv_1"), ("", "Conv_3"), ("Conv_0", "Conv_0"), ("Conv_2", "Conv_2")]),
        (
            "Cast Conv Conv Conv Conv",
            [("", "Cast_0"), ("", "Conv_2"), ("", "Conv_4"), ("Conv_0", "Conv_1"), ("Conv_2", "Conv_3")],
        ),
    ],
)
def test_numbered_operators_are_found_between_those_that_a_compact_profile_left_out(kinds, pairs):
    before = timed("Conv Conv Conv Conv", left_out=(1, 3), at0=3.0, at2=2.0)
    first = len(kinds.split()) - 4
    after = timed(kinds, **{"at0": 3.0, f"at{first}": 3.0, f"at{2 + first}": 2.0})
    names = [
        (" ".join(before[place].name for place in match.before), " ".join(after[place].name for place in match.after))
        for match in match_operators(before, after, left_out=(2, 0))
    ]
    assert sorted(names) == sorted(pairs)


def test_what_a_fused_operator_was_split_into_is_found_beside_what_was_left_out():
    before = timed("MatMul Gelu MatMul Mean", left_out=(2, 3), at0=3.0, at1=1.0)
    after = timed("MatMul Div Erf Mul MatMul Mean", at0=3.0, at1=1.6, at2=2.0, at3=1.6)
    matches = match_operators(before, after, left_out=(2, 0))
    assert Match((1,), (1, 2, 3)) in matches
    assert Match((0,), (0,)) in matches


def test_an_operator_that_moved_is_matched_where_it_is():
    assert matched("Pool p, Conv a, Relu b", "Conv a, Relu b, Pool q") == [("a", "a"), ("b", "b"), ("p", "q")]


def test_a_name_that_several_have_is_matched_in_order_where_both_sides_have_as_many():
    one = [OperatorTimes("aten::conv", "aten::conv", (1.0,)) for _ in range(3)]
    assert sorted(match_operators(one, one)) == [Match((at,), (at,)) for at in range(3)]


def test_functions_are_the_same_by_name_and_file_also_after_a_move():
    def function(name, file, line):
        return FunctionTimes(name, file, line, (1.0,), (1.0,))

    before = [function("resize", "app/prepare.py", 10), function("crop", "app/prepare.py", 30)]
    after = [
        function("crop", "app/prepare.py", 55),
        function("resize", "lib/prepare.py", 3),
        function("new", "a.py", 1),
    ]
    assert sorted(match_functions(before, after)) == [Match((), (2,)), Match((0,), (1,)), Match((1,), (0,))]


def test_a_function_that_was_only_renamed_is_the_same():
    def function(name, milliseconds, file="app/prepare.py"):
        return FunctionTimes(name, file, 1, (milliseconds,), (milliseconds,))

    before = [function("cv2.resize in letterbox", 3.0), function("letterbox", 0.5), function("crop", 1.0, "a.py")]
    after = [function("letter_box", 0.6), function("cv2.resize in letter_box", 3.1), function("crop", 1.1, "b.py")]
    assert sorted(match_functions(before, after)) == [Match((0,), (1,)), Match((1,), (0,)), Match((2,), (2,))]
    # One that takes much longer may be another, and so may one of another kind.
    others = [function("pad", 1.5), function("numpy.pad in pad", 3.0), function("crop", 2.0, "b.py")]
    assert all(not match.before or not match.after for match in match_functions(before, others))


OPERATORS = st.lists(
    st.builds(
        OperatorTimes,
        st.sampled_from(["", "a", "b", "c", "Conv_1", "7", "x/y", "\x1b"]),
        st.sampled_from(["", "Conv", "FusedConv", "Relu", "Cast"]),
        st.just((1.0,)),
        st.lists(st.sampled_from(["p", "q", "r", "3"]), max_size=2).map(tuple),
        st.none(),
        st.none() | st.integers(0, 14),
    ),
    max_size=12,
)


@given(OPERATORS, OPERATORS, st.integers(0, 5), st.integers(0, 5))
def test_each_operator_is_in_exactly_one_match(before, after, left_out, left_out_after):
    matches = match_operators(before, after, left_out=(left_out, left_out_after))
    assert sorted(place for match in matches for place in match.before) == list(range(len(before)))
    assert sorted(place for match in matches for place in match.after) == list(range(len(after)))
    assert all(match.before or match.after for match in matches)


@pytest.mark.parametrize(("position", "left_out"), [(10**15, 1), (1, 10**15)])
def test_places_that_no_network_has_take_no_memory(position, left_out):
    network = operators("Conv a, Conv b")
    kept = [replace(conv, position=at) for conv, at in zip(network, (0, position))]
    matches = match_operators(kept, network, left_out=(left_out, 0))
    assert sorted(matches) == [Match((0,), (0,)), Match((1,), (1,))]


@given(OPERATORS)
def test_a_network_is_the_same_as_itself(network):
    assert sorted(match_operators(network, network)) == [Match((at,), (at,)) for at in range(len(network))]


def test_two_thousand_operators_of_which_no_name_is_the_same_are_matched_within_seconds():
    kinds = [("Conv", "Relu", "Add")[at * at % 3] for at in range(2000)]
    one = [OperatorTimes(f"a/{at}/x", kind, (1.0,)) for at, kind in enumerate(kinds)]
    two = [OperatorTimes(f"b/{at}/y", kind, (1.0,)) for at, kind in enumerate(reversed(kinds))]
    began = time.process_time()
    assert len(match_operators(one, two)) >= 2000
    assert time.process_time() - began < 10
