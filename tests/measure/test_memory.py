from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pytest_edgeperf.measure.memory import forget_peak, process_mib, process_peak_mib

BIG_PARENT = """
import json, subprocess, sys
from pytest_edgeperf.measure.memory import process_peak_mib
held = b"x" * (256 << 20)
child = "from pytest_edgeperf.measure.memory import process_peak_mib; print(process_peak_mib())"
answer = subprocess.run([sys.executable, "-c", child], stdout=subprocess.PIPE, check=True).stdout
print(json.dumps([process_peak_mib(), float(answer)]))
"""


def test_the_peak_is_the_high_water_mark_in_mib(tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmPeak:\t 900000 kB\nVmHWM:\t   43008 kB\nVmRSS:\t   1024 kB\n")
    assert process_peak_mib(status) == 42.0


def test_a_kernel_that_does_not_tell_gives_none_and_not_zero(tmp_path):
    status = tmp_path / "status"
    assert process_peak_mib(status) is None
    status.write_text("Name:\tpython\n")
    assert process_peak_mib(status) is None


@pytest.mark.skipif(process_peak_mib() is None, reason="the kernel does not tell a process's peak")
def test_a_fresh_process_does_not_inherit_the_peak_of_a_big_parent():
    done = subprocess.run([sys.executable, "-c", BIG_PARENT], stdout=subprocess.PIPE, check=True)
    parent, child = json.loads(done.stdout)
    assert parent > 256
    assert 0 < child < parent / 3


def test_a_peak_can_be_forgotten_where_the_kernel_lets_it(tmp_path):
    code = (
        "from pytest_edgeperf.measure.memory import forget_peak, process_mib, process_peak_mib\n"
        "held = b'x' * (64 << 20)\n"
        "del held\n"
        "before = process_peak_mib()\n"
        "print(forget_peak(), before - process_peak_mib(), process_mib() <= process_peak_mib())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, text=True)
    forgot, fell, consistent = done.stdout.split()
    assert consistent == "True"
    assert (float(fell) > 32) == (forgot == "True")
    assert not forget_peak(tmp_path / "no such folder" / "clear_refs")
    assert process_mib(tmp_path / "status") is None
