"""ResNet-18 in Keras with the weights of the one in torch, as a SavedModel. Needs TensorFlow and torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from models.resnet import ResNet18, network


def saved_model(folder: Path, resolution: int) -> str:
    """Write the network for one image [1, 3, resolution, resolution] as a SavedModel, which has no noise of Keras's.

    Returns:
        the path of its folder, ``folder / f"resnet18-{resolution}"``.
    """
    import tensorflow as tf

    holder = tf.Module()
    # What is saved is what the module holds.
    holder.network = keras_model(resolution)
    images = tf.TensorSpec((1, 3, resolution, resolution), tf.float32, name="images")
    function = tf.function(lambda images: {"logits": holder.network(images, training=False)}, input_signature=[images])
    path = Path(folder) / f"resnet18-{resolution}"
    tf.saved_model.save(holder, str(path), signatures={"serving_default": function.get_concrete_function()})
    return str(path)


def keras_model(resolution: int) -> Any:
    """The network as a ``keras.Model``: images [n, 3, resolution, resolution], transposed inside, to logits."""
    from tensorflow import keras

    layers = keras.layers
    source = network()
    assert isinstance(source, ResNet18)
    convolution, norm, _, _ = source.stem
    images = keras.Input((3, resolution, resolution), name="images")
    x = layers.Permute((2, 3, 1))(images)
    x = layers.ReLU()(_normed(layers, _convolved(layers, x, convolution), norm))
    # After a rectifier, the zeros around it are as good as torch's minus infinity.
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for block in source.blocks:
        inner = layers.ReLU()(_normed(layers, _convolved(layers, x, block.first), block.first_norm))
        inner = _normed(layers, _convolved(layers, inner, block.second), block.second_norm)
        if isinstance(block.shortcut, torch.nn.Sequential):
            x = _normed(layers, _convolved(layers, x, block.shortcut[0]), block.shortcut[1])
        x = layers.ReLU()(layers.Add()([inner, x]))
    linear = layers.Dense(source.classifier.out_features)
    logits = linear(layers.GlobalAveragePooling2D()(x))
    linear.set_weights([_array(source.classifier.weight.T), _array(source.classifier.bias)])
    return keras.Model(images, logits)


def _convolved(layers: Any, x: Any, source: Any) -> Any:
    """A convolution without bias; Keras's ``same`` pads on other sides than torch where it strides."""
    if source.padding[0]:
        x = layers.ZeroPadding2D(source.padding[0])(x)
    made = layers.Conv2D(source.out_channels, source.kernel_size, source.stride, use_bias=False)
    x = made(x)
    made.set_weights([_array(source.weight.permute(2, 3, 1, 0))])
    return x


def _normed(layers: Any, x: Any, source: Any) -> Any:
    made = layers.BatchNormalization(epsilon=source.eps)
    x = made(x)
    made.set_weights(
        [_array(tensor) for tensor in (source.weight, source.bias, source.running_mean, source.running_var)]
    )
    return x


def _array(tensor: torch.Tensor) -> Any:
    return tensor.detach().numpy()
