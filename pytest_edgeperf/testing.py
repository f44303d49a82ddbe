"""What every inference runtime has to pass, ours and other packages'.

A package that adds a framework tests it with a class of its own::

    from pytest_edgeperf.testing import FrameworkContract

    class TestMyRuntime(FrameworkContract):
        framework_name = "my-runtime"

The network is small and made here: a convolution, a rectifier, a mean over the image and a linear layer, with its
outputs computed by numpy. A runtime that reads another format than ONNX gives it in ``sources``.
"""

from __future__ import annotations

import gc
import json
import os
import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Tuple

import pytest

from pytest_edgeperf.frameworks import registry
from pytest_edgeperf.frameworks.interface import (
    PRECISIONS,
    Engine,
    Framework,
    FrameworkError,
    Inputs,
    Model,
    NoPlacement,
    Reference,
    TensorSpec,
    described,
)
from pytest_edgeperf.frameworks.profiling import NoProfile
from pytest_edgeperf.measure.own_memory import process_mib
from pytest_edgeperf.measure.pipeline import Pipeline

SHAPE = (1, 3, 32, 32)
CHANNELS = 16
CLASSES = 10
#: The largest error as a share of the largest output; real networks, which are deeper, are allowed more.
TOLERANCES = {"fp32": 1e-5, "tf32": 2e-3, "fp16": 5e-3, "bf16": 3e-2, "int8": 1e-1}
#: Of the linear layer of the network with which memory is measured: 32 MiB of weights in fp32.
WIDE = 1 << 19


def weights(classes: int = CLASSES) -> Dict[str, Any]:
    """The network's seeded weights, float32: ``kernel`` [16, 3, 3, 3], ``bias`` [16], ``matrix`` [16, classes]."""
    import numpy as np

    generator = np.random.default_rng(20261121)
    return {
        "kernel": (generator.standard_normal((CHANNELS, 3, 3, 3)) / 5).astype(np.float32),
        "bias": generator.standard_normal(CHANNELS).astype(np.float32) / 10,
        "matrix": (generator.standard_normal((CHANNELS, classes)) / 4).astype(np.float32),
    }


def expected(images: Any, classes: int = CLASSES) -> Any:
    """What a right engine gives for ``images`` [1, 3, 32, 32]: [1, classes], in float64 by numpy."""
    import numpy as np

    made = weights(classes)
    padded = np.pad(images.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    features = np.einsum("nchwij,ocij->nohw", windows, made["kernel"].astype(np.float64))
    features = np.maximum(features + made["bias"][None, :, None, None], 0)
    return features.mean(axis=(2, 3)) @ made["matrix"].astype(np.float64)


def write_onnx(path: str, classes: int = CLASSES) -> str:
    """Write the network as an ONNX file (opset 13); its path."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Conv", ["images", "kernel", "bias"], ["convolved"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["convolved"], ["rectified"]),
        helper.make_node("GlobalAveragePool", ["rectified"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "matrix"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "contract",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, classes])],
        [numpy_helper.from_array(array, name) for name, array in weights(classes).items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def torch_network(classes: int = CLASSES) -> Any:
    """The network as an ``nn.Module`` in evaluation mode."""
    import torch

    made = {name: torch.from_numpy(array) for name, array in weights(classes).items()}
    convolution = torch.nn.Conv2d(3, CHANNELS, 3, padding=1)
    linear = torch.nn.Linear(CHANNELS, classes, bias=False)
    with torch.no_grad():
        convolution.weight.copy_(made["kernel"])
        convolution.bias.copy_(made["bias"])
        linear.weight.copy_(made["matrix"].T)
    layers = [convolution, torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), linear]
    return torch.nn.Sequential(*layers).eval()


def images(count: int = 2) -> List[Any]:
    """Seeded inputs that differ, float32 [1, 3, 32, 32]."""
    import numpy as np

    generator = np.random.default_rng(7)
    return [generator.standard_normal(SHAPE).astype(np.float32) for _ in range(count)]


class FrameworkContract:
    """What a framework promises; a test class for pytest, skipped where the framework is not installed."""

    #: As typed in ``--framework``, with a variant if it has one.
    framework_name = ""
    #: Its engines may infer in several threads at once, each its own, so many times.
    concurrent = True
    repetitions = 20

    def sources(self, folder: Path, classes: int) -> Mapping[str, Callable[[], Any]]:
        """The network in the formats that the framework may read; a child class adds its own."""
        pytest.importorskip("onnx")
        return {
            "onnx": partial(str, write_onnx(str(folder / f"contract-{classes}.onnx"), classes)),
            "torch": partial(torch_network, classes),
        }

    def damaged(self, folder: Path) -> Model:
        """A model whose file is no model; a framework that reads no ONNX gives another."""
        path = folder / "damaged.onnx"
        path.write_bytes(b"this is no network")
        return Model("damaged", {"onnx": partial(str, path)}, (TensorSpec("images", SHAPE),))

    def missing(self, folder: Path) -> Model:
        """A model whose file is not there."""
        return Model("missing", {"onnx": partial(str, folder / "missing.onnx")}, (TensorSpec("images", SHAPE),))

    # What the tests share.

    @pytest.fixture
    def framework(self) -> Framework:
        """The framework under test."""
        framework = registry.get(self.framework_name)
        if framework.version() is None:
            pytest.skip(f"{framework.full_name} is not installed: {framework.install_advice}")
        return framework

    @pytest.fixture
    def model(self, tmp_path: Path) -> Model:
        """The small network with its reference."""
        return self.a_model(tmp_path)

    def a_model(self, folder: Path, classes: int = CLASSES) -> Model:
        """The network with ``classes`` outputs, its reference and a calibration set."""
        return Model(
            f"contract-{classes}",
            self.sources(folder, classes),
            (TensorSpec("images", SHAPE),),
            reference=partial(_reference, classes),
            calibration=lambda: Inputs.of(images(16)),
        )

    # The promises.

    def test_it_says_what_it_is(self, framework: Framework) -> None:
        """Name, version, precisions and advice are there before anything is loaded."""
        assert framework.full_name == self.framework_name
        assert framework.version()
        assert framework.install_advice
        assert set(framework.offered) <= set(PRECISIONS)
        assert "fp32" in framework.offered
        assert list(framework.providers())

    def test_an_unknown_precision_is_an_error_and_an_absent_one_a_reason(
        self, framework: Framework, model: Model
    ) -> None:
        """``fp23`` is a mistake; a precision that it lacks is refused with a sentence by ``load`` as well."""
        with pytest.raises(FrameworkError, match="unknown precision 'fp23'"):
            framework.unsupported(model, "fp23")
        for precision in PRECISIONS:
            reason = framework.unsupported(model, precision)
            if precision not in framework.offered:
                assert reason is not None
                assert precision in reason
            if reason is not None:
                with pytest.raises(FrameworkError):
                    framework.load(model, precision=precision)

    @pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16", "int8"])
    def test_outputs_are_right_and_follow_the_inputs(self, framework: Framework, model: Model, precision: str) -> None:
        """At each precision that it offers: two inputs, two answers, both right; and it says what it really is."""
        import numpy as np

        reason = framework.unsupported(model, precision)
        if reason is not None:
            pytest.skip(reason)
        engine = framework.load(model, precision=precision)
        first, second = (engine.infer(image)[0].copy() for image in images())
        assert first.dtype in (np.float32, np.float64)
        assert not np.array_equal(first, second)
        for output, image in zip((first, second), images()):
            right = expected(image)
            assert np.abs(output.reshape(right.shape) - right).max() <= TOLERANCES[precision] * np.abs(right).max()
        assert Pipeline(engine, (images()[0],)).check()["output_error"] <= TOLERANCES[precision]
        described = engine.describe()
        assert described["framework"] == framework.full_name
        assert described["precision"] == precision
        assert described["version"] == framework.version()
        assert "provider" in described
        assert "threads" in described
        engine.close()

    def test_its_description_is_json(self, framework: Framework, model: Model) -> None:
        """Runs keep it in their environment."""
        engine = framework.load(model)
        assert json.loads(json.dumps(described(engine))) == described(engine)
        engine.close()

    def test_its_placement_counts_nodes(self, framework: Framework, model: Model) -> None:
        """By provider or delegate, or it says that one thing computes everything, or why it does not know."""
        engine = framework.load(model)
        try:
            placed = engine.placement()
        except NoPlacement as error:
            assert str(error)  # noqa: PT017
        else:
            assert placed is None or (placed and all(type(nodes) is int and nodes > 0 for nodes in placed.values()))
            assert json.loads(json.dumps(placed)) == placed
        engine.close()

    def test_an_unknown_option_is_an_error(self, framework: Framework, model: Model) -> None:
        """It names the option and those that there are."""
        key = f"{framework.name}.no_such_option"
        with pytest.raises(FrameworkError, match=f"has no option '{key}'"):
            registry.require_known_options(replace(model, options={key: 1}))

    def test_the_same_input_gives_the_same_answer(self, framework: Framework, model: Model) -> None:
        """Nothing is left over from one inference to the next, and what was returned is not overwritten in place."""
        import numpy as np

        engine = framework.load(model)
        first, second = images()
        kept = np.array(engine.infer(first)[0])
        engine.infer(second)
        np.testing.assert_array_equal(np.array(engine.infer(first)[0]), kept)

    def test_example_inputs_fit(self, framework: Framework, model: Model) -> None:
        """They are seeded, rotate, and can be inferred."""
        engine = framework.load(model)
        inputs = engine.example_inputs(2)
        assert inputs[0][0].shape == SHAPE
        assert engine.infer(*inputs[0])[0].size == CLASSES

    def test_several_engines_infer_at_once(self, framework: Framework, model: Model) -> None:
        """Two engines in two threads do not mix up their answers."""
        import numpy as np

        if not self.concurrent:
            pytest.skip(f"{framework.full_name} does not promise it")
        engines = [framework.load(model) for _ in range(2)]
        wrong: List[str] = []

        def work(engine: Engine, image: Any) -> None:
            right = expected(image)
            try:
                for _ in range(self.repetitions):
                    output = engine.infer(image)[0]
                    if np.abs(np.asarray(output).reshape(right.shape) - right).max() > 1e-2 * np.abs(right).max():
                        wrong.append("an answer was another engine's")
            except Exception as error:  # a thread's own would fail nothing
                wrong.append(f"{type(error).__name__}: {error}")

        threads = [threading.Thread(target=work, args=pair) for pair in zip(engines, images())]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_operators_are_timed_or_the_reason_is_said(self, framework: Framework, model: Model) -> None:
        """A profile is whole, one that cannot be had is a :class:`NoProfile`, and the engine infers as before."""
        import numpy as np

        engine = framework.load(model)
        inputs = [(image,) for image in images()]
        kept = np.array(engine.infer(*inputs[0])[0])
        with suppress(NoProfile):
            profile = engine.profile_operators(inputs, repetitions=2, calls=3)
            first, second = (sorted(row.name for row in operators) for operators in profile.repetitions)
            assert first == second
            assert min(profile.sums_ms) > 0
            assert profile.source
        np.testing.assert_array_equal(np.array(engine.infer(*inputs[0])[0]), kept)
        engine.close()
        with pytest.raises(FrameworkError):
            engine.profile_operators(inputs)

    def test_a_closed_engine_does_not_infer(self, framework: Framework, model: Model) -> None:
        """It says that it is closed; closing twice is no error."""
        engine = framework.load(model)
        engine.close()
        engine.close()
        with pytest.raises(FrameworkError, match="closed"):
            engine.infer(images()[0])

    def test_closing_gives_the_memory_back(self, framework: Framework, tmp_path: Path) -> None:
        """Five engines of 32 MiB, one after the other, need no more than a few of them."""
        if not os.path.exists("/proc/self/status"):
            pytest.skip("the kernel does not report a process's memory")
        model = self.a_model(tmp_path, WIDE)

        def cycle() -> None:
            engine = framework.load(model)
            engine.infer(images()[0])
            engine.close()
            del engine
            gc.collect()

        cycle()
        before = process_mib()
        for _ in range(5):
            cycle()
        after = process_mib()
        assert before is not None
        assert after is not None
        assert after - before < 3 * 32

    def test_a_damaged_file_is_one_error_that_names_it(self, framework: Framework, tmp_path: Path) -> None:
        """The runtime's own message may follow."""
        with pytest.raises(FrameworkError, match="damaged"):
            framework.load(self.damaged(tmp_path))

    def test_a_missing_file_is_one_error_that_names_it(self, framework: Framework, tmp_path: Path) -> None:
        """As above."""
        with pytest.raises(FrameworkError, match="missing"):
            framework.load(self.missing(tmp_path))

    def test_an_input_of_another_shape_is_an_error(self, framework: Framework, model: Model) -> None:
        """A wrong shape never gives an answer."""
        import numpy as np

        engine = framework.load(model)
        for shape in ((1, 4, 32, 32), (3, 32, 32)):
            with pytest.raises(Exception):  # noqa: B017 (each runtime has its own)
                engine.infer(np.zeros(shape, np.float32))

    def test_no_thread_is_an_error(self, framework: Framework, model: Model) -> None:
        """0 threads would mean as the runtime likes."""
        with pytest.raises(FrameworkError, match="threads must be at least 1"):
            framework.load(model, threads=0)


def _reference(classes: int) -> Reference:
    inputs = images()
    outputs: List[Tuple[Any, ...]] = [(expected(image, classes).astype("float32"),) for image in inputs]
    return Reference(Inputs.of(inputs), outputs, "numpy, float64")
