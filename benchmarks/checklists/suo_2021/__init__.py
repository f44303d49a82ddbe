"""The observations, insights and suggestions of Suo et al. (2021), sections IV and V, tested on results.

"Feasibility analysis of machine learning optimization on GPU-based low-cost edges". Where TensorRT was not measured,
every other runtime that takes a whole graph stands for it, and the figures name it. YOLOv3 is read where it was
measured at three complexities or more, else YOLOv3-tiny.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from papers.suo_2021 import PAPER

from checklists.deciding import Tests, decide
from checklists.findings import Checklist
from checklists.suo_2021.complexity import (
    insight_1,
    observation_1,
    observation_2,
    observation_3,
    observation_4,
    observation_5,
)
from checklists.suo_2021.headline import REAL_TIME_FPS, real_time, section_6
from checklists.suo_2021.optimisation import observation_6
from checklists.suo_2021.parallel import insight_4, observation_7
from checklists.suo_2021.power import insight_5, observation_8, observation_9
from checklists.suo_2021.suggestions import (
    avoid_middle,
    limit_memory,
    prefer_fitting,
    prefer_half,
    prefer_tensorrt,
    prepare_swap,
    save_by_choice,
    save_by_half,
    section_4_d,
)

if TYPE_CHECKING:
    from pytest_edgeperf import Results


def checklist(*results: Results) -> Checklist:
    """Observations 1 to 9, insights 1 to 5, what holds on another board, the headline, and suggestions 1 to 8."""
    return decide(FINDINGS, PAPER, results)


FINDINGS: Tests = (
    (
        "Observation 1",
        "end-to-end time is linear in the complexity for TensorFlow and TensorRT, and not for PyTorch, whose longest "
        "is at 87.68 of 171.86 BFLOPs (formulas 1 to 3)",
        observation_1,
    ),
    (
        "Observation 2",
        "TensorRT's memory is stable over the complexity, PyTorch's is linear in it (14.36 MB a BFLOP, formula 4)",
        observation_2,
    ),
    (
        "Observation 3",
        "PyTorch's time is mainly post-processing (92 to 96 % in table I), and its forward time does not increase "
        "with the complexity (62 ms at 320 pixels, 75 at 672)",
        observation_3,
    ),
    (
        "Observation 4",
        "PyTorch's post-processing is 95.95 % of the end-to-end time at 480 pixels, filtering 99.35 % of that, and the "
        "copy to the CPU takes almost as long as torch.where",
        observation_4,
    ),
    ("Observation 5", "a faster CPU makes PyTorch faster (figure 8)", observation_5),
    (
        "Observation 6",
        "16 bits and an input of the photograph's proportions are faster and take less memory, without a loss of "
        "accuracy (3.9 to 10.5 FPS, 1027 to 779 MB)",
        observation_6,
    ),
    (
        "Observation 7",
        "models in parallel have more throughput, three more than two, below 480 pixels, and no more above",
        observation_7,
    ),
    ("Observation 8", "PyTorch takes the least power below 480 pixels, TensorRT with 16 bits above", observation_8),
    ("Observation 9", "TensorRT's power fluctuates more than PyTorch's", observation_9),
    (
        "Insight 1",
        "T = aC + b for every framework, PyTorch's in pieces, and TensorRT has the smallest a and b (5.32 ms a BFLOP, "
        "37.62 ms)",
        insight_1,
    ),
    (
        "Insight 2",
        "PyTorch's memory grows with the complexity from 1393 MB, TensorRT's stays at 1378 MB",
        observation_2,
    ),
    ("Insight 3", "PyTorch's performance on an edge device is largely affected by its CPU", observation_5),
    (
        "Insight 4",
        "running in parallel pays less the larger the complexity, as the forward pass on the GPU grows more than the "
        "post-processing on the CPU",
        insight_4,
    ),
    (
        "Insight 5",
        "TensorRT's power fluctuates more than PyTorch's, and 16 bits take less power on the average than 32",
        insight_5,
    ),
    (
        "Section IV-D",
        "the rules hold on a Xavier NX: TensorRT has the shortest time and the least power (15.73, 19.06, 20.07 W)"
        ", and optimisation pays (12.6 to 30.3 FPS)",
        section_4_d,
    ),
    (
        "Section VI",
        "16 bits, an input of 16:9 and several engines together take YOLOv3 on a Jetson Nano from 3.9 to 10.5 and 13.1 "
        "frames per second, and from 1027 to 779 MB",
        section_6,
    ),
    (
        "Real time",
        f"so optimised it runs in real time (13.1 frames per second on a Jetson Nano, 30.3 on a Xavier NX; here "
        f"{REAL_TIME_FPS:.0f} are asked, as the paper names no number)",
        real_time,
    ),
    ("Suggestion 1", "limit the memory of TensorFlow, which takes all there is", limit_memory),
    ("Suggestion 2", "avoid 416 to 480 pixels in PyTorch, which are slower than larger inputs", avoid_middle),
    ("Suggestion 3", "prepare swap space for PyTorch above 416 pixels", prepare_swap),
    ("Suggestion 4", "deploy by TensorRT, which performs best", prefer_tensorrt),
    ("Suggestion 5", "deploy in 16 bits: 40 % less time, 39 % less memory, the same accuracy", prefer_half),
    (
        "Suggestion 6",
        "use the resolution closest to the picture: 416x256 takes 41 % of the time of 416x416",
        prefer_fitting,
    ),
    ("Suggestion 7", "16 bits in TensorRT save energy and time against 32", save_by_half),
    (
        "Suggestion 8",
        "for energy alone take PyTorch below 480 pixels and TensorRT with 16 bits above",
        save_by_choice,
    ),
)
