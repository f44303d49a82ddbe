from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from pytest_edgeperf.frameworks import as_model
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.tensorflow import TensorFlow, numbered_first, set_threads
from pytest_edgeperf.testing import SHAPE, images
from tests.contract.test_tensorflow import network, saved

needs_runtime = pytest.mark.skipif(TensorFlow().version() is None, reason="tensorflow is not installed")
IMAGES = TensorSpec("images", SHAPE)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Before a test makes a model, which would start TensorFlow with all threads that there are."""
    if TensorFlow().version() is not None:
        import tensorflow as tf

        set_threads(tf, 1)


def of(source, *specs, key="tensorflow"):
    return Model("net", {key: source}, specs)


@needs_runtime
def test_it_says_what_it_is(tmp_path):
    engine = TensorFlow().load(as_model(saved(tmp_path)))
    assert engine.inputs == (IMAGES,)
    described = engine.describe()
    assert described["provider"] == "CPU:0"
    assert described["threads"] == described["interop_threads"] == 1
    assert described["source"] == "SavedModel"
    assert engine.size_mib > 0


@needs_runtime
def test_another_batch_is_an_error_though_a_traced_function_takes_it():
    import tensorflow as tf

    engine = TensorFlow().load(of(network, IMAGES))
    two = np.zeros((2, *SHAPE[1:]), np.float32)
    traced = tf.function(network()).get_concrete_function(tf.TensorSpec(SHAPE))
    assert traced(tf.constant(two)).shape == (2, 10)
    with pytest.raises(FrameworkError, match=r"takes inputs of shapes \[\(1, 3, 32, 32\)\], not \[\(2, 3, 32, 32\)\]"):
        engine.infer(two)


@needs_runtime
def test_another_number_of_threads_in_the_same_process_is_refused():
    TensorFlow().load(of(network, IMAGES))
    with pytest.raises(FrameworkError, match=r"started with 1 threads .* cannot be given 2 any more.*fresh process"):
        TensorFlow().load(of(network, IMAGES), threads=2)


@needs_runtime
def test_it_starts_as_many_threads_as_it_was_asked_for():
    code = (
        "import os, sys\n"
        "from functools import partial\n"
        "from tests.contract.test_tensorflow import network\n"
        "from pytest_edgeperf.frameworks.interface import Model\n"
        "from pytest_edgeperf.frameworks.tensorflow import TensorFlow\n"
        "engine = TensorFlow().load(Model('net', {'tensorflow': network}), threads=int(sys.argv[1]))\n"
        "engine.infer(*engine.example_inputs(1)[0])\n"
        "print(engine.describe()['threads'], len(os.listdir('/proc/self/task')))\n"
    )
    told = []
    for threads in (1, 3):
        command = [sys.executable, "-c", code, str(threads)]
        child = subprocess.run(command, capture_output=True, text=True, check=True)
        told.append([int(number) for number in child.stdout.split()])
    assert [threads for threads, _ in told] == [1, 3]
    assert told[1][1] - told[0][1] == 2


@needs_runtime
def test_a_file_that_would_run_its_own_code_is_refused(tmp_path):
    from tensorflow import keras

    given = keras.Input((4,))
    path = tmp_path / "lambda.keras"
    keras.Model(given, keras.layers.Lambda(lambda x: x + 1, output_shape=(4,))(given)).save(path)
    with pytest.raises(FrameworkError, match=r"cannot load .*lambda\.keras: .*safe"):
        TensorFlow().load(as_model(path))


@needs_runtime
def test_the_older_format_is_refused(tmp_path):
    path = tmp_path / "net.h5"
    path.write_bytes(b"\x89HDF")
    with pytest.raises(FrameworkError, match=r"net\.h5 is neither a SavedModel folder nor a \.keras file"):
        TensorFlow().load(of(partial(str, path), IMAGES))


@needs_runtime
def test_a_keras_file_is_loaded(tmp_path):
    path = tmp_path / "net.keras"
    network().save(path)
    image = images(1)[0]
    (from_file,) = TensorFlow().load(as_model(path)).infer(image)
    (made,) = TensorFlow().load(of(network)).infer(image)
    np.testing.assert_array_equal(from_file, made)


@needs_runtime
@pytest.mark.parametrize(
    ("key", "precision", "policy", "computes"),
    [
        ("tensorflow", "fp32", "mixed_bfloat16", "bfloat16"),
        ("tensorflow:bf16", "bf16", "float32", "float32"),
        ("tensorflow:fp16", "fp16", "mixed_bfloat16", "bfloat16"),
    ],
)
def test_a_model_that_computes_in_another_precision_is_refused(key, precision, policy, computes):
    source = partial(network, policy=policy)
    with pytest.raises(FrameworkError, match=f"should be loaded as {precision}, but computes in {computes}"):
        TensorFlow().load(of(source, IMAGES, key=key), precision=precision)


@needs_runtime
def test_two_inputs_go_where_their_names_are():
    from tensorflow import keras

    def difference():
        a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
        return keras.Model([a, b], keras.layers.Subtract()([a, b]))

    five, two = np.full((1, 2), 5, np.float32), np.full((1, 2), 2, np.float32)
    engine = TensorFlow().load(of(difference, TensorSpec("b", (1, 2)), TensorSpec("a", (1, 2))))
    assert engine.infer(two, five)[0].tolist() == [[3, 3]]
    engine = TensorFlow().load(of(difference))
    assert engine.infer(five, two)[0].tolist() == [[3, 3]]
    with pytest.raises(FrameworkError, match="names the inputs a, but"):
        TensorFlow().load(of(difference, TensorSpec("a", (1, 2))))


@needs_runtime
def test_outputs_of_a_saved_model_are_in_the_order_of_their_numbers(tmp_path):
    """TensorFlow keeps no order: output_10 would come before output_2."""
    import tensorflow as tf

    function = tf.function(
        lambda x: {f"output_{i}": x + float(i) for i in range(12)}, input_signature=[tf.TensorSpec((1,), tf.float32)]
    )
    tf.saved_model.save(tf.Module(), str(tmp_path / "many"), signatures=function.get_concrete_function())
    outputs = TensorFlow().load(as_model(tmp_path / "many")).infer(np.zeros(1, np.float32))
    assert [float(output[0]) for output in outputs] == list(range(12))


def test_names_without_numbers_are_in_their_own_order():
    assert list(numbered_first({"b": 1, "a": 2})) == ["a", "b"]
    assert list(numbered_first({"heads_1": 1, "heads_0": 2})) == ["heads_0", "heads_1"]


@needs_runtime
def test_a_free_dimension_must_be_said():
    from tensorflow import keras

    def pooled():
        given = keras.Input((None, None, 3), name="pictures")
        return keras.Model(given, keras.layers.GlobalAveragePooling2D()(given))

    with pytest.raises(FrameworkError, match=r"input 'pictures' of .*dimension 1 is dynamic; give its size"):
        TensorFlow().load(of(pooled))
    engine = TensorFlow().load(of(pooled, TensorSpec("pictures", (1, 8, 6, 3))))
    assert engine.infer(*engine.example_inputs(1)[0])[0].shape == (1, 3)


@needs_runtime
def test_channels_first_for_a_file_with_channels_last_is_told():
    from tensorflow import keras

    def last():
        given = keras.Input((8, 6, 3), name="images")
        return keras.Model(given, keras.layers.GlobalAveragePooling2D()(given))

    with pytest.raises(FrameworkError, match=r"says float32 \[1, 3, 8, 6\], but .* \[-1, 8, 6, 3\]"):
        TensorFlow().load(of(last, TensorSpec("images", (1, 3, 8, 6))))


@needs_runtime
def test_a_source_that_gives_no_model_is_named():
    with pytest.raises(FrameworkError, match=r"sources\['tensorflow'\] gave a list"):
        TensorFlow().load(of(list, IMAGES))


def test_precisions_that_need_a_model_of_their_own_are_declined():
    reason = TensorFlow().unsupported(of(str), "bf16")
    assert "made under Keras's policy mixed_bfloat16" in reason
    assert "'tensorflow:bf16'" in reason
    assert TensorFlow().unsupported(of(str, key="tensorflow:bf16"), "bf16") is None
    assert "has no int8" in TensorFlow().unsupported(of(str), "int8")


def test_advice_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setattr(TensorFlow, "version", lambda self: None)
    with pytest.raises(FrameworkError, match=r"not installed; pip install 'pytest-edgeperf\[tensorflow\]'"):
        TensorFlow().load(of(str))


@needs_runtime
def test_its_operations_are_those_of_the_optimised_graph(tmp_path):
    engine = TensorFlow().load(as_model(saved(tmp_path)))
    profile = engine.profile_operators([(image,) for image in images()], repetitions=2, calls=3)
    assert profile.source == "TensorFlow's profiler"
    for operators in profile.repetitions:
        kinds = [operator.kind for operator in operators]
        assert any("Conv2D" in kind for kind in kinds)
        assert any("MatMul" in kind for kind in kinds)
