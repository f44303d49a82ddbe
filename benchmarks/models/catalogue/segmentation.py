"""Networks of semantic segmentation."""

from __future__ import annotations

from tasks.finishing import pixel_classes
from tasks.scaling import squeeze

from models.network import Network

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
)
