from __future__ import annotations

import pytest
import suites


@pytest.mark.parametrize(
    ("suite", "expression", "papers"),
    [
        ("default", "", []),
        ("trinh-2023", "", ["trinh-2023"]),
        ("default", "suo_2021", ["suo-2021"]),
        ("default", "not suo_2021", []),
        ("default", "suo_2021 or (hadidi_2019 and not mishra_2021)", ["suo-2021", "hadidi-2019"]),
        ("suo-2021", "trinh_2023", ["suo-2021", "trinh-2023"]),
        ("full", "", list(suites.PAPERS)),
    ],
)
def test_the_papers_whose_figures_a_session_shows(suite, expression, papers):
    assert suites.papers_asked_for(suite, expression) == papers
