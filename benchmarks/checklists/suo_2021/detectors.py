"""What the paper's experiments share: its detectors and their complexities."""

from __future__ import annotations

#: The larger first.
DETECTOR_NETWORKS = ("yolov3", "yolov3-tiny")
DETECTORS = ("test_yolov3", "test_yolov3_tiny")
#: Side in pixels from which the paper's observations 7 and 8 change.
TURNING_POINT = 480


def name_of(test: str) -> str:
    """The detector that a test runs, for the figures."""
    return test[len("test_") :]
