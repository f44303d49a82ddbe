from __future__ import annotations

from types import CodeType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure.call_graph import Added, CallGraph, EventCosts, FunctionLabels, Label

LENGTH = "<built-in method builtins.len>"


class Places:
    """Files of the folder ``own`` are the user's."""

    def shown(self, file):
        return file

    def is_own(self, file):
        return file.startswith("own/")


def code(name, file, line=1):
    namespace = {}
    exec(compile("\n" * (line - 1) + f"def {name}(): pass", file, "exec"), namespace)
    return namespace[name].__code__


PRE, POST = code("pre", "own/app.py", 3), code("post", "own/app.py", 9)
STACK, CHECK = code("stack", "lib/array.py", 5), code("check", "lib/array.py", 7)


def call(function, calls, self_s, total_s=None, callees=()):
    return SimpleNamespace(
        code=function,
        callcount=calls,
        inlinetime=self_s,
        totaltime=self_s if total_s is None else total_s,
        calls=callees,
    )


def costs(entries, *event_costs):
    graph = CallGraph(entries, EventCosts(*event_costs), FunctionLabels(Places()))
    return {tuple(label): (cost.self_s, cost.total_s, cost.calls) for label, cost in graph.costs().items()}


def test_a_function_in_c_is_told_by_its_caller():
    entries = [
        call(PRE, 2, 1.0, 4.0, [call(LENGTH, 5, 3.0)]),
        call(POST, 1, 2.0, 2.5, [call(LENGTH, 1, 0.5)]),
        call(LENGTH, 6, 3.5),
    ]
    assert costs(entries) == {
        ("pre", "own/app.py", 3): (1.0, 4.0, 2),
        ("post", "own/app.py", 9): (2.0, 2.5, 1),
        ("len in pre", "own/app.py", 3): (3.0, 3.0, 5),
        ("len in post", "own/app.py", 9): (0.5, 0.5, 1),
    }


def test_a_function_in_c_that_a_library_calls_is_told_by_the_users_functions_in_proportion_to_calls():
    entries = [
        call(PRE, 1, 0.0, 3.0, [call(STACK, 3, 0.0, 3.0)]),
        call(POST, 1, 0.0, 1.0, [call(STACK, 1, 0.0, 1.0)]),
        call(STACK, 4, 0.0, 4.0, [call(CHECK, 4, 0.0, 4.0)]),
        call(CHECK, 4, 0.0, 4.0, [call(LENGTH, 8, 4.0)]),
        call(LENGTH, 8, 4.0),
    ]
    found = costs(entries)
    assert found["len in pre", "own/app.py", 3] == (3.0, 3.0, 6)
    assert found["len in post", "own/app.py", 9] == (1.0, 1.0, 2)
    assert ("len in check", "lib/array.py", 7) not in found


def test_without_a_users_function_above_it_is_the_outermost_one():
    entries = [
        call(STACK, 1, 0.0, 4.0, [call(CHECK, 1, 0.0, 4.0)]),
        call(CHECK, 1, 0.0, 4.0, [call(LENGTH, 1, 4.0)]),
        call(LENGTH, 1, 4.0),
    ]
    assert costs(entries)["len in stack", "lib/array.py", 5] == (4.0, 4.0, 1)


def test_a_function_in_c_that_is_the_target_stands_alone():
    assert costs([call(LENGTH, 7, 2.0)]) == {("len", "", 0): (2.0, 2.0, 7)}


def test_what_is_called_by_both_the_loop_and_a_function_counts_for_each():
    entries = [call(PRE, 1, 0.0, 1.0, [call(LENGTH, 1, 1.0)]), call(LENGTH, 4, 3.0)]
    found = costs(entries)
    assert found["len", "", 0] == (2.0, 2.0, 3)
    assert found["len in pre", "own/app.py", 3] == (1.0, 1.0, 1)


def test_the_profilers_own_time_is_subtracted_from_the_function_and_its_caller():
    entries = [
        call(PRE, 1, 10.0, 19.0, [call(POST, 2, 4.0, 6.0), call(LENGTH, 3, 3.0)]),
        call(POST, 2, 4.0, 6.0, [call(LENGTH, 1, 2.0)]),
        call(LENGTH, 4, 5.0),
    ]
    found = costs(entries, Added(0.5, 0.25), Added(0.1, 0.05))
    # Two calls of Python code and three of C from it, and its own.
    assert found["pre", "own/app.py", 3][0] == pytest.approx(10 - 0.5 - 2 * 0.25 - 3 * 0.05)
    assert found["post", "own/app.py", 9][0] == pytest.approx(4 - 2 * 0.5 - 0.05)
    assert found["len in pre", "own/app.py", 3][0] == pytest.approx(3 - 3 * 0.1)
    added = 3 * 0.5 + 2 * 0.25 + 4 * 0.1 + 4 * 0.05
    assert found["pre", "own/app.py", 3][1] == pytest.approx(19 - added)
    assert sum(self_s for self_s, _, _ in found.values()) == pytest.approx(19 - added)


def test_methods_in_c_cost_the_profiler_more_than_functions_in_c():
    append = "<method 'append' of 'list' objects>"
    entries = [
        call(PRE, 1, 1.0, 9.0, [call(append, 4, 5.0), call(LENGTH, 1, 3.0)]),
        call(append, 4, 5.0),
        call(LENGTH, 1, 3.0),
    ]
    found = costs(entries, Added(), Added(0.2, 0.0), Added(0.5, 0.1))
    assert found["list.append in pre", "own/app.py", 3][0] == pytest.approx(5 - 4 * 0.5)
    assert found["len in pre", "own/app.py", 3][0] == pytest.approx(3 - 0.2)
    assert found["pre", "own/app.py", 3][0] == pytest.approx(1 - 4 * 0.1)


def test_no_time_is_negative_where_the_profiler_was_quicker_than_it_was_thought_to_be():
    found = costs([call(PRE, 9, 1.0, 2.0, [call(LENGTH, 9, 1.0)]), call(LENGTH, 9, 1.0)], Added(1, 1), Added(1, 1))
    assert found["pre", "own/app.py", 3] == (0.0, 0.0, 9)
    assert found["len in pre", "own/app.py", 3] == (0.0, 0.0, 9)


def test_recursion_takes_no_time_twice():
    entries = [
        call(PRE, 10, 5.0, 8.0, [call(PRE, 9, 4.0, 6.0), call(STACK, 10, 3.0, 3.0)]),
        call(STACK, 10, 3.0, 3.0),
    ]
    found = costs(entries, Added(0.1, 0.01))
    assert found["pre", "own/app.py", 3] == pytest.approx((5 - 10 * 0.1 - 19 * 0.01, 8 - 20 * 0.1 - 19 * 0.01, 10))


def test_functions_that_call_each_other_are_followed_once():
    entries = [
        call(STACK, 5, 1.0, 4.0, [call(CHECK, 5, 1.0, 3.0)]),
        call(CHECK, 5, 1.0, 3.0, [call(STACK, 4, 1.0, 2.0), call(LENGTH, 5, 2.0)]),
        call(PRE, 1, 0.0, 4.0, [call(STACK, 1, 1.0, 4.0)]),
        call(LENGTH, 5, 2.0),
    ]
    assert costs(entries)["len in pre", "own/app.py", 3] == (2.0, 2.0, 5)


def test_a_long_chain_of_calls_is_followed_without_end():
    chain = [code(f"step{number}", "lib/chain.py", number + 1) for number in range(1500)]
    entries = [call(step, 1, 1.0, 1.0, [call(after, 1, 1.0)]) for step, after in zip(chain, chain[1:])]
    entries.append(call(chain[-1], 1, 1.0, 1.0, [call(LENGTH, 1, 1.0)]))
    assert len(costs([*entries, call(LENGTH, 1, 1.0)])) == 1501


def test_a_callback_of_a_function_in_c_is_followed_up_through_it():
    sort = "<built-in method builtins.sorted>"
    entries = [
        call(PRE, 1, 0.0, 3.0, [call(sort, 1, 1.0, 3.0)]),
        call(sort, 1, 1.0, 3.0, [call(STACK, 4, 0.0, 2.0)]),
        call(STACK, 4, 0.0, 2.0, [call(LENGTH, 4, 2.0)]),
        call(LENGTH, 4, 2.0),
    ]
    found = costs(entries)
    assert found["len in pre", "own/app.py", 3] == (2.0, 2.0, 4)
    assert found["sorted in pre", "own/app.py", 3] == (1.0, 3.0, 1)


def test_code_that_is_made_anew_for_each_call_is_one_function():
    entries = [call(code("pre", "own/app.py", 3), 1, 1.0), call(code("pre", "own/app.py", 3), 1, 2.0)]
    assert costs(entries) == {("pre", "own/app.py", 3): (3.0, 3.0, 2)}


def test_what_was_measured_and_what_was_added_to_the_loop():
    entries = [call(PRE, 3, 1.0, 2.0, [call(LENGTH, 2, 1.0)]), call(LENGTH, 4, 3.0)]
    graph = CallGraph(entries, EventCosts(Added(0.0, 0.5), Added(0.0, 0.25)), FunctionLabels(Places()))
    assert graph.measured_s == 4.0
    assert graph.outside_s == 3 * 0.5 + 2 * 0.25
    assert Label("pre", "own/app.py", 3) in graph.costs()


SORT = "<method 'sort' of 'list' objects>"
FUNCTIONS = [PRE, POST, STACK, CHECK, LENGTH, SORT]
CALLS = st.recursive(
    st.tuples(st.sampled_from(FUNCTIONS), st.integers(0, 9), st.just([])),
    lambda inner: st.tuples(st.sampled_from(FUNCTIONS), st.integers(0, 9), st.lists(inner, max_size=3)),
    max_leaves=25,
)


def profiled(trees):
    """What cProfile makes of calls: each a function, its own time and the calls that it makes."""
    entries, edges = {}, {}

    def visit(tree, above):
        function, self_s, inner = tree
        total_s = self_s + sum(visit(each, [*above, function]) for each in inner)
        kept = [(entries.setdefault(function, [0, 0, 0]), function in above)]
        if above:
            within = (above[-1], function) in zip(above, above[1:])
            kept.append((edges.setdefault(above[-1], {}).setdefault(function, [0, 0, 0]), within))
        for figures, is_inner in kept:
            figures[0] += 1
            figures[1] += self_s
            figures[2] += 0 if is_inner else total_s
        return total_s

    for tree in trees:
        visit(tree, [])
    return [
        call(function, *figures, [call(callee, *inner) for callee, inner in edges.get(function, {}).items()])
        for function, figures in entries.items()
    ]


@given(st.lists(CALLS, max_size=4))
def test_no_time_and_no_call_is_lost_or_counted_twice(trees):
    entries = profiled(trees)
    found = costs(entries)
    assert sum(self_s for self_s, _, _ in found.values()) == pytest.approx(sum(entry.inlinetime for entry in entries))
    assert sum(calls for _, _, calls in found.values()) == pytest.approx(sum(entry.callcount for entry in entries))
    assert all(total_s >= self_s - 1e-9 >= -1e-9 for self_s, total_s, _ in found.values())
    # One row for each function in C and each of the user's that it is called for, or the outermost one.
    assert len(found) <= sum(isinstance(entry.code, CodeType) for entry in entries) + 2 * (len(FUNCTIONS) + 1)


@given(st.lists(CALLS, max_size=4), st.floats(0, 2), st.floats(0, 2))
def test_what_the_profiler_added_is_subtracted_once(trees, inside_s, outside_s):
    entries = profiled(trees)
    graph = CallGraph(entries, EventCosts(*[Added(inside_s, outside_s)] * 3), FunctionLabels(Places()))
    number = sum(entry.callcount for entry in entries)
    left_s = sum(cost.self_s for cost in graph.costs().values())
    added_s = number * (inside_s + outside_s) - graph.outside_s
    assert left_s >= graph.measured_s - added_s - 1e-6
    assert left_s <= graph.measured_s + 1e-6
