from __future__ import annotations

import os
import time

import pytest

from .chromium import Chromium, lacking

#: The process that installs a browser meanwhile, as .ci/run starts one, and how long it is waited for.
INSTALLER, PATIENCE_S = "EDGEPERF_BROWSER_INSTALLER", 600.0


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    installer, ends = os.environ.get(INSTALLER), time.monotonic() + PATIENCE_S
    while installer and _runs(int(installer)) and time.monotonic() < ends:
        time.sleep(0.5)
    reason = lacking()
    if reason is not None:
        pytest.skip(reason)
    browser = Chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


def _runs(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
