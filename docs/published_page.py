"""Write docs/published.md: where the papers' figures contradict themselves or one another, each with the arithmetic.

python docs/published_page.py
"""

from __future__ import annotations

from pathlib import Path

from published_numbers import Figures, published
from published_remarks import remarks

PAGE = Path(__file__).resolve().parent / "published.md"
INTRODUCTION = """# Misprints and contradictions

The figures in `baselines/published/` are as printed. Some contradict the paper's other figures, or cannot be what they
are said to be. Where such a figure is shown, its remark stands beside it, and this page has the arithmetic. All numbers
below are computed from the tables (`python docs/published_page.py` writes this page). Checklists are decided by the
printed figures; where these contradict the paper's own statement, they say so.
"""
TITLES = {
    "suo-2021": "Suo et al. (2021)",
    "mishra-2021": "Mishra (2021)",
    "swaminathan-2024": "Swaminathan et al. (2024)",
    "trinh-2023": "Trinh (2023)",
    "hadidi-2019": "Hadidi et al. (2019)",
}


def text_of(figures: Figures) -> str:
    """The page."""
    lines = [INTRODUCTION]
    found = remarks(figures)
    for paper, title in TITLES.items():
        lines += [f"## {title}\n", "| place | printed | its own figures |", "|---|---|---|"]
        rows = [(one.place, one.printed, one.arithmetic) for one in found if one.paper == paper]
        lines += [
            f"| {' | '.join(cell.replace('|', chr(92) + '|').replace('*', chr(92) + '*') for cell in row)} |"
            for row in rows
        ]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(text_of(published()), encoding="utf-8")
