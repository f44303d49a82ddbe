from __future__ import annotations

import pytest

from tests.overhead.telemetry import MOST_SHARE, sampler_share
from tests.plugin.test_devices import materialise


@pytest.mark.alone
@pytest.mark.parametrize("board", ["nano", "orin-nano"])
def test_the_sampler_costs_under_two_per_cent_of_a_core(tmp_path, board):
    share = sampler_share(materialise(tmp_path, board), seconds=2.0)
    print(f"{board}: {100 * share:.2f} % of one core")
    assert share < MOST_SHARE
