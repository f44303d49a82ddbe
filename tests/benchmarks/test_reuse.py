"""How often a network uses a parameter: what Hadidi et al. (2019) sort networks by."""

from __future__ import annotations

import pytest

#: Networks are built; no code of ours is traced by that.
pytestmark = pytest.mark.long

pytest.importorskip("torch")

from models import build  # noqa: E402
from papers.hadidi_2019 import FLOP_PER_PARAMETER  # noqa: E402
from studies import HADIDI_2019_CLIPS, HADIDI_2019_TIME, SWAMINATHAN_2024_TABLE_1, coordinate  # noqa: E402


@pytest.mark.parametrize("study", [HADIDI_2019_TIME, HADIDI_2019_CLIPS])
def test_hadidis_networks_are_placed_by_their_reuse(study):
    parameters = build("vgg-s-32", 32).parameters
    assert coordinate(study, parameters) == pytest.approx(FLOP_PER_PARAMETER["vgg-s-32", 32], rel=0.01)
    assert coordinate(study, parameters) == parameters["multiply_accumulates"] / parameters["parameters"]
    assert dict(parameters)["multiply_accumulates_per_parameter"] == coordinate(study, parameters)


def test_other_studies_place_them_by_their_operations():
    parameters = build("vgg-s-32", 32).parameters
    assert coordinate(SWAMINATHAN_2024_TABLE_1, parameters) == pytest.approx(0.2206, abs=1e-4)
