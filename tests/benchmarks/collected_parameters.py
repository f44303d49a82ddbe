"""A pytest plugin: writes what was collected, test id -> parameters, to the file that an environment variable names."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pytest_edgeperf.schedule.collection import parameters_of


def pytest_collection_finish(session):
    parameters = {item.nodeid: parameters_of(item) for item in session.items}
    Path(os.environ["EDGEPERF_COLLECTED"]).write_text(json.dumps(parameters), encoding="utf-8")
