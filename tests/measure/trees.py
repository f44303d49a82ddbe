"""Real projects in git, installed as their users do, and workers of each side of a comparison."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_edgeperf.measure import launcher, protocol
from pytest_edgeperf.measure.channel import Channel, ChannelClosed
from pytest_edgeperf.measure.protocol import Specification
from pytest_edgeperf.schedule.against.side_specification import side_specification, two_sides

BENCHMARK = """
from {module} import SIDE, __file__ as loaded_from

def test_side(timed_inference):
    print("SIDE", SIDE, loaded_from)
    timed_inference(len, "abc")
"""
SETUPTOOLS = """
[build-system]
requires = ["setuptools>=64"]
build-backend = "setuptools.build_meta"
[project]
name = "sided"
version = "1"
"""
HATCHLING = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "sided"
version = "1"
"""
WORKER_OFF = [one for name in ("terminal", "cacheprovider", "randomly", "pytest_cov") for one in ("-p", f"no:{name}")]


def run(*command, cwd, env=None):
    done = subprocess.run(
        [str(one) for one in command], cwd=str(cwd), env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def environment():
    """The variables of a worker: nothing of this pytest session, no other repository."""
    others = ("PYTEST_", "GIT_", "PYTHON", "PIP_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    # Where pip's configuration names pages with links, it reads them without an index too.
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PIP_CONFIG_FILE": os.devnull}
    return {**kept, **own}


class Repository:
    """A checkout whose package says ``candidate``, and a worktree of the commit before, where it says ``base``."""

    def __init__(self, path):
        self.checkout = path / "checkout"
        self.worktree = path / "worktree"
        self.checkout.mkdir(parents=True)
        self.git("init", "--quiet")
        self.write(".gitignore", "*.so\n_version.py\n__pycache__/\nbuild/\n*.egg-info/\n.venv/\n")

    def git(self, *arguments):
        who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")
        return run("git", *who, *arguments, cwd=self.checkout, env=environment())

    def write(self, name, text):
        path = self.checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def suite(self, module, file, *, project=None, more=()):
        """Commit a base with ``file`` for ``module``, then leave the candidate's uncommitted."""
        if project is not None:
            self.write("pyproject.toml", project)
        self.write("bench/test_it.py", BENCHMARK.format(module=module))
        for name, text in dict(more).items():
            self.write(name, text)
        self.write(file, "SIDE = 'base'\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=base")
        self.git("worktree", "add", "--quiet", "--detach", self.worktree, "HEAD")
        self.write(file, "SIDE = 'candidate'\n")
        return self


class Environment:
    """A virtual environment that sees what this one has, for what must be installed."""

    def __init__(self, path, *, without=None):
        run(sys.executable, "-m", "venv", "--without-pip", path, cwd=path.parent, env=environment())
        self.path = path
        self.python = path / "bin" / "python"
        purelib = run(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=path)
        self.packages = Path(purelib.strip())
        ours = [Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
        if without is None:
            lines = [f"import site; site.addsitedir({str(entry)!r})\n" for entry in ours]
            (self.packages / "ours.pth").write_text("".join(lines))
        else:
            for one in (one for entry in ours for one in entry.iterdir()):
                if without not in one.name and one.suffix != ".pth" and not (self.packages / one.name).exists():
                    (self.packages / one.name).symlink_to(one)

    def install(self, project, *options):
        """Install with the real pip and the real build backend, without network."""
        alone = ("--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
        command = (sys.executable, "-m", "pip", "--python", self.python, "install", *alone, *options)
        run(*command, project, cwd=project, env=environment())

    def search_path(self, cwd):
        code = "import json, sys; print(json.dumps(sys.path[1:]))"
        return json.loads(run(self.python, "-c", code, cwd=cwd, env=environment()))


def sides_of(repository):
    base, candidate = two_sides(repository.checkout, repository.worktree)
    return SimpleNamespace(base=base, candidate=candidate)


def specification(repository, search_path, *, nodeid="bench/test_it.py::test_side", options=()):
    """What the coordinator would hand to an ordinary worker of this checkout."""
    root = repository.checkout
    return Specification(
        nodeid=nodeid,
        args=[f"--rootdir={root}", f"--confcutdir={root}", *WORKER_OFF, *options],
        targets=[f"{root}/{nodeid}"],
        options={"capture": "no"},
        sys_path=list(search_path),
        settings={"budget_s": 0.01, "threads": 1, "cpus": "off"},
    )


def work(python, side, ordinary, *, own_python=False, env=()):
    """Run a real worker of ``side`` to its end; what it loaded, its reports and its problems."""
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    with theirs:
        process = subprocess.Popen(
            [str(python), launcher.__file__, str(theirs.fileno()), str(os.getpid())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=side.checkout,
            env={**environment(), **dict(env)},
            text=True,
        )
    channel.send(side_specification(ordinary, side, own_python=own_python).to_message())
    events = []
    with process:
        try:
            while not events or not isinstance(events[-1], protocol.Ended):
                message = channel.receive(120)
                assert message is not None, "the worker hangs"
                event = protocol.event_of(message)
                events.append(event)
                if isinstance(event, protocol.Ready):
                    channel.send(protocol.message_of(protocol.TimeBlock(seconds=0.001)))
                if isinstance(event, protocol.BlockTimed):
                    channel.send(protocol.message_of(protocol.Finish()))
        except ChannelClosed:
            pass
        channel.close()
        output = process.communicate(timeout=60)[0]
    said = [line.split() for line in output.splitlines() if line.startswith("SIDE ")]
    reports = [event.report for event in events if isinstance(event, protocol.Reported)]
    failures = [str(report["longrepr"]) for report in reports if report["outcome"] == "failed"]
    uncollected = [event.text for event in events if isinstance(event, protocol.CollectionFailed)]
    return SimpleNamespace(
        side=said[0][1] if said else None,
        file=said[0][2] if said else None,
        problems=[text for event in events if isinstance(event, protocol.WrongCode) for text in event.problems],
        errors="\n".join(uncollected + failures),
        events=[protocol.name_of(type(event)) for event in events],
        output=output,
    )


def both(python, repository, search_path, **keywords):
    sides = sides_of(repository)
    ordinary = specification(repository, search_path)
    return work(python, sides.base, ordinary, **keywords), work(python, sides.candidate, ordinary, **keywords)


def needs(*names):
    """Skip where a build backend is not installed, or too old to install editable; no network is asked for it."""
    for name in names:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed")
        if name == "setuptools" and int(version.split(".")[0]) < 64:
            pytest.skip(f"setuptools {version} cannot install editable from pyproject.toml; 64 can")
