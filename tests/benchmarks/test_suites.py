from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import suites
from papers import suo_2021
from papers.suo_2021 import TABLE_1_BFLOPS
from studies import SUO_2021_EXPERIMENT_1, SUO_2021_EXPERIMENT_1_TINY

#: Each collects the benchmarks in another process.
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
FILE = "benchmarks/test_framework_comparison.py"


def collected(*arguments):
    child = subprocess.run(
        [sys.executable, "-m", "pytest", FILE, "--collect-only", "-q", "--framework=onnxruntime,torch", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider"},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stdout + child.stderr
    lines = child.stdout.splitlines()
    prefix = f"{FILE}::"
    return [line[len(prefix) :] for line in lines if line.startswith(prefix)], lines[-1]


def test_the_default_suite_and_what_it_leaves_out():
    ids, summary = collected()
    assert sorted(ids) == sorted(
        f"test_{network}[{framework}-fp32-{resolution}]"
        for network, resolutions in [
            ("yolov3_tiny", (256, 320, 416)),
            ("resnet18", (160,)),
            ("mobilenetv2", (224,)),
        ]
        for framework in ("onnxruntime", "torch")
        for resolution in resolutions
    )
    assert "38 deselected" in summary


def test_the_full_suite_has_the_papers_resolutions_per_framework():
    ids, summary = collected("--suite=full")
    resolutions = (320, 416, 448, 480, 512, 544, 576, 608, 640, 672, 704, 736, 800)
    assert sorted(one for one in ids if one.startswith("test_yolov3[")) == sorted(
        f"test_yolov3[{framework}-fp32-{resolution}]"
        for framework in ("onnxruntime", "torch")
        for resolution in resolutions
    )
    assert len(ids) == 48
    assert "deselected" not in summary


def test_the_published_lines_are_the_papers_formulas():
    def at(series, metric, x):
        return [
            line.slope * x + line.intercept
            for line in SUO_2021_EXPERIMENT_1.references
            if (line.series, line.metric) == (f"{series}, Jetson Nano", metric)
            and (line.x_from is None or line.x_from <= x <= line.x_to)
        ]

    assert at("TensorFlow", "latency", 100) == [pytest.approx(1019 + 411.64)]
    assert at("PyTorch", "latency", 50) == [pytest.approx(733 + 230.89)]
    assert at("PyTorch", "latency", 90) == []
    assert at("PyTorch", "latency", 100) == [pytest.approx(770 + 430.06)]
    assert at("PyTorch", "latency", 150) == [pytest.approx(1608 - 116.07)]
    assert at("TensorRT", "latency", 100) == [pytest.approx(532 + 37.62)]
    assert at("PyTorch", "memory_system_peak", 100) == [pytest.approx(1436 + 1393.52)]
    assert {line.unit for line in SUO_2021_EXPERIMENT_1.references} == {"ms", "MB"}
    assert SUO_2021_EXPERIMENT_1_TINY.references == SUO_2021_EXPERIMENT_1.references


def test_the_published_pieces_end_at_measured_complexities():
    ends = {end for line in suo_2021.LINES for end in (line.x_from, line.x_to)} - {None}
    assert ends <= set(TABLE_1_BFLOPS.values())


#: What a user with a runtime alone does not have.
ABSENT = (
    "faster_coco_eval",
    "filelock",
    "onnx",
    "psutil",
    "pytorchcv",
    "sklearn",
    "tensorflow",
    "torch",
    "torchvision",
)


def test_all_are_collected_where_nothing_but_a_runtime_is_installed(tmp_path):
    (tmp_path / "absent.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({ABSENT}))\n")
    paths = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    child = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "absent",
            "benchmarks",
            "--collect-only",
            "-q",
            "--framework=onnxruntime",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider", "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stdout + child.stderr


#: Prints how many benchmarks of each file each suite has, as JSON, with one framework.
COUNTING = """
import collections, json, sys
sys.path.insert(0, "benchmarks")
import pytest, suites

class Counting:
    def pytest_collection_finish(self, session):
        found = {
            suite: collections.Counter(item.path.stem[5:] for item in session.items if suites.belongs(item, suite))
            for suite in suites.SUITES
        }
        print("NUMBERS", json.dumps(found))

arguments = ["benchmarks", "--collect-only", "-q", "--framework=onnxruntime", "--suite=full", "-p", "no:cacheprovider"]
sys.exit(pytest.main(arguments, plugins=[Counting()]))
"""


@pytest.fixture(scope="module")
def numbers():
    """Suite -> file -> how many benchmarks it has of it, without the zoo's, of which there is one for each network."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    child = subprocess.run(
        [sys.executable, "-c", COUNTING], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    line = next(line for line in child.stdout.splitlines() if line.startswith("NUMBERS"))
    found = json.loads(line[len("NUMBERS") :])
    zoo = {suite: files.pop("model_zoo", 0) for suite, files in found.items()}
    assert zoo["default"] == zoo["suo-2021"] == zoo["mishra-2021"] == 0
    assert 0 < zoo["swaminathan-2024"] <= zoo["full"]
    return found


def test_the_default_suite_is_small(numbers):
    found = numbers["default"]
    assert found == {"framework_comparison": 5, "parallel_engines": 1, "postprocessing_profile": 1, "precision": 1}
    assert 2 * sum(found.values()) <= 16


def test_each_paper_has_its_experiments(numbers):
    assert numbers["suo-2021"] == {
        "framework_comparison": 4,
        "parallel_engines": 13,
        "postprocessing_profile": 3,
        "power": 4,
        "precision": 7,
        "resolution_scaling": 17,
    }
    assert numbers["mishra-2021"] == {
        "detector_choice": 5,
        "pipeline_optimisation": 5,
        "postprocessing_profile": 1,
        "precision": 29,
        "task_models": 4,
    }
    assert numbers["swaminathan-2024"] == {"action_recognition": 5}
    assert numbers["trinh-2023"] == {"conversion_check": 3, "pose_and_segmentation": 3, "sustained": 1, "warmup": 2}
    assert numbers["hadidi-2019"] == {"energy": 4, "precision": 5, "software_stack": 2, "virtualisation": 2}


def test_the_full_suite_has_everything(numbers):
    assert numbers["full"] == {
        "action_recognition": 13,
        "conversion_check": 9,
        "detector_choice": 10,
        "energy": 33,
        "framework_comparison": 24,
        "parallel_engines": 48,
        "pipeline_optimisation": 10,
        "pose_and_segmentation": 3,
        "postprocessing_profile": 15,
        "power": 14,
        "precision": 64,
        "resolution_scaling": 37,
        "software_stack": 16,
        "sustained": 5,
        "task_models": 4,
        "virtualisation": 5,
        "warmup": 4,
    }


@pytest.mark.parametrize(
    ("framework", "parameter", "value", "in_suite"),
    [
        ("opencv", "source", "caffe", True),
        ("opencv", "source", "darknet", True),
        ("torch", "source", "caffe", False),
        ("torch:cuda", "timing", "synchronised", True),
        ("torch:cuda", "timing", "unsynchronised", True),
        ("torch", "timing", "unsynchronised", False),
        ("onnxruntime", "timing", "synchronised", False),
        ("onnxruntime", "network", "resnet18", True),
    ],
)
def test_what_is_a_question_of_one_framework_is_asked_of_that_only(framework, parameter, value, in_suite):
    item = SimpleNamespace(
        callspec=SimpleNamespace(params={"framework": framework, parameter: value}),
        get_closest_marker={"paper_suite": SimpleNamespace(args=()), "hadidi_2019": True}.get,
    )
    assert suites.belongs(item, "hadidi-2019") is in_suite
    assert suites.belongs(item, suites.FULL) is in_suite
    assert suites.belongs(item, suites.DEFAULT) is False
