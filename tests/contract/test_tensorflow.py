from __future__ import annotations

from functools import partial

from pytest_edgeperf.frameworks.interface import Model, TensorSpec
from pytest_edgeperf.testing import CLASSES, SHAPE, FrameworkContract, weights


def network(classes=CLASSES, policy="float32"):
    """The contract's network as a Keras model that takes its channels first."""
    from tensorflow import keras

    made = weights(classes)
    layers = keras.layers
    images = keras.Input(SHAPE[1:], name="images")
    x = layers.Permute((2, 3, 1), dtype=policy)(images)
    convolution = layers.Conv2D(len(made["bias"]), 3, padding="same", activation="relu", dtype=policy)
    linear = layers.Dense(classes, use_bias=False, dtype=policy)
    scores = linear(layers.GlobalAveragePooling2D(dtype=policy)(convolution(x)))
    convolution.set_weights([made["kernel"].transpose(2, 3, 1, 0), made["bias"]])
    linear.set_weights([made["matrix"]])
    return keras.Model(images, scores)


def saved(folder, classes=CLASSES):
    """The network as a SavedModel; the path of its folder."""
    import tensorflow as tf

    path = folder / f"saved-{classes}"
    if not path.exists():
        made = network(classes)
        holder = tf.Module()
        holder.network = made
        function = tf.function(
            lambda images: {"scores": made(images, training=False)},
            input_signature=[tf.TensorSpec((None, *SHAPE[1:]), tf.float32, name="images")],
        )
        tf.saved_model.save(holder, str(path), signatures={"serving_default": function.get_concrete_function()})
    return str(path)


class TestTensorFlow(FrameworkContract):
    """A Keras model."""

    framework_name = "tensorflow"

    def sources(self, folder, classes):
        policies = {"tensorflow": "float32", "tensorflow:fp16": "mixed_float16", "tensorflow:bf16": "mixed_bfloat16"}
        return {key: partial(network, classes, policy) for key, policy in policies.items()}

    def damaged(self, folder):
        (folder / "damaged.keras").write_bytes(b"this is no network")
        return Model("damaged", {"tensorflow": partial(str, folder / "damaged.keras")}, (TensorSpec("images", SHAPE),))

    def missing(self, folder):
        return Model("missing", {"tensorflow": partial(str, folder / "missing.keras")}, (TensorSpec("images", SHAPE),))


class TestTensorFlowSavedModel(TestTensorFlow):
    """A SavedModel."""

    def sources(self, folder, classes):
        return {"tensorflow": partial(saved, folder, classes)}

    def damaged(self, folder):
        (folder / "damaged").mkdir()
        (folder / "damaged" / "saved_model.pb").write_bytes(b"this is no network")
        return Model("damaged", {"tensorflow": partial(str, folder / "damaged")}, (TensorSpec("images", SHAPE),))
