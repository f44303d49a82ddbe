from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's promises are Linux's")

PREAMBLE = "import os; from pytest_edgeperf.measure import launcher; "


def python(code):
    done = subprocess.run([sys.executable, "-c", PREAMBLE + code], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout.strip()


def test_a_pinned_process_and_its_threads_stay_on_their_processors():
    chosen = max(os.sched_getaffinity(0))
    status, output = python(
        f"launcher.pin([{chosen}]); import threading; "
        "thread = threading.Thread(target=lambda: print(os.sched_getaffinity(0))); thread.start(); thread.join()"
    )
    assert (status, output) == (0, f"{{{chosen}}}")


def test_no_processors_means_not_pinned():
    assert python("launcher.pin([]); print(sorted(os.sched_getaffinity(0)))") == (
        0,
        str(sorted(os.sched_getaffinity(0))),
    )
