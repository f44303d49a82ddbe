from __future__ import annotations

import importlib.util
import os

import pytest
from models import check
from models.networks import NETWORKS, known, names

from pytest_edgeperf import FrameworkError

ABOUT = {"parameters": 1_235_496, "flops": 698_303_872, "largest_relative_error": 3.6e-07}


@pytest.fixture
def checked(monkeypatch):
    """What is checked instead of networks: a name's exception, or nothing."""
    failing = {}

    def fake(network):
        if network.name in failing:
            raise failing[network.name]
        return ABOUT

    monkeypatch.setattr(check, "check", fake)
    return failing


def test_every_network_gets_a_line_and_all_agree(checked, capsys):
    assert check.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(names()) + 1
    assert f"[ 1/{len(names())}] {names()[0]}" in lines[0]
    assert lines[-1] == f"{len(names())} of {len(names())} networks agree"


def test_a_line_has_input_counts_error_and_time():
    text = check.line("mobilenetv2", ABOUT, 13.84)
    assert text.split() == ["mobilenetv2", "224", "1.24", "M", "0.698", "GFLOPs", "error", "3.6e-07", "13.8", "s"]


def test_a_failure_is_told_the_others_go_on_and_the_end_is_1(checked, capsys):
    checked["mobilenetv2"] = FrameworkError("it differs by 0.2")
    checked["resnet18"] = ValueError("broken library")
    assert check.main(["resnet18", "mobilenetv2", "posenet"]) == 1
    printed = capsys.readouterr()
    assert "[ 1/3] resnet18                     FAILED after 0.0 s: ValueError: broken library" in printed.out
    assert "FrameworkError: it differs by 0.2" in printed.out
    assert printed.out.splitlines()[-1] == "1 of 3 networks agree; failed: resnet18, mobilenetv2"
    assert "Traceback" in printed.err


def test_an_unknown_name_is_refused_before_anything_is_built(checked, capsys):
    assert check.main(["mobilenetv2", "resnet19"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("no network is called 'resnet19'; known: ")
    assert printed.out == ""


def test_a_tenth_is_the_same_every_time_and_of_every_task():
    chosen = check.tenth()
    assert chosen == check.tenth()
    assert len(NETWORKS) / 10 <= len(chosen) < len(NETWORKS) / 5
    assert {known(name).task for name in chosen} == {network.task for network in NETWORKS.values()}
    assert not set(chosen) & set(check.LARGE)


def test_a_networks_own_cache_is_deleted_and_the_users_left(monkeypatch):
    seen = []

    def broken(network, resolution):
        seen.append(os.environ["EDGEPERF_CACHE_DIR"])
        raise FrameworkError("no")

    monkeypatch.setenv("EDGEPERF_CACHE_DIR", "theirs")
    monkeypatch.setattr(check.export, "export", broken)
    with pytest.raises(FrameworkError, match="no"):
        check.check(known("mobilenetv2"))
    assert os.environ["EDGEPERF_CACHE_DIR"] == "theirs"
    assert not os.path.exists(seen[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", check.tenth())
def test_a_network_agrees_between_torch_and_onnxruntime(one_thread, name):
    for library in ("onnx", "onnxruntime", known(name).source.split()[0]):
        if library in ("onnx", "onnxruntime", "torchvision", "pytorchcv") and importlib.util.find_spec(library) is None:
            pytest.skip(f"needs {library}")
    about = check.check(known(name))
    assert about["largest_relative_error"] < 1e-3
    assert about["parameters"] > 0
    assert about["flops"] > 0
