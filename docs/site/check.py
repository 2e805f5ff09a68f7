"""The built site stands alone: every local link of its own pages leads somewhere, to the anchor
too, and no page loads anything from the Internet. (The references that doxygen, rustdoc and pdoc
make link among themselves; they are only checked for what they load.) And the search finds
something when a browser reads the site from files.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(__file__).resolve().parents[2] / "build/docs/html"
GENERATED = [SITE / "reference" / name for name in ("c", "python", "rust")]
LOADS = {("script", "src"), ("img", "src"), ("iframe", "src")}


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        for name, value in said.items():
            if (tag, name) in LOADS:
                self.loads.add(value)
        if tag == "link" and said.get("rel") not in ("canonical", "prev", "next", "license"):
            self.loads.add(said.get("href", ""))
        if tag == "a" and "href" in said:
            self.links.add(said["href"])
        self.anchors.update(said[name] for name in ("id", "name") if name in said)


def faults(path: Path, seen: dict[Path, Page]) -> list[str]:
    page = seen.setdefault(path, Page(path))
    found = [f"loads {url}" for url in page.loads if re.match(r"(https?:)?//", url)]
    if any(path.is_relative_to(folder) for folder in GENERATED):
        return found
    for url in sorted(page.links | page.loads):
        parts = urlsplit(url)
        if parts.scheme or parts.netloc or url.startswith("javascript:"):
            continue
        aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not aim.is_file():
            found.append(f"links to {url}, which is not there")
        elif parts.fragment and aim.suffix == ".html":
            anchors = seen.setdefault(aim, Page(aim)).anchors
            found += [f"links to {url}: no such place"] * (unquote(parts.fragment) not in anchors)
    return found


def found_by_the_search(word: str) -> str:
    """What the page says about its hits, in a browser without a network."""
    with tempfile.TemporaryDirectory() as profile:
        dom = subprocess.run(
            [
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *(f"--user-data-dir={profile}", "--virtual-time-budget=10000"),
                *("--proxy-server=127.0.0.1:1", f"file://{SITE}/index.html?q={word}"),
            ],
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
    hits = re.search(r'class="md-search-result__meta">\s*([^<]*?)\s*<', dom)
    return hits[1] if hits else "nothing was shown"


def main() -> None:
    seen: dict[Path, Page] = {}
    pages = sorted(p for p in SITE.rglob("*.html") if p.name != "404.html")
    broken = [f"{page.relative_to(SITE)} {fault}" for page in pages for fault in faults(page, seen)]
    if broken or not pages:
        sys.exit("\n".join(broken) or "docs: no pages")
    hits = found_by_the_search("canary")
    if not re.fullmatch(r"\d+ matching documents?", hits):
        sys.exit(f"docs: the search does not work on files: {hits}")
    print(f"docs: {len(pages)} pages, every link leads somewhere: build/docs/html/index.html")


if __name__ == "__main__":
    main()
