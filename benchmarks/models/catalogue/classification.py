"""Classifiers of images."""

from __future__ import annotations

from labelled import digits
from tasks.classification import crop

from models.network import MULTIPLY_ACCUMULATES, Network, Printed

NETWORKS = (
    Network(
        "digits-cnn",
        "digits_cnn",
        ("logits",),
        digits.as_input,
        only=8,
        uses=("models/training", "labelled/digits"),
        channels=1,
        images=digits.images,
        training="some seconds",
        task="classification",
        native=8,
        source="own definition",
        description="trained here on scikit-learn's digits",
    ),
    Network(
        "mobilenetv2",
        "mobilenetv2",
        ("logits",),
        crop,
        task="classification",
        source="own definition after Sandler et al. (2018)",
        published={
            "swaminathan-2024": Printed("MobileNet V2", 3_504_872, 300_356_480, MULTIPLY_ACCUMULATES),
        },
    ),
    Network(
        "resnet18",
        "resnet",
        ("logits",),
        crop,
        task="classification",
        source="own definition after He et al. (2016)",
    ),
)
