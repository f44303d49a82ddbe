"""Parts of a Markdown document that fit into a number of bytes together: cut between rows, and never inside one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Iterable, List, Sequence

from pytest_edgeperf.report.markup import summary
from pytest_edgeperf.report.numbers import count

#: Of the sentence that a cut part ends with, and of the one that names the parts that are left out.
_CUT_BYTES = 300
_LEFT_OUT_BYTES = 1000


@dataclass(frozen=True)
class Block:
    """Lines that stay together, and rows between them of which the last may be left out.

    Without rows, it is a block of few lines that the document needs; ``name`` is what the rows are, in the singular.
    """

    name: str = ""
    head: Sequence[str] = ()
    rows: Sequence[str] = ()
    tail: Sequence[str] = ()

    @property
    def size(self) -> int:
        """Bytes of the whole block."""
        return sum(map(_size, (*self.head, *self.rows, *self.tail)))

    def lines(self) -> List[str]:
        """The whole block."""
        return [*self.head, *self.rows, *self.tail]

    def cut(self, most_bytes: int, all_by: str) -> List[str]:
        """The first rows that fit, and how many do not; nothing where not even one does."""
        if self.size <= most_bytes:
            return self.lines()
        room = most_bytes - _CUT_BYTES - sum(map(_size, (*self.head, *self.tail)))
        fit = sum(1 for _ in takewhile(lambda size: size <= room, accumulate(map(_size, self.rows))))
        if not fit:
            return []
        more = f"{count(len(self.rows) - fit, f'further {self.name}')} left out here: see {all_by}."
        return [*self.head, *self.rows[:fit], "", more, *self.tail]


def folded(title: str, block: Block) -> Block:
    """A block that a reader opens by its title."""
    head = ["", "<details>", f"<summary>{summary(title)}</summary>", *block.head]
    return Block(block.name, head, block.rows, [*block.tail, "", "</details>"])


def fitting(blocks: Sequence[Block], most_bytes: int, all_by: str) -> str:
    """The document of blocks: what has no rows, then of each block with rows what fits, the first ones first.

    A block that does not fit whole gets half of what is left, so that those after it are not crowded out.

    Args:
        most_bytes: of the document in UTF-8.
        all_by: where all of it is, as Markdown: what a reader is to see.
    """
    if sum(block.size for block in blocks) <= most_bytes:
        return _joined(line for block in blocks for line in block.lines())
    room = most_bytes - _LEFT_OUT_BYTES - sum(block.size for block in blocks if not block.rows)
    rest = sum(block.size for block in blocks if block.rows)
    lines: List[str] = []
    left_out: List[str] = []
    for block in blocks:
        if not block.rows:
            lines += block.lines()
            continue
        rest -= block.size
        allowed = room if block.size + rest <= room or not rest else max(room // 2, room - rest)
        shown = block.cut(allowed, all_by)
        if not shown:
            left_out.append(count(len(block.rows), block.name))
        room -= sum(map(_size, shown))
        lines += shown
    if left_out:
        lines += ["", f"Left out here: {', '.join(left_out)}; see {all_by}."]
    return _joined(lines)


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _size(line: str) -> int:
    return len(line.encode("utf-8", "backslashreplace")) + 1
