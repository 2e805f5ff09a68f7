"""The pages of the repository and the samples on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Sample:
    """A fenced block."""

    page: str  # path in the tree
    line: int
    language: str  # "" for drawings and output
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """All Markdown for readers: at the top, in docs/, the READMEs of bindings and tests."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    found += [*(ROOT / "bindings").glob("*/README.md"), *(ROOT / "tests").rglob("README.md")]
    return sorted(found)


def samples() -> Iterator[Sample]:
    for page in pages():
        text = page.read_text()
        for match in re.finditer(r"^( *)(`{3,})(\w*)[^\n]*\n(.*?)^\1\2$", text, re.M | re.S):
            line = text.count("\n", 0, match.start()) + 2
            body = re.sub(f"^{match[1]}", "", match[4], flags=re.M)
            yield Sample(str(page.relative_to(ROOT)), line, match[3], body)
