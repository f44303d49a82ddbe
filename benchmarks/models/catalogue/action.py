"""Networks of action recognition, whose inputs are clips."""

from __future__ import annotations

from functools import partial

from tasks.clips import FRAMES, clip_input, clips
from tasks.finishing import most_probable_action

from models.network import MULTIPLY_ACCUMULATES, Network, Printed

CLIPS = ("tasks/clips",)
C3D_FRAMES = 12

NETWORKS = (
    Network(
        "3d-cnn",
        "action_cnn",
        ("logits",),
        clip_input,
        only=64,
        batches=True,
        uses=CLIPS,
        images=partial(clips, frames=FRAMES),
        finish=most_probable_action,
        task="action",
        native=64,
        frames=FRAMES,
        source="own definition",
        description="stand-in of the size that swaminathan-2024 prints, which prints no layers; four classes",
        published={"swaminathan-2024": Printed("3D-CNN", 20_333_956, 116_551_168, MULTIPLY_ACCUMULATES)},
    ),
    Network(
        "autoencoder",
        "action_autoencoder",
        ("logits", "clip"),
        clip_input,
        only=64,
        batches=True,
        uses=CLIPS,
        images=partial(clips, frames=FRAMES),
        finish=most_probable_action,
        task="action",
        native=64,
        frames=FRAMES,
        source="own definition",
        description="stand-in of the size that swaminathan-2024 prints, which prints no layers; four classes",
        published={"swaminathan-2024": Printed("AutoEncoder (AE)", 332_807, 22_434_944, MULTIPLY_ACCUMULATES)},
    ),
    Network(
        "c3d",
        "c3d",
        ("logits",),
        clip_input,
        only=112,
        batches=True,
        uses=CLIPS,
        images=partial(clips, frames=C3D_FRAMES),
        finish=most_probable_action,
        task="action",
        native=112,
        frames=C3D_FRAMES,
        source="own definition after Tran et al. (2015)",
        description="clips of 12 frames as in hadidi-2019; the usual 16 take 35 % more operations and the same weights",
        published={
            "hadidi-2019": Printed(
                "C3D",
                89.00e6,
                57.99e9,
                differences="89.00 M is a misprint: they give 652 FLOP per parameter, the printed 734.05 need 79.00 M",
            )
        },
    ),
    Network(
        "densenet-action-recognition",
        "action_densenet",
        ("logits",),
        clip_input,
        only=64,
        batches=True,
        uses=CLIPS,
        images=partial(clips, frames=FRAMES),
        finish=most_probable_action,
        task="action",
        native=64,
        frames=FRAMES,
        source="own definition after Huang et al. (2017)",
        description="stand-in of the size that swaminathan-2024 prints, which prints no layers; four classes",
        published={"swaminathan-2024": Printed("DenseNet", 109_386, 27_681_924, MULTIPLY_ACCUMULATES)},
    ),
)
