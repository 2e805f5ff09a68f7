"""What a debugger gets: one session of gdb for four attacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from process import SECRET_SIZE, Attacker, HuntError, Victim

EVERYTHING = "0xff"  # all bits of core(5)'s coredump_filter


def attack(attacker: Attacker, victim: Victim) -> Iterator[tuple[str, str]]:
    """Yield (attack, "word: detail")."""
    core, full = attacker.directory / "core", attacker.directory / "full"
    injected = victim.directory / "injected"
    filter_file = Path(f"/proc/{victim.pid}/coredump_filter")
    default_filter = f"0x{filter_file.read_text().strip()}"
    output = _gdb(
        attacker,
        victim,
        f"x/{SECRET_SIZE}xb {victim.address:#x}",
        f"gcore {core}",
        f"shell echo {EVERYTHING} > {filter_file}",
        "set dump-excluded-mappings on",
        f"gcore {full}",
        f"shell echo {default_filter} > {filter_file}",
        # O_CREAT | O_RDWR, 0600
        f'set $fd = (int)open("{injected}", 66, 384)',
        f"print (long)write($fd, (void *){victim.address:#x}, {SECRET_SIZE}l)",
        "print (int)close($fd)",
    )
    yield "gdb x/32xb", _examined(output, victim.secret)
    for name, path in (("gcore", core), ("gcore, nothing excluded", full)):
        if not path.exists():
            raise HuntError(f"{name} as {attacker.name} made no core:\n{output}")
        yield name, attacker.hunt("file", victim, path)
        path.unlink()
    if not injected.exists():
        raise HuntError(f"gdb as {attacker.name} could not call open(2):\n{output}")
    got = injected.read_bytes()
    injected.unlink()
    yield (
        "gdb calls write(2) inside",
        "leak: in the file" if got == victim.secret else (f"refused: {len(got)} bytes in the file"),
    )


def _gdb(attacker: Attacker, victim: Victim, *commands: str) -> str:
    settings = ("set debuginfod enabled off", "set confirm off", "set use-coredump-filter on")
    arguments = ["gdb", "-nx", "-batch", "-p", str(victim.pid)]
    for command in settings:
        arguments += ["-iex", command]
    for command in commands:
        arguments += ["-ex", command]
    return attacker.run(*arguments)


def _examined(output: str, secret: bytes) -> str:
    got = bytes(int(b, 16) for b in re.findall(r"\t0x([0-9a-f]{2})\b", output))
    if got == secret:
        return "leak: printed"
    if got == bytes(SECRET_SIZE):
        return "zeros: printed"
    if "Cannot access memory at address" in output and not got:
        return "refused: Cannot access memory"
    raise HuntError(f"gdb gave {len(got)} other bytes:\n{output}")
