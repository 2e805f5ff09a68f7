"""Every sample on every page is compiled and run here, or by the test that is named here. One in
a language that no test knows fails.

Samples are run as they are written, in an empty folder, with these names replaced by what the
test started: relay.example:443 and 127.0.0.1:9090. They find in their environment ENDPOINT,
CA_FILE, KEY_FILE (32 bytes) and PID (a process with secrets). The relay's roots are the system's.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib  # type: ignore[import-not-found]  # mypy checks for 3.10
import yaml  # type: ignore[import-untyped]
from conftest import Host
from pages import ROOT, Sample, samples

from relay import Relay

# Who else runs samples: page and language; the file that does, and how it names the page.
README = ("tests/docs/readme.py", '"README.md"')
PYTHON = "bindings/python/tests/test_docs.py"
RUST = "bindings/rust/sprint/src/lib.rs"
ELSEWHERE = {
    ("README.md", "c"): README,
    ("README.md", "cpp"): README,
    ("README.md", "rust"): README,
    ("README.md", "python"): README,
    ("README.md", "toml"): README,
    ("docs/python.md", "python"): (PYTHON, "docs/python.md"),
    ("bindings/python/README.md", "python"): (PYTHON, "bindings/python/README.md"),
    ("docs/rust.md", "rust"): (RUST, "docs/rust.md"),
    ("bindings/rust/README.md", "rust"): (RUST, "../../README.md"),
}
# Commands that need more than a folder and a relay, and what runs the same ones.
COMMANDS_ELSEWHERE = {
    "pip install": "tests/packages/wheel",
    "ENDPOINT=127.0.0.1:7443 CA_FILE=libsprint/": "tests/docs/readme.py",
}
FOR_PEOPLE = {"", "text", "promql"}  # drawings, output, and what only a server could check
BUILD = ROOT / "build"

SAMPLES = [pytest.param(s, id=s.place) for s in samples() if s.language not in FOR_PEOPLE]


def here(text: str, relay: Relay, host: Host) -> str:
    text = text.replace("relay.example:443", relay.address)
    return re.sub(r"(127\.0\.0\.1|localhost):9090", host.metrics, text)


def run(argv: list[str | Path], relay: Relay, host: Host, folder: Path) -> str:
    done = subprocess.run(
        argv,
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
            "ENDPOINT": relay.address,
            "CA_FILE": relay.ca_file,
            "KEY_FILE": str(relay.dir / "login.key"),
            "SSL_CERT_FILE": relay.ca_file,
            "PID": str(host.pid),
            "PYTHONPATH": str(ROOT / "bindings/python/src"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def compiled(compiler: list[str], text: str, name: str, relay: Relay, host: Host, at: Path) -> None:
    assert "main(" in text, "not a program: nobody can try it as it stands"
    (at / name).write_text(here(text, relay, host))
    flags = ["-Wall", "-Wextra", "-Werror", "-pthread", f"-I{ROOT / 'include'}"]
    libraries = [f"-L{BUILD}", "-lsprint", f"-Wl,-rpath,{BUILD}", "-ldl"]
    run([*compiler, *flags, name, "-o", "sample", *libraries], relay, host, at)
    arguments = [relay.address, relay.ca_file] if "argv" in text else []
    run([at / "sample", *arguments], relay, host, at)


def shell(text: str, relay: Relay, host: Host, at: Path) -> None:
    """Commands as they are typed in a checkout. make is asked whether it could: the test may be
    part of what it would make. What sudo would allow and this test may not do is let pass."""
    script = ["set -eu", f'make() {{ command make --no-print-directory -n -C "{ROOT}" "$@"; }}']
    script += ['sudo() { "$@" 2>refused || grep "Operation not permitted" refused; }']
    script += [f'ln -s "{ROOT}"/[!.]* .']
    for line in here(text, relay, host).splitlines():
        if not any(line.strip().startswith(known) for known in COMMANDS_ELSEWHERE):
            script.append(line)
    run(["bash", "-c", "\n".join(script)], relay, host, at)


def go(text: str, relay: Relay, host: Host, place: str, at: Path) -> None:
    # Within the module, so that its replace line holds; "_": no pattern of packages finds it.
    package = BUILD / "docs/_samples" / re.sub(r"\W", "-", place)
    package.mkdir(parents=True, exist_ok=True)
    (package / "main.go").write_text(here(text, relay, host))
    command = ["go", "build", "-o", str(at / "sample"), f"./{package.relative_to(ROOT)}"]
    run(["go", "vet", f"./{package.relative_to(ROOT)}"], relay, host, ROOT)
    run([*command], relay, host, ROOT)
    run([at / "sample"], relay, host, at)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_works_as_it_is_written(
    sample: Sample, relay: Relay, host: Host, tmp_path: Path
) -> None:
    other = ELSEWHERE.get((sample.page, sample.language))
    if other is not None:
        assert other[1] in (ROOT / other[0]).read_text()
        return
    (tmp_path / "key.bin").write_bytes(bytes(range(32)))
    match sample.language:
        case "c":
            compiled(["gcc", "-std=c11"], sample.text, "sample.c", relay, host, tmp_path)
        case "cpp":
            compiled(["g++", "-std=c++17"], sample.text, "sample.cpp", relay, host, tmp_path)
        case "go":
            go(sample.text, relay, host, sample.place, tmp_path)
        case "python":
            (tmp_path / "sample.py").write_text(here(sample.text, relay, host))
            run([sys.executable, "-W", "error", "sample.py"], relay, host, tmp_path)
        case "sh":
            # The README's first steps are those of readme.py.
            if sample.page != "README.md" or "make demo" in sample.text:
                shell(sample.text, relay, host, tmp_path)
        case "json":
            json.loads(sample.text)
        case "toml":
            tomllib.loads(sample.text)
        case "yaml":
            assert yaml.safe_load(sample.text)
        case "ini":
            configparser.ConfigParser(strict=False).read_string(sample.text)
        case language:
            pytest.fail(f"no test knows what to do with {language!r}")


def test_there_are_samples_of_each_kind() -> None:
    kinds = {s.language for s in samples()}
    assert {"c", "cpp", "rust", "python", "sh"} <= kinds
