import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.results.benchmark_matching import (
    align,
    canonical_id,
    differing,
    function_of,
    matches,
    two_spellings,
    without_match,
)
from pytest_edgeperf.results.parameters import stored
from pytest_edgeperf.results.types import Benchmark, Results

NET = "test_a.py::test_net"


def entry(**parameters):
    return stored(parameters)


def results(entries):
    return Results("board", benchmarks={name: Benchmark(one, {}, ()) for name, one in entries.items()})


@pytest.mark.parametrize(
    ("benchmark_id", "function"),
    [
        ("a.py::test_net[size0]", "a.py::test_net"),
        ("a.py::Group::test_net[a[0]-b]", "a.py::Group::test_net"),
        ("x[1]/a.py::test_net", "x[1]/a.py::test_net"),
        ("x::y[1]/a.py::Group::test_net[2]", "x::y[1]/a.py::Group::test_net"),
        ("trinh-2023[a]", "trinh-2023"),
        ("a.py::test_cafe\u0301[1]", "a.py::test_caf\xe9"),
    ],
)
def test_function_of_an_id(benchmark_id, function):
    assert function_of(benchmark_id) == function


def test_a_label_that_is_a_position_does_not_decide():
    base = {f"{NET}[size0]": entry(size=(64, 64)), f"{NET}[size1]": entry(size=(512, 512))}
    now = {f"{NET}[size0]": entry(size=(512, 512)), f"{NET}[size1]": entry(size=(64, 64))}
    assert matches(base, now) == {f"{NET}[size0]": f"{NET}[size1]", f"{NET}[size1]": f"{NET}[size0]"}
    aligned = align(results(base), now)
    assert {name: one.parameters for name, one in aligned.benchmarks.items()} == now


def test_a_value_that_moved_in_the_list_takes_its_entry_along():
    base = {f"{NET}[size0]": entry(size=[64])}
    now = {f"{NET}[size0]": entry(size=[32]), f"{NET}[size1]": entry(size=[64])}
    assert matches(base, now) == {f"{NET}[size1]": f"{NET}[size0]"}
    assert list(align(results(base), now).benchmarks) == [f"{NET}[size1]"]


def test_an_entry_whose_id_another_benchmark_has_now_is_named_by_its_values():
    base = {f"{NET}[size0]": entry(size=[64]), f"{NET}[size1]": entry(size=[512])}
    aligned = align(results(base), {f"{NET}[size0]": entry(size=[512])})
    assert {name: one.parameters["size"] for name, one in aligned.benchmarks.items()} == {
        f"{NET}[size0]": [512],
        f"{NET}[size=[64]]": [64],
    }


def test_new_labels_for_the_same_values():
    assert matches({f"{NET}[size0]": entry(size=[64])}, {f"{NET}[small]": entry(size=[64])}) == {
        f"{NET}[small]": f"{NET}[size0]"
    }


def test_values_of_another_function_are_no_match():
    assert matches({f"{NET}[64]": entry(size=64)}, {"test_a.py::test_other[64]": entry(size=64)}) == {}


def test_the_same_label_for_other_values_is_no_match_and_says_what_differs():
    base, now = entry(size=[64], precision="fp32"), entry(size=[512], precision="fp32")
    assert matches({f"{NET}[small]": base}, {f"{NET}[small]": now}) == {}
    assert differing(base, now) == {"size": ([64], [512])}


@pytest.mark.parametrize(
    ("older", "value"),
    [
        ("(64, 64)", (64, 64)),
        ("[1.5, 'a']", [1.5, "a"]),
        ("{'a': (1, 2)}", {"a": (1, 2)}),
        ("b'\\x00\\x01'", b"\0\1"),
        (64.0, 64),
        ("caf\u0065\u0301", "caf\xe9"),
        ("<object object at 0x7f1234567890>", object()),
        ("[0 1 2]", [0, 1, 2]),
    ],
)
def test_values_of_older_files_are_the_same(older, value):
    assert not differing({"p": older}, entry(p=value))
    assert matches({f"{NET}[p0]": {"p": older}}, {f"{NET}[p0]": entry(p=value)}) == {f"{NET}[p0]": f"{NET}[p0]"}


def test_a_file_that_holds_no_parameters_is_matched_by_the_id():
    assert matches({f"{NET}[p0]": {}}, {f"{NET}[p0]": entry(p=(1, 2))}) == {f"{NET}[p0]": f"{NET}[p0]"}


def test_both_spellings_of_a_letter_are_one_id():
    composed, decomposed = "test_caf\xe9.py::test_net", "test_cafe\u0301.py::test_net"
    assert canonical_id(decomposed) == composed
    assert matches({decomposed: {}}, {composed: {}}) == {composed: decomposed}
    assert without_match({decomposed: {}, composed: {}}, {composed: {}}) == []
    assert two_spellings([decomposed, "a.py::b", composed]) == [(decomposed, composed)]


class Precision:
    """Like torch.dtype: its id in pytest is a position, its text says what it is."""

    def __init__(self, name):
        self.name = name

    def __str__(self):
        return f"torch.{self.name}"


class Unprintable:
    def __str__(self):
        raise RuntimeError("no text")


def test_objects_whose_text_says_what_they_are_follow_their_text():
    base = {f"{NET}[t0]": entry(t=Precision("fp16")), f"{NET}[t1]": entry(t=Precision("fp32"))}
    now = {f"{NET}[t0]": entry(t=Precision("fp32")), f"{NET}[t1]": entry(t=Precision("fp16"))}
    assert matches(base, now) == {f"{NET}[t0]": f"{NET}[t1]", f"{NET}[t1]": f"{NET}[t0]"}


@pytest.mark.parametrize("value", [object(), Unprintable(), lambda: None, Precision("changes")])
def test_objects_that_cannot_be_compared_are_matched_by_the_id_only(value):
    base = {f"{NET}[p0]": entry(p=type(value)("before") if isinstance(value, Precision) else value)}
    assert matches(base, {f"{NET}[p0]": entry(p=value)}) == {f"{NET}[p0]": f"{NET}[p0]"}
    if not isinstance(value, Precision):
        assert matches(base, {f"{NET}[p1]": entry(p=value)}) == {}


def test_big_values_are_stored_as_their_digest_and_compared_by_it():
    numpy = pytest.importorskip("numpy")
    for one, other in [
        (b"\0" * 10**6, b"\0" * (10**6 - 1) + b"\1"),
        ("a" * 10**5, "a" * (10**5 - 1) + "b"),
        (list(range(10**5)), [*range(10**5 - 1), 0]),
        (numpy.zeros((3, 224, 224)), numpy.ones((3, 224, 224))),
        (bytearray(b"ab"), bytearray(b"ac")),
    ]:
        assert len(str(entry(p=one))) < 200
        assert entry(p=one) == entry(p=one)
        assert differing(entry(p=one), entry(p=other))


def test_an_array_of_another_shape_is_another_value():
    numpy = pytest.importorskip("numpy")
    assert differing(entry(p=numpy.zeros((2, 3))), entry(p=numpy.zeros((3, 2))))


@pytest.mark.parametrize(
    "value", [float("inf"), float("nan"), -float("inf"), 10**400, {1: 2}, Unprintable, Unprintable()]
)
def test_what_a_results_file_cannot_hold_is_stored_as_something_that_it_can(value):
    json.dumps(entry(p=value), allow_nan=False)


def test_lists_tuples_and_dicts_are_json():
    assert entry(a=(1, (2.5, None)), b={"c": [True]}) == {"a": [1, [2.5, None]], "b": {"c": [True]}}


def test_a_list_that_holds_itself_ends():
    circular = []
    circular.append(circular)
    assert entry(p=circular)["p"]["$type"] == "list"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(VALUES, max_size=6), st.randoms())
def test_any_order_of_any_values_finds_each_value_again(values, rng):
    base = {f"{NET}[p{i}]": entry(p=value) for i, value in enumerate(values)}
    shuffled = list(values)
    rng.shuffle(shuffled)
    now = {f"{NET}[p{i}]": entry(p=value) for i, value in enumerate(shuffled)}
    found = matches(base, now)
    assert len(set(found.values())) == len(found)
    for name, old in found.items():
        assert not differing(base[old], now[name])
    aligned = align(results(base), now)
    assert sorted(str(one.parameters) for one in aligned.benchmarks.values()) == sorted(map(str, base.values()))
