"""Suo et al. (2021)."""

from __future__ import annotations

from papers import Paper

#: Table I: YOLOv3's input resolutions and what an inference costs at them. A BFLOP is 1e9 operations of convolutions,
#: two per multiply-accumulate.
TABLE_1_BFLOPS = {
    320: 38.97,
    416: 65.86,
    448: 76.38,
    480: 87.68,
    512: 99.76,
    544: 112.62,
    576: 126.26,
    608: 140.69,
    640: 155.89,
    672: 171.86,
}
#: Formula (3): TensorRT's time in ms over BFLOPs, slope and intercept as printed.
FORMULA_3 = (5.32, 37.62)

PAPER = Paper(
    "suo-2021",
    files={
        "suo-2021::framework_comparison": "test_framework_comparison.py",
        "suo-2021::postprocessing": "test_postprocessing_profile.py",
        "suo-2021::precision": "test_resolution_scaling.py",
        "suo-2021::optimisation": "test_parallel_engines.py",
        "suo-2021::power": "test_power.py",
    },
)
