"""What the kernel, the limits of this process and its environment say."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from .findings import Findings

_ADDRESS_SPACE = 2 << 30
"""The library reserves some 1.6 GB of addresses, which costs no memory."""
_KNOBS = ("GODEBUG", "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GOTRACEBACK")

# Where the library looks, as Go's crypto/x509 does (root_linux.go).
_ROOT_FILES = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/pki/tls/cacert.pem",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/cert.pem",
)


def address_space(found: Findings) -> bool:
    """Whether the library may be loaded."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY or limit >= _ADDRESS_SPACE:
        found.add("address space", "ok", _amount(limit))
        return True
    found.add(
        "address space",
        "fail",
        f"{_amount(limit)}: the library reserves more when it is loaded, and the process would "
        "end; it was not loaded here",
        "allow at least 2 GiB (ulimit -v, LimitAS=): they are addresses, not memory",
    )
    return False


def limits(found: Findings, root: Path) -> None:
    """Room for secrets and for connections."""
    page = resource.getpagesize()
    locked, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if locked == resource.RLIM_INFINITY:
        found.add("locked memory", "ok", "no limit")
    else:
        raisable = "" if locked == most else f" (raisable by the process to {_amount(most)})"
        found.add(
            "locked memory",
            "ok" if locked >= 1 << 20 else "warn",
            f"{_amount(locked)}{raisable}: about {locked // page:,} secrets of up to "
            f"{page - 16:,} bytes at a time",
            "more: LimitMEMLOCK= in a systemd unit, --ulimit memlock=-1 of docker, "
            "/etc/security/limits.conf or ulimit -l; secrets that rest may be sealed instead: "
            "memory_set(at_limit='seal')",
        )
    maps, used = _number(root, "proc/sys/vm/max_map_count"), _lines(root, "proc/self/maps")
    if maps:
        tight = maps - used < 10_000
        found.add(
            "mappings",
            "warn" if tight else "ok",
            f"{maps:,} allowed, {used:,} in use; each secret needs up to three",
            "sysctl -w vm.max_map_count=262144" if tight else "",
        )
    files, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = files != resource.RLIM_INFINITY and files < 1024
    found.add(
        "descriptors",
        "warn" if few else "ok",
        f"{_count(files)} (raisable by the process to {_count(most_files)}); a connection needs "
        "one",
        "ulimit -n, LimitNOFILE=" if few else "",
    )


def can_hibernate(root: Path) -> bool:
    """Whether memory may be written to a disk as a whole."""
    return "disk" in _text(root, "sys/power/state").split() and bool(_swaps(root))


def leaks(found: Findings, root: Path) -> None:
    """Ways on which memory leaves the process."""
    if swaps := _swaps(root):
        found.add(
            "swap",
            "note",
            f"on {', '.join(swaps)}: locked secrets are not written there, the rest of the "
            "process may be",
            "encrypt it, or go without",
        )
    else:
        found.add("swap", "ok", "none on a disk")
    if can_hibernate(root):
        found.add(
            "hibernation",
            "warn",
            "possible: the image on the disk holds secrets that mlock keeps",
            "systemctl mask hibernate.target hybrid-sleep.target, or choose secretmem, which "
            "prevents it while a secret lives: memory_set(backend='secretmem')",
        )
    else:
        found.add("hibernation", "ok", "not possible here")
    pattern = _text(root, "proc/sys/kernel/core_pattern").strip()
    size, _ = resource.getrlimit(resource.RLIMIT_CORE)
    # A program that takes dumps (core(5)) gets them whatever the limit is.
    if not pattern or (size == 0 and not pattern.startswith("|")):
        found.add("core dumps", "ok", "not written: the limit of their size is 0")
    else:
        found.add(
            "core dumps",
            "note",
            f"written to {pattern!r}: without secrets, but with the rest of memory, keys of "
            "TLS sessions included",
            "ulimit -c 0, LimitCORE=0"
            if not pattern.startswith("|")
            else "sysctl kernel.core_pattern says who takes them",
        )
    scope = _text(root, "proc/sys/kernel/yama/ptrace_scope").strip()
    if scope and scope != "0":
        found.add("debuggers", "ok", f"restricted (kernel.yama.ptrace_scope = {scope})")
    else:
        found.add(
            "debuggers",
            "note",
            "any program of the same user may attach to the process",
            "sysctl -w kernel.yama.ptrace_scope=1" if scope else "the kernel has no Yama here",
        )


def environment(found: Findings, root: Path) -> None:
    """What connections are judged by, and what the environment changes."""
    given = [f"{name}={os.environ[name]}" for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")
             if os.environ.get(name)]  # fmt: skip
    files = [f"/{path}" for path in _ROOT_FILES if (root / path).exists()]
    if given or files:
        found.add("system roots", "ok", ", ".join(given) or files[0])
    else:
        found.add(
            "system roots",
            "warn",
            "none: every server is untrusted unless the pool is given ca_file or ca_pem",
            "apt install ca-certificates",
        )
    knobs = [f"{name}={os.environ[name]}" for name in _KNOBS if os.environ.get(name)]
    if knobs:
        found.add(
            "environment",
            "note",
            f"{', '.join(knobs)}: read by the Go runtime inside of the library",
        )


def _swaps(root: Path) -> list[str]:
    """Swap areas that are not in memory themselves."""
    rows = _text(root, "proc/swaps").splitlines()[1:]
    return [row.split()[0] for row in rows if row and not row.startswith("/dev/zram")]


def _text(root: Path, path: str) -> str:
    try:
        return (root / path).read_text(encoding="utf-8", errors="replace")
    except OSError:  # not there, or not for us
        return ""


def _number(root: Path, path: str) -> int:
    text = _text(root, path).strip()
    return int(text) if text.isdecimal() else 0


def _lines(root: Path, path: str) -> int:
    return _text(root, path).count("\n")


def _count(limit: int) -> str:
    return "no limit" if limit == resource.RLIM_INFINITY else f"{limit:,}"


def _amount(limit: int) -> str:
    if limit == resource.RLIM_INFINITY:
        return "no limit"
    size = float(limit)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} TiB"
