"""A page as a browser takes it apart: its elements, texts, scripts and the data blocks."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any, Dict, List, Tuple

VOID = {"br", "hr", "img", "input", "link", "meta"}


class Page(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: List[Tuple[str, Dict[str, Any]]] = []
        self.scripts: List[str] = []
        self.blocks: Dict[str, Any] = {}
        self.texts: List[str] = []
        self.comments: List[str] = []
        self.headings: List[int] = []
        self._open: List[Tuple[str, Dict[str, Any]]] = []
        self.feed(source)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.elements.append((tag, known))
        if tag in ("h1", "h2", "h3", "h4", "h5"):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self._open.append((tag, known))

    def handle_endtag(self, tag):
        assert self._open[-1][0] == tag, (tag, self._open)
        self._open.pop()

    def handle_data(self, data):
        tag, known = self._open[-1] if self._open else ("", {})
        if tag == "script":
            if known.get("type") == "application/json":
                self.blocks[known["id"]] = json.loads(data)
            else:
                self.scripts.append(data)
        elif tag != "style":
            self.texts.append(data)

    def handle_comment(self, data):
        self.comments.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def attributes(self, tag: str) -> List[Dict[str, Any]]:
        return [known for name, known in self.elements if name == tag]
