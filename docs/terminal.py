"""Draw what a terminal showed: ``docs/failing.svg`` from the end of a session in ``docs/failing.ansi``.

    python docs/terminal.py              # draws the picture from the kept output
    python docs/terminal.py --measure    # first measures the tour's regression on this machine, and keeps the output
    python docs/terminal.py --check      # fails where the picture is not of the kept output

Needs rich (requirements/docs.in); ``--measure`` needs this package installed, and git.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent
KEPT, PICTURE = DOCS / "failing.ansi", DOCS / "failing.svg"
COLUMNS = 100
#: In lock-step, as a busy machine disturbs both commits alike.
COMMAND = ("pytest", "benchmarks", "-k", "416", "--against=HEAD")
#: What the picture leaves out: all before the report, the line after it, and a path of the machine.
BEGINNING, END = re.compile(r"^=+ edgeperf =+$"), re.compile(r"^=+ .*\d+ failed.* in .* =+$")
LEFT_OUT = re.compile(r"^results: ")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
#: Rich's pictures ask another server for their font.
FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
BLOCKS = re.compile(r"^```(?:python|ini)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def measure() -> str:
    """Commit the tour's files, make its function slower, and return what the session against the commit prints."""
    files: Dict[str, List[str]] = {}
    for name, text in BLOCKS.findall((DOCS / "tour.md").read_text(encoding="utf-8")):
        files.setdefault(name, []).append(text)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        (folder / "benchmarks").mkdir()
        for name, texts in files.items():
            (folder / name).write_text(texts[0], encoding="utf-8")
        git = ["git", "-C", str(folder), "-c", "user.name=tour", "-c", "user.email=tour@localhost"]
        for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "fast"]):
            subprocess.run([*git, *arguments], check=True)
        for name, texts in files.items():
            (folder / name).write_text(texts[-1], encoding="utf-8")
        words = [sys.executable, "-m", *COMMAND, "--color=yes"]
        environment = {**os.environ, "COLUMNS": str(COLUMNS)}
        done = subprocess.run(words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
    print(done.stdout, flush=True)
    if done.returncode != 1:
        raise SystemExit(f"terminal.py: the session ended with {done.returncode}, not with a regression")
    return done.stdout


def report_of(session: str) -> str:
    """The report at the end of a session, with its colours."""
    lines = session.splitlines()
    plain = [ESCAPES.sub("", line).rstrip() for line in lines]
    begin = next(number for number, line in enumerate(plain) if BEGINNING.match(line)) + 1
    end = next(number for number, line in enumerate(plain) if END.match(line))
    return "\n".join(lines[number] for number in range(begin, end) if not LEFT_OUT.match(plain[number])) + "\n"


def picture_of(report: str) -> str:
    """The SVG of the command and the report."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ {' '.join(COMMAND)}"))
    console.print(Text.from_ansi(report.strip("\n")))
    return FONTS.sub("", console.export_svg(title="a regression", unique_id="failing")) + "\n"


def main(arguments: List[str]) -> int:
    """Measure, draw or check; the exit code."""
    if "--measure" in arguments:
        KEPT.write_text(report_of(measure()), encoding="utf-8")
    drawn = picture_of(KEPT.read_text(encoding="utf-8"))
    if "--check" not in arguments:
        PICTURE.write_text(drawn, encoding="utf-8")
    elif PICTURE.read_text(encoding="utf-8") != drawn:
        print("docs/failing.svg is not of docs/failing.ansi: run python docs/terminal.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
