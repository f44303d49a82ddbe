"""The tour's files and commands, as a reader would type them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .plugin.conftest import own_plugins
from .sessions import PLUGIN_ALONE

TOUR = Path(__file__).parents[1] / "docs" / "tour.md"
BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"\s+# exits (\d+)$")
PROGRAMS = {
    "pytest": [sys.executable, "-m", "pytest"],
    "edgeperf": [sys.executable, "-c", "from pytest_edgeperf.cli import main; main()"],
}


def steps():
    """Files to write and commands to run, in the order of the page."""
    for language, text in BLOCKS.findall(TOUR.read_text(encoding="utf-8")):
        if language in ("python", "ini"):
            first, _, rest = text.partition("\n")
            yield "write", first.lstrip("# "), rest
        elif language == "console":
            for line in text.splitlines():
                if line.startswith("$ "):
                    code = EXIT.search(line)
                    command = EXIT.sub("", line[2:])
                    yield "run", command, int(code.group(1)) if code else 0


@pytest.mark.quiet
@pytest.mark.long
def test_every_command_of_the_tour_does_what_the_tour_says(tmp_path):
    environment = {**os.environ, "EDGEPERF_CACHE_DIR": str(tmp_path / "cache"), "EDGEPERF_LOCK_DIR": str(tmp_path)}
    # A reader has a quiet machine, ten seconds between rounds, nine rounds at most, and finer figures.
    options = " ".join(("-p edgeperf --edgeperf-spacing=0 --edgeperf-budget=0.1", *own_plugins(tmp_path)))
    options += " --edgeperf-max-rounds=6"
    environment.update(PLUGIN_ALONE, PYTEST_ADDOPTS=options, PYTHONPATH=str(tmp_path))
    ran = []
    for action, name, content in steps():
        if action == "write":
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content)
            continue
        program, *arguments = shlex.split(name)
        if "--baseline=refresh" in arguments:
            # The reader's seventeen show nothing more of what the page says.
            arguments.append("--edgeperf-rounds=6")
        done = subprocess.run(
            [*PROGRAMS[program], *arguments],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ran.append(name)
        assert done.returncode == content, f"$ {name}\n{done.stdout}"
    assert len(ran) == 8
    assert (tmp_path / "now.json").exists()
