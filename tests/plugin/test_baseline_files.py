from __future__ import annotations

import json

import pytest

from .conftest import REFRESH, load_json

pytestmark = pytest.mark.slow


def spoil(path, change):
    document = load_json(path)
    change(document)
    path.write_text(json.dumps(document))


def corrupt(path):
    path.write_text("{ this is no JSON")


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


def empty(path):
    path.write_bytes(b"")


def newer(path):
    spoil(path, lambda document: document.update(version=99))


def text_for_a_number(path):
    def change(document):
        run = document["benchmarks"]["test_it.py::test_steady"]["runs"][0]
        run["latency"]["p50"] = "fast"

    spoil(path, change)


@pytest.mark.parametrize("mode", [(), REFRESH], ids=["check", "refresh"])
@pytest.mark.parametrize("damage", [corrupt, truncate, empty, newer, text_for_a_number])
def test_an_unusable_baseline_is_one_error_and_stays_as_it_is(accepted, damage, mode):
    (accepted.path / "test_it.py").write_text(
        (accepted.path / "test_it.py")
        .read_text()
        .replace("    timed_inference(", "    ran('body')\n    timed_inference(")
    )
    damage(accepted.baseline_path)
    before = accepted.baseline_path.read_bytes()
    outcome = accepted.run(*mode)
    assert outcome.code == 4, outcome
    errors = [line for line in outcome.output.splitlines() if line.startswith("ERROR")]
    assert len(errors) == 1
    assert "host.json" in errors[0]
    assert "Traceback" not in outcome.output
    assert accepted.baseline_path.read_bytes() == before
    assert accepted.ran() == []


def test_a_baseline_of_another_device_is_refused(accepted):
    spoil(accepted.baseline_path, lambda document: document.update(device="nano"))
    outcome = accepted.run()
    assert outcome.code == 4, outcome
    assert "this is a baseline of nano, not of host" in outcome
