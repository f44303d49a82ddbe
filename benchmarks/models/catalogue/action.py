"""Networks of action recognition, whose inputs are clips."""

from __future__ import annotations

from functools import partial
from typing import Mapping, Tuple

from tasks.clips import FRAMES, clip_input, clips
from tasks.finishing import most_probable_action

from models.network import MULTIPLY_ACCUMULATES, Network, Printed

CLIPS = ("tasks/clips",)
C3D_FRAMES = 12
STAND_IN = "stand-in of the size that swaminathan-2024 prints, which prints no layers; four classes"


def clip_network(
    name: str,
    module: str,
    outputs: Tuple[str, ...] = ("logits",),
    *,
    side: int = 64,
    frames: int = FRAMES,
    source: str = "own definition",
    description: str = STAND_IN,
    published: Mapping[str, Printed],
) -> Network:
    """The entry of a network for clips of so many frames, of squares with sides of that many pixels."""
    return Network(
        name,
        module,
        outputs,
        clip_input,
        only=side,
        batches=True,
        uses=CLIPS,
        images=partial(clips, frames=frames),
        finish=most_probable_action,
        task="action",
        native=side,
        frames=frames,
        source=source,
        description=description,
        published=published,
    )


NETWORKS = (
    clip_network(
        "3d-cnn",
        "action_cnn",
        published={"swaminathan-2024": Printed("3D-CNN", 20_333_956, 116_551_168, MULTIPLY_ACCUMULATES)},
    ),
    clip_network(
        "autoencoder",
        "action_autoencoder",
        ("logits", "clip"),
        published={"swaminathan-2024": Printed("AutoEncoder (AE)", 332_807, 22_434_944, MULTIPLY_ACCUMULATES)},
    ),
    clip_network(
        "c3d",
        "c3d",
        side=112,
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
    clip_network(
        "densenet-action-recognition",
        "action_densenet",
        source="own definition after Huang et al. (2017)",
        published={"swaminathan-2024": Printed("DenseNet", 109_386, 27_681_924, MULTIPLY_ACCUMULATES)},
    ),
)
