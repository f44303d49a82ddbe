from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from .processes import alive, gone_in_time, wait_for

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's promises are Linux's")

MEASURES = """
from pytest_edgeperf.schedule import repeated_session
repeated_session.run_session(["sh", "-c", "echo $$ > session.tmp; mv session.tmp session; exec sleep 300"], None)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_the_session_of_a_killed_noise_measurement_ends_too(tmp_path, number):
    with subprocess.Popen([sys.executable, "-c", MEASURES], cwd=str(tmp_path)) as measuring:
        session = int(wait_for(tmp_path / "session"))
        assert alive(session)
        measuring.send_signal(number)
    assert gone_in_time(session)
