from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pytest_edgeperf.measure.own_memory import private_mib, process_peak_mib

BIG_PARENT = """
import json, subprocess, sys
from pytest_edgeperf.measure.own_memory import process_peak_mib
held = b"x" * (256 << 20)
child = "from pytest_edgeperf.measure.own_memory import process_peak_mib; print(process_peak_mib())"
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


def test_what_a_forked_process_has_of_its_own(tmp_path):
    code = (
        "import os\n"
        "from pytest_edgeperf.measure.own_memory import private_mib\n"
        "shared = bytearray(os.urandom(1 << 20)) * 96\n"
        "if os.fork() == 0:\n"
        "    before = private_mib()\n"
        "    own = bytearray(os.urandom(1 << 20)) * 48\n"
        "    print(before, private_mib() - before, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, text=True)
    before, own = map(float, done.stdout.split())
    assert before < 48
    assert 46 < own < 52


def test_private_memory_is_read_from_the_older_file_too(tmp_path):
    assert private_mib(tmp_path) is None
    (tmp_path / "smaps").write_text("a\nPrivate_Clean: 1024 kB\nPrivate_Dirty: 512 kB\nb\nPrivate_Dirty: 512 kB\n")
    assert private_mib(tmp_path) == 2.0
