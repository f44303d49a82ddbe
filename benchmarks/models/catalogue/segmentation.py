"""Networks of semantic segmentation."""

from __future__ import annotations

from tasks.classification import normalised
from tasks.finishing import classes_at_full_size, pixel_classes
from tasks.scaling import squeeze

from models.libraries import SOURCES, TORCHVISION
from models.network import MULTIPLY_ACCUMULATES, Network, Printed

NETWORKS = (
    Network(
        "deeplabv3-mobilenetv2",
        "deeplabv3",
        ("stride_16",),
        squeeze,
        multiple_of=1,
        uses=("models/mobilenetv2", "tasks/scaling", "tasks/segmentation"),
        finish=pixel_classes,
        task="segmentation",
        native=257,
        source="own definition after Chen et al. (2017) and Sandler et al. (2018)",
    ),
    Network(
        "lraspp-mobilenetv3-large",
        "lraspp",
        ("stride_1",),
        normalised,
        # logits of 520 pixels are 22 MB
        reference_inputs=1,
        multiple_of=1,
        uses=("models/torchvision_import",),
        finish=classes_at_full_size,
        task="segmentation",
        native=520,
        source=SOURCES[TORCHVISION],
        libraries=(TORCHVISION,),
        published={"trinh-2023": Printed("LRASPP_MobileNet_V3_Large", 3.2e6, 2.09e9, MULTIPLY_ACCUMULATES)},
    ),
)
