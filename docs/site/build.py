"""Build the site: pages, and references made from the sources, into build/docs/html.

A link of a page to another page of the site stays one. A link to a file of the tree that is not
on the site becomes its path: it must exist, and readers of the site are told where to look.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/docs"
SOURCES = BUILD / "src"
FROM_ELSEWHERE = {
    "README.md": "first-steps.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-reports.md",
    "tests/guest/README.md": "guest.md",
}
GO_PACKAGES = ["pool", "pool/monitor", "pool/monitor/secrets", "securemem"]

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def pages() -> dict[Path, Path]:
    """Each page: where it is in the tree, and where on the site."""
    found = {ROOT / name: Path(place) for name, place in FROM_ELSEWHERE.items()}
    for page in sorted((ROOT / "docs").rglob("*.md")):
        found[page] = page.relative_to(ROOT / "docs")
    return found


def linked(text: str, page: Path, site: dict[Path, Path]) -> str:
    """The text of a page with its links made for the site. Blocks of code are left alone."""

    def link(match: re.Match[str]) -> str:
        words, target = match[1], match[2]
        if re.match(r"\w+:|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        aim = Path(os.path.normpath(page.parent / path))
        if aim in site:
            to = os.path.relpath(site[aim], site[page].parent)
            return f"[{words}]({to}{'#' + anchor if anchor else ''})"
        if (SOURCES / os.path.relpath(aim, ROOT / "docs")).exists():
            return match[0]  # to a reference
        if not aim.exists():
            raise SystemExit(f"{page.relative_to(ROOT)}: no such file: {target}")
        name = str(aim.relative_to(ROOT)) + ("/" if aim.is_dir() else "")
        return f"`{name}`" if name in words else f"{words} (`{name}`)"

    parts = re.split(r"(^```.*?^```$)", text, flags=re.M | re.S)
    return "".join(p if p.startswith("```") else LINK.sub(link, p) for p in parts)


def run(*argv: str | Path, **env: str) -> None:
    subprocess.run([str(a) for a in argv], cwd=ROOT, env={**os.environ, **env}, check=True)


def c_reference() -> None:
    shutil.rmtree(BUILD / "doxygen", ignore_errors=True)
    run("doxygen", "docs/site/Doxyfile")
    shutil.move(BUILD / "doxygen/html", SOURCES / "reference/c")


def rust_reference() -> None:
    target = ROOT / "build/cargo"
    # Other crates leave theirs here, which are not part of this one.
    shutil.rmtree(target / "doc", ignore_errors=True)
    run(
        *("cargo", "doc", "--quiet", "--no-deps", "--all-features", "--locked"),
        *("--manifest-path", "bindings/rust/Cargo.toml"),
        CARGO_TARGET_DIR=str(target),
        SPRINT_LIB_DIR=str(ROOT / "build"),
        SPRINT_INCLUDE_DIR=str(ROOT / "include"),
        RUSTDOCFLAGS="-D warnings",
    )
    # The licenses of its fonts are not pages.
    md = shutil.ignore_patterns("*.md")
    shutil.copytree(target / "doc", SOURCES / "reference/rust", ignore=md)


def python_reference() -> None:
    out = SOURCES / "reference/python"
    run(
        *(sys.executable, "-m", "pdoc", "--no-show-source", "-o", out, "sprint"),
        PYTHONPATH=str(ROOT / "bindings/python/src"),
    )


def go_reference() -> None:
    for package in GO_PACKAGES:
        said = subprocess.check_output(["go", "doc", "-all", f"./{package}"], cwd=ROOT, text=True)
        name = package.replace("/", "-")
        (SOURCES / f"reference/go-{name}.md").write_text(
            f"# Package {package}\n\nWhat `go doc -all ./{package}` says.\n\n````go\n{said}````\n"
        )


def main() -> None:
    shutil.rmtree(BUILD / "src", ignore_errors=True)
    (SOURCES / "reference").mkdir(parents=True)
    (SOURCES / "assets").mkdir()
    for asset in ("iframe-worker.js", "extra.css"):
        shutil.copy(ROOT / "docs/site" / asset, SOURCES / "assets")
    c_reference()
    rust_reference()
    python_reference()
    go_reference()
    for picture in (ROOT / "docs").glob("*.png"):
        shutil.copy(picture, SOURCES)
    site = pages()
    for page, place in site.items():
        (SOURCES / place).parent.mkdir(parents=True, exist_ok=True)
        (SOURCES / place).write_text(linked(page.read_text(), page, site))
    run(
        *(sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "docs/site/mkdocs.yml"),
        NO_MKDOCS_2_WARNING="1",
    )


if __name__ == "__main__":
    main()
