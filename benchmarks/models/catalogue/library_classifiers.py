"""Classifiers of images in the definitions of torchvision and pytorchcv.

swaminathan-2024 calls networks by their family; which one it is follows from the parameters that it prints.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional

from tasks.classification import crop

from models.libraries import PYTORCHCV, SOURCES, TORCHVISION
from models.network import FLOPS, MULTIPLY_ACCUMULATES, Network, Printed

SWAMINATHAN = "swaminathan-2024"
TRINH = "trinh-2023"
HADIDI = "hadidi-2019"
ROUNDED = "printed with few digits"


def _torchvision(name: str, variant: str, published: Mapping[str, Printed], **more: Any) -> Network:
    return Network(
        name,
        "torchvision_networks",
        ("logits",),
        crop,
        uses=("models/seeded_classifier", "models/torchvision_import"),
        task="classification",
        variant=variant,
        source=SOURCES[TORCHVISION],
        libraries=(TORCHVISION,),
        published=published,
        batches=True,
        **{"multiple_of": 1, **more},
    )


def _pytorchcv(name: str, variant: str, published: Mapping[str, Printed], description: str = "") -> Network:
    return Network(
        name,
        "pytorchcv_networks",
        ("logits",),
        crop,
        multiple_of=1,
        batches=True,
        uses=("models/seeded_classifier",),
        task="classification",
        variant=variant,
        native=299,
        smallest=75,
        source=SOURCES[PYTORCHCV],
        libraries=(PYTORCHCV,),
        description=description,
        published=published,
    )


def _printed(
    called: str, parameters: Optional[float] = None, operations: Optional[float] = None, **more: Any
) -> Printed:
    """What counts one operation per multiply-accumulate, as most papers do for classifiers."""
    return Printed(called, parameters, operations, **{"convention": MULTIPLY_ACCUMULATES, **more})


#: AlexNet and the VGGs pool to a fixed number of cells, which ONNX can say for maps of a multiple of it only.
NETWORKS = (
    _torchvision(
        "alexnet",
        "alexnet",
        {
            SWAMINATHAN: _printed(
                "AlexNet",
                61_751_008,
                1_475_805_888,
                convention=FLOPS,
                differences="1.1 % more parameters and 3.3 % more operations than torchvision's: another definition, "
                "which the paper does not print",
            ),
            TRINH: _printed(
                "AlexNet", 61.1e6, 4.3e9, differences="4.3 is no count of this network's operations, 0.71 or 1.43"
            ),
            HADIDI: _printed(
                "AlexNet",
                102.14e6,
                0.72e9,
                differences="the operations are those of torchvision's definition, the parameters those of another one "
                "that the paper does not name",
            ),
        },
        only=224,
    ),
    _torchvision("vgg16", "vgg16", {HADIDI: _printed("VGG16", 138.36e6, 15.47e9)}, only=224),
    _torchvision(
        "vgg19",
        "vgg19",
        {
            SWAMINATHAN: _printed("VGG", 143_667_240, 19_590_954_654),
            HADIDI: _printed("VGG19", 143.66e6, 19.63e9),
        },
        only=224,
        description="the VGG of swaminathan-2024, by its parameters",
    ),
    _torchvision(
        "resnet50",
        "resnet50",
        {
            SWAMINATHAN: _printed(
                "ResNet",
                25_557_032,
                3_883_453_952,
                differences="with the stride in a block's first convolution, as first published, it is 3.86 GMACs; "
                "torchvision has it in the second",
            ),
            HADIDI: _printed("ResNet-50", 25.56e6, 4.14e9),
        },
        description="the ResNet of swaminathan-2024, by its parameters",
    ),
    _torchvision("resnet101", "resnet101", {HADIDI: _printed("ResNet-101", 44.55e6, 7.87e9)}),
    _torchvision("resnet152", "resnet152", {}),
    _torchvision(
        "resnext50-32x4d",
        "resnext50_32x4d",
        {
            SWAMINATHAN: _printed(
                "ResNet V2",
                25_028_904,
                3_866_082_816,
                differences="8.6 % fewer operations than the convolutions have; the paper does not say what it counted",
            ),
        },
        description="the ResNet V2 of swaminathan-2024, by its parameters",
    ),
    _torchvision("resnext101-32x8d", "resnext101_32x8d", {}),
    _torchvision(
        "squeezenet1-0", "squeezenet1_0", {TRINH: _printed("SqueezeNet1_0", 1.2e6, 0.82e9, differences=ROUNDED)}
    ),
    _torchvision(
        "squeezenet1-1",
        "squeezenet1_1",
        {
            SWAMINATHAN: _printed(
                "SqueezeNet",
                1_235_496,
                780_414_144,
                convention=FLOPS,
                differences="at 227 pixels, the side of the authors' definition, the convolutions have 0.78 GFLOPs",
            ),
        },
        description="the SqueezeNet of swaminathan-2024, by its parameters",
    ),
    _torchvision(
        "densenet121",
        "densenet121",
        {
            SWAMINATHAN: _printed("DenseNet", 7_978_856, 2_845_996_288),
            TRINH: _printed("DenseNet121", 8e6, 2.83e9),
        },
        description="the DenseNet of swaminathan-2024, by its parameters",
    ),
    _torchvision(
        "googlenet",
        "googlenet",
        {TRINH: _printed("GoogLeNet", 6.6e6, 1.5e9)},
        description="without auxiliary classifiers, which no inference runs; trinh-2023 counts parameters so too, and "
        "its file of 49.7 MB holds them",
    ),
    _torchvision(
        "inception-v3",
        "inception_v3",
        {
            TRINH: _printed(
                "Inception_V3",
                27.2e6,
                5.71e9,
                differences="the paper counts the 3.33 million parameters of the auxiliary classifier, which no "
                "inference runs",
            ),
        },
        native=299,
        smallest=75,
        description="without its auxiliary classifier, which no inference runs",
    ),
    _torchvision("efficientnet-b0", "efficientnet_b0", {TRINH: _printed("EfficientNet_B0", 5.3e6, 0.39e9)}),
    _torchvision("mnasnet0-5", "mnasnet0_5", {TRINH: _printed("MNASNet0_5", 2.2e6, 0.1e9, differences=ROUNDED)}),
    _torchvision("mnasnet0-75", "mnasnet0_75", {TRINH: _printed("MNASNet0_75", 3.2e6, 0.21e9, differences=ROUNDED)}),
    _torchvision("mnasnet1-0", "mnasnet1_0", {TRINH: _printed("MNASNet0_1", 4.4e6, 0.31e9)}),
    _torchvision("mnasnet1-3", "mnasnet1_3", {TRINH: _printed("MNASNet1_3", 6.3e6, 0.53e9)}),
    _torchvision("mobilenetv3-large", "mobilenet_v3_large", {TRINH: _printed("MobileNet_V3_Large", 5.5e6, 0.22e9)}),
    _torchvision(
        "mobilenetv3-small",
        "mobilenet_v3_small",
        {TRINH: _printed("MobileNet_V3_Small", 2.5e6, 0.06e9, differences=ROUNDED)},
    ),
    _torchvision(
        "shufflenet-v2-x0-5",
        "shufflenet_v2_x0_5",
        {
            TRINH: _printed(
                "ShuffleNet_V2_X0_5",
                1.4e6,
                0.05e9,
                differences="printed with few digits: operations as 0.05, where the convolutions have 0.04",
            ),
        },
    ),
    _torchvision(
        "shufflenet-v2-x1-0",
        "shufflenet_v2_x1_0",
        {
            SWAMINATHAN: _printed(
                "ShuffleNet V2",
                2_278_604,
                298_632_608,
                convention=FLOPS,
                differences="3 % more operations than the convolutions have; the paper does not say what it counted",
            ),
        },
        description="the ShuffleNet V2 of swaminathan-2024, by its parameters",
    ),
    _pytorchcv(
        "inception-v4",
        "inceptionv4",
        {HADIDI: _printed("Inception-v4", 42.71e6, 12.27e9)},
        description="hadidi-2019 prints for 224 pixels what it has at 299",
    ),
    _pytorchcv(
        "xception",
        "xception",
        {
            HADIDI: _printed(
                "Xception",
                22.91e6,
                4.65e9,
                resolution=224,
                differences="2 % more operations than the convolutions have; the paper does not say what it counted",
            )
        },
    ),
)
