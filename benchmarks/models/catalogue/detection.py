"""Detectors of objects."""

from __future__ import annotations

from labelled import shapes
from tasks.detection import SHAPES, YOLOV3, YOLOV3_TINY, letterbox
from tasks.finishing import ssd_detections, yolo_detections
from tasks.scaling import squeeze
from tasks.ssd_boxes import SSD300, SSD_MOBILENET

from models.network import Network

#: What the detectors of that kind share.
SSD = ("tasks/scaling", "models/ssd", "tasks/ssd_boxes")
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
    ),
)
