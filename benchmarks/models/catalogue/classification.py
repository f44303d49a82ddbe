"""Classifiers of images."""

from __future__ import annotations

from labelled import digits
from tasks.classification import crop

from models.catalogue import library_classifiers
from models.network import MULTIPLY_ACCUMULATES, Network, Printed

NETWORKS = (
    Network(
        "cifarnet",
        "cifarnet",
        ("logits",),
        crop,
        only=32,
        batches=True,
        task="classification",
        native=32,
        source="own definition",
        published={
            "hadidi-2019": Printed(
                "CifarNet",
                0.79e6,
                0.01e9,
                MULTIPLY_ACCUMULATES,
                differences="0.01 G is 0.0147 G in one digit; the printed 12.65 FLOP per parameter are 0.01 G / 0.79 M",
            )
        },
    ),
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
            "trinh-2023": Printed("MobileNet_V2", 3.5e6, 0.3e9, MULTIPLY_ACCUMULATES),
            "hadidi-2019": Printed(
                "MobileNet-v2",
                3.53e6,
                0.32e9,
                MULTIPLY_ACCUMULATES,
                differences="6 % more operations than the convolutions have; the paper does not say what it counted",
            ),
        },
    ),
    Network(
        "resnet18",
        "resnet",
        ("logits",),
        crop,
        task="classification",
        source="own definition after He et al. (2016)",
        published={
            "trinh-2023": Printed("ResNet18", 11.7e6, 1.81e9, MULTIPLY_ACCUMULATES),
            "hadidi-2019": Printed("ResNet-18", 11.69e6, 1.83e9, MULTIPLY_ACCUMULATES),
        },
    ),
    Network(
        "vgg-s",
        "vgg_s",
        ("logits",),
        crop,
        only=224,
        batches=True,
        variant="224",
        task="classification",
        source="own definition after Chatfield et al. (2014)",
        description="their CNN-S; the program of hadidi-2019 lists VGG-11 for it, which has 132.86 M parameters",
        published={
            "hadidi-2019": Printed(
                "VGG-S",
                102.91e6,
                3.27e9,
                MULTIPLY_ACCUMULATES,
                differences="3.27 G need maps of 37x37 and 19x19 after the poolings (3.23 G), where the borders that "
                "Chatfield et al. print leave 35x35 and 18x18",
            )
        },
    ),
    Network(
        "vgg-s-32",
        "vgg_s",
        ("logits",),
        crop,
        only=32,
        batches=True,
        variant="32",
        task="classification",
        native=32,
        source="own definition after Chatfield et al. (2014)",
        description="VGG-S for 32 pixels and 100 classes, whose layout follows from the size that hadidi-2019 prints",
        published={"hadidi-2019": Printed("VGG-S", 32.11e6, 0.11e9, MULTIPLY_ACCUMULATES)},
    ),
    *library_classifiers.NETWORKS,
)
