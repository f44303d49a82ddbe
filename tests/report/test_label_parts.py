"""Names below a heading are parted between whole values of parameters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.report.grouping import Member, Row, Text, grouped
from pytest_edgeperf.report.label_parts import label_parts, shared_parts
from pytest_edgeperf.report.text import Paper

PLAIN = {"framework": "torch", "precision": "fp32"}


def shown(benchmarks):
    """The heading, and what stands in the rows below it."""
    members = [Member(f"a.py::test_a[{label}]", at, parameters=known) for at, (label, known) in enumerate(benchmarks)]
    heading, *rows = grouped(members, Paper(100), said="a.py")
    assert isinstance(heading, Text)
    assert all(isinstance(row, Row) for row in rows)
    return heading.text, [row.name for row in rows]


def test_a_value_with_hyphens_is_one_part():
    known = {**PLAIN, "network": "yolov3-tiny", "size": 416, "sure": True, "rate": 0.5, "nothing": None}
    label = "torch-fp32-yolov3-tiny-416-True-0.5-shape0"
    assert label_parts(label, known) == ["torch", "fp32", "yolov3-tiny", "416", "True", "0.5", "shape0"]
    assert label_parts("yolov3-tiny-yolov3", {"a": "yolov3", "b": "yolov3-tiny"}) == ["yolov3-tiny", "yolov3"]
    assert label_parts("tiny-416", {"size": 41}) == ["tiny", "416"]
    assert label_parts("-1-", {"offset": -1}) == ["-1", ""]


def test_a_heading_takes_whole_values_only():
    networks = ("yolov3-tiny", "yolov3", "yolov3-spp")
    known = [(f"torch-fp32-{name}-416-cpu", {**PLAIN, "network": name, "size": 416}) for name in networks]
    assert shown(known) == ("test_a[torch-fp32-…-416-cpu]", list(networks))
    same = [(f"torch-fp32-yolov3-tiny-{size}", {**PLAIN, "network": "yolov3-tiny"}) for size in (320, 416)]
    assert shown(same) == ("test_a[torch-fp32-yolov3-tiny-…]", ["320", "416"])
    alike = [(f"torch-{name}", {"network": name}) for name in ("resnet-18", "resnet-50")]
    assert shown(alike) == ("test_a[torch-…]", ["resnet-18", "resnet-50"])


def test_without_parameters_nothing_that_may_be_part_of_a_value_is_shared():
    labels = ["torch-fp32-yolov3-tiny-416-cpu", "torch-fp32-yolov3-416-cpu"]
    heading, rows = shown([(label, {}) for label in labels])
    assert heading == "test_a[torch-fp32-…]"
    assert rows == ["yolov3-tiny-416-cpu", "yolov3-416-cpu"]
    assert shown([(f"torch-fp32-{size}", {}) for size in (320, 416)]) == ("test_a[torch-fp32-…]", ["320", "416"])


WORDS = st.lists(st.sampled_from(["a", "b", "a-b", "b-a-b", "1", "-1", ""]), min_size=1, max_size=4)


@given(st.lists(st.tuples(WORDS, st.booleans()), min_size=1, max_size=4))
def test_parts_make_the_label_again(several):
    labels = ["-".join(values) for values, _ in several]
    parameters = [dict(enumerate(values)) if known else {} for values, known in several]
    parts = [label_parts(label, known) for label, known in zip(labels, parameters)]
    assert ["-".join(each) for each in parts] == labels
    first, last = shared_parts(parts)
    assert all(first + last < len(each) for each in parts)
    assert len({tuple(each[:first]) for each in parts}) == 1
    assert len({tuple(each[len(each) - last :]) for each in parts}) == 1
