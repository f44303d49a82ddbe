from __future__ import annotations

import json

import pytest

SUMMARY = {
    "n": 412,
    "mean": 12.31,
    "sd": 0.42,
    "min": 11.8,
    "p05": 11.9,
    "p50": 12.2,
    "max": 19.0,
    "block_sd": {"min": 0.004, "p50": 0.011},
}
RUN = {
    "environment": "8c1f0e2a",
    "started": "2026-11-20T12:00:00Z",
    "session": "20261120T115800Z-7f3a",
    "boot": "b1946ac9",
    "commit": "1a2b3c4",
    "reason": "first baseline",
    "latency": SUMMARY,
    "memory_process_peak": 412.5,
    "quality": {"disturbed": False, "canary_ms": [0.131, 0.129], "cpu_share": 0.99},
}
DOCUMENT = {
    "format": "edgeperf-results",
    "version": 1,
    "device": "nano",
    "environments": {
        "8c1f0e2a": {"fingerprint": {"device": "nano", "memory_mib": 4096}, "software": {"python": "3.8.10"}}
    },
    "benchmarks": {
        "test_a.py::test_b[416]": {
            "parameters": {"resolution": 416},
            "metrics": {
                "latency": {"unit": "ms", "better": "lower"},
                "memory_process_peak": {"unit": "MiB", "better": "lower"},
            },
            "runs": [RUN, {**RUN, "started": "2026-11-20T12:01:00Z"}, {**RUN, "started": "2026-11-20T12:02:00Z"}],
        }
    },
}
ID = "test_a.py::test_b[416]"


@pytest.fixture
def document():
    """A document that the schema allows, for the test to spoil."""
    return json.loads(json.dumps(DOCUMENT))


@pytest.fixture
def only(document):
    return document["benchmarks"][ID]
