from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from pytest_edgeperf.frameworks import probing
from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.frameworks.probing import ProbedFramework


class Runtime(ProbedFramework):
    name = "runtime"
    install_advice = "-"
    precisions = ("fp32", "fp16", "bf16")
    probe = "package.module:build_probe"
    installed = "1.0"

    def version(self):
        return self.installed

    unsupported = _load = None


Runtime.__abstractmethods__ = frozenset()


@pytest.fixture
def built(tmp_path, monkeypatch):
    """The precisions that were tried, with what the trials gave."""
    tried = []

    def build(function, model, precision, **more):
        tried.append(precision)
        if precision == "bf16":
            raise FrameworkError("the child process died")
        (tmp_path / probing.PROBED).write_text(json.dumps({"differs": build.differs}))
        return SimpleNamespace(folder=tmp_path)

    build.differs = True
    build.tried = tried
    monkeypatch.setattr(probing, "built", build)
    return build


def test_a_precision_is_tried_before_it_is_used(built):
    runtime = Runtime()
    assert runtime.unable("fp32") is None
    assert runtime.unable("int8") == "runtime has no int8, only fp32, fp16, bf16"
    assert built.tried == []
    assert runtime.unable("fp16") is None
    built.differs = False
    assert "computes convolutions in fp32" in runtime.unable("fp16")
    assert runtime.unable("bf16") == "runtime could not be tested for bf16 here: the child process died"
    assert built.tried == ["fp16", "fp16", "bf16"]


def test_what_is_not_installed_is_not_tried(built, monkeypatch):
    monkeypatch.setattr(Runtime, "installed", None)
    assert Runtime().unable("fp16") is None
    assert built.tried == []
