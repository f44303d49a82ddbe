"""Networks of pose estimation."""

from __future__ import annotations

from tasks.finishing import one_pose
from tasks.scaling import squeeze

from models.network import Network

NETWORKS = (
    Network(
        "posenet",
        "posenet",
        ("stride_16_heatmaps", "stride_16_offsets", "stride_16_forward", "stride_16_backward"),
        squeeze,
        multiple_of=1,
        uses=("models/mobilenetv1", "tasks/pose", "tasks/scaling"),
        finish=one_pose,
        task="pose",
        native=257,
        source="own definition after Papandreou et al. (2017, 2018) and Howard et al. (2017)",
    ),
)
