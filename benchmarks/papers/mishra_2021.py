"""Mishra (2021)."""

from __future__ import annotations

from papers import Paper

PAPER = Paper(
    "mishra-2021",
    files={"mishra-2021::pipeline": "test_pipeline_optimisation.py", "mishra-2021::tasks": "test_task_models.py"},
)
#: Section 2.3: what the devices cost, in US dollars.
PRICES = {"nano": 108.0, "rpi3": 35.0}
