"""Networks of pose estimation."""

from __future__ import annotations

from tasks.finishing import one_pose
from tasks.people import find_people, framed
from tasks.scaling import squeeze

from models.libraries import PYTORCHCV, SOURCES
from models.network import Network, Printed

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
    Network(
        "lightweight-openpose",
        "lightweight_openpose",
        ("stride_8_heatmaps", "stride_8_fields"),
        framed,
        uses=("tasks/people",),
        finish=find_people,
        task="pose",
        native=256,
        libraries=(PYTORCHCV,),
        source=f"{SOURCES[PYTORCHCV]}, lwopenpose2d_mobilenet_cmupan_coco, after Osokin (2018)",
        published={
            "trinh-2023": Printed(
                "Light_Weight_Human_Pose", 4.1e6, 9e9, differences="printed without a decimal, as by its authors"
            )
        },
    ),
)
