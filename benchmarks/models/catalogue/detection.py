"""Detectors of objects."""

from __future__ import annotations

from typing import Mapping

from labelled import shapes
from tasks.detection import SHAPES, YOLOV3, YOLOV3_TINY, letterbox
from tasks.finishing import ssd_detections, yolo_detections
from tasks.region import detect_regions
from tasks.scaling import squeeze
from tasks.ssd_boxes import SSD300, SSD_MOBILENET
from tasks.ssdlite import SIDE, detect_lite
from tasks.yolox import corner_letterbox, detect_points

from models.libraries import SOURCES, TORCHVISION
from models.network import MULTIPLY_ACCUMULATES, Network, Printed

#: What the detectors of that kind share.
SSD = ("tasks/scaling", "models/ssd", "tasks/ssd_boxes")
YOLOX = "own definition after Megvii's YOLOX (Apache-2.0), Ge et al. (2021)"
#: Networks that a paper measured and that are not here -> why, and which is nearest.
LEFT_OUT = {
    name: "YOLOv5's definition and weights are under the AGPL (GPL before), which this project does not take in; "
    f"the nearest network here is {nearest}"
    for name, nearest in {
        "yolov5n": "yolox-nano",
        "yolov5n6": "yolox-nano",
        "yolov5s": "yolox-s",
        "yolov5s6": "yolox-s",
    }.items()
}


def yolox(variant: str, native: int, published: Mapping[str, Printed]) -> Network:
    """The entry of a YOLOX."""
    return Network(
        f"yolox-{variant}",
        "yolox",
        ("stride_8", "stride_16", "stride_32"),
        corner_letterbox,
        uses=("tasks/yolox",),
        finish=detect_points,
        variant=variant,
        task="detection",
        native=native,
        source=YOLOX,
        published=published,
    )


NETWORKS = (
    Network(
        "shapes-detector",
        "shapes_detector",
        ("stride_8",),
        letterbox,
        uses=(
            "models/training",
            "tasks/images",
            "tasks/detection",
            "tasks/proportions",
            "labelled/detection",
            "labelled/shapes",
        ),
        images=shapes.photographs,
        training="a minute or two on a desktop's core, longer on a small device",
        finish=yolo_detections(SHAPES),
        task="detection",
        source="own definition",
        description="trained here on drawn shapes",
    ),
    Network(
        "ssd300",
        "ssd300",
        ("locations", "classes"),
        squeeze,
        only=300,
        batches=True,
        uses=SSD,
        finish=ssd_detections(SSD300),
        task="detection",
        native=300,
        source="own definition after Liu et al. (2016) and NVIDIA's SSD300",
    ),
    Network(
        "ssd-mobilenetv1",
        "ssd_mobilenetv1",
        ("locations", "classes"),
        squeeze,
        only=300,
        batches=True,
        uses=(*SSD, "models/mobilenetv1"),
        finish=ssd_detections(SSD_MOBILENET),
        task="detection",
        native=300,
        source="own definition after Howard et al. (2017) and Huang et al. (2017)",
        published={
            "hadidi-2019": Printed(
                "SSD MobileNet-v1",
                4.23e6,
                0.98e9,
                MULTIPLY_ACCUMULATES,
                differences="4.23 M parameters are those of MobileNetV1, a classifier of 1000 classes, without SSD's "
                "predictors and further maps; 0.98 GFLOP leave these out as well",
            )
        },
    ),
    Network(
        "ssd-mobilenetv2",
        "ssd_mobilenetv2",
        ("locations", "classes"),
        squeeze,
        only=300,
        batches=True,
        uses=(*SSD, "models/mobilenetv2"),
        finish=ssd_detections(SSD_MOBILENET),
        task="detection",
        native=300,
        source="own definition after Sandler et al. (2018)",
    ),
    Network(
        "ssdlite320-mobilenetv3-large",
        "ssdlite_mobilenetv3",
        ("locations", "classes"),
        squeeze,
        only=SIDE,
        uses=("models/torchvision_import", "tasks/scaling", "tasks/ssd_boxes", "tasks/ssdlite"),
        finish=detect_lite,
        task="detection",
        native=SIDE,
        source=f"{SOURCES[TORCHVISION]}, backbone and heads",
        libraries=(TORCHVISION,),
        published={
            "trinh-2023": Printed(
                "SSDLite320_MobileNet_V3_Large",
                3.4e6,
                0.85e9,
                MULTIPLY_ACCUMULATES,
                differences="torchvision's documentation has 0.58 billion multiply-accumulates, as counted here",
            )
        },
    ),
    Network(
        "yolov2-tiny",
        "yolov2_tiny",
        ("stride_32",),
        letterbox,
        uses=("tasks/region",),
        finish=detect_regions,
        task="detection",
        native=416,
        source="own definition after Redmon and Farhadi (2017) and yolov2-tiny.cfg for COCO",
        published={"trinh-2023": Printed("tinyYOLOv2", 11.2e6, 5.424e9)},
    ),
    # one input and its outputs are 15 MB at 672 pixels
    Network(
        "yolov3",
        "yolov3",
        ("stride_32", "stride_16", "stride_8"),
        letterbox,
        reference_inputs=1,
        finish=yolo_detections(YOLOV3),
        task="detection",
        native=416,
        source="own definition after Redmon and Farhadi (2018)",
        published={
            "suo-2021": Printed("YOLOv3", None, 38.97e9, resolution=320),
            "hadidi-2019": Printed(
                "YOLOv3",
                62.00e6,
                38.97e9,
                resolution=320,
                differences="printed for 224x224; 38.97 GFLOP are those of 320x320",
            ),
        },
    ),
    Network(
        "yolov3-tiny",
        "yolov3_tiny",
        ("stride_32", "stride_16"),
        letterbox,
        finish=yolo_detections(YOLOV3_TINY),
        task="detection",
        native=416,
        source="own definition after Redmon and Farhadi (2018)",
        published={
            "trinh-2023": Printed("tinyYOLOv3", 8.84e6, 5.58e9),
            "hadidi-2019": Printed(
                "TinyYolo",
                15.87e6,
                5.56e9,
                resolution=416,
                differences="15.87 M parameters are those of YOLOv2-tiny for VOC; 5.56 GFLOP, printed for 224x224, are "
                "YOLOv3-tiny's at 416x416",
            ),
        },
    ),
    yolox(
        "nano",
        416,
        {
            "trinh-2023": Printed(
                "yolox_nano",
                0.91e6,
                1.08e9,
                differences="1.08 GFLOP are of a count that adds norms and activations to the convolutions",
            )
        },
    ),
    yolox("tiny", 416, {"trinh-2023": Printed("yolox_tiny", 5.06e6, 6.45e9)}),
    yolox("s", 640, {}),
)
