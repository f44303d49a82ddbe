"""What MkDocs is helped with: pages that live outside of ``docs/``, and links that lead there.

Files such as ``README.md`` stay where readers of the repository look for them, and are pages of the site too. A link
to another file of the repository becomes its path; a link to nothing is a warning, which a strict build fails for.
"""

from __future__ import annotations

import logging
import os.path
import re
from pathlib import Path
from typing import Any, Callable, Dict

ROOT = Path(__file__).resolve().parent.parent
#: File of the repository -> page of the site.
PAGES: Dict[str, str] = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "baselines/published/README.md": "published-figures.md",
    "benchmarks/README.md": "experiments.md",
}
#: Files that the site has beside its pages.
FILES: Dict[str, str] = {
    "pytest_edgeperf/results/report_schema.json": "report_schema.json",
    "pytest_edgeperf/results/schema.json": "results_schema.json",
}
DOCS = "docs/"
#: Code is left alone; in what is between, links and pictures.
_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z]+:|#|//")

log = logging.getLogger("mkdocs.hooks.outside_pages")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that live outside of ``docs/``."""
    from mkdocs.structure.files import File

    for source, page in {**PAGES, **FILES}.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links between files of the repository into links between pages."""
    page_name = page.file.src_uri
    sources = {name: source for source, name in PAGES.items()}
    source = sources.get(page_name, DOCS + page_name)
    return relinked(markdown, source, lambda target: log.warning("%s: there is no file %s", source, target))


def relinked(markdown: str, source: str, missing: Callable[[str], object]) -> str:
    """The text of one file of the repository with the links of its page; ``missing`` gets what leads nowhere."""
    codes: Dict[str, str] = {}

    def hide(match: Any) -> str:
        code = str(match.group(0))
        key = f"\0{len(codes)}\0"
        # GitHub's tables need pipes escaped in code, too; Python-Markdown would show the backslash.
        codes[key] = code if code.startswith("```") else code.replace("\\|", "|")
        return key

    def link(match: Any) -> str:
        label, target = match.groups()
        if _ELSEWHERE.match(target):
            return str(match.group(0))
        place, mark, anchor = target.partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(source), place)).replace(os.sep, "/")
        if not (ROOT / path).exists():
            missing(place)
        page = PAGES.get(path) or FILES.get(path) or (path[len(DOCS) :] if path.startswith(DOCS) else None)
        if page is not None:
            return f"[{label}]({page}{mark}{anchor})"
        return f"`{path}`" if label == os.path.basename(path) else f"{label} (`{path}`)"

    return re.sub(r"\0\d+\0", lambda match: codes[match.group(0)], _LINK.sub(link, _CODE.sub(hide, markdown)))
