"""What each attack must find. A cell that differs fails, in either direction.

none     searched, and no piece of the secret is there
leak     the secret was had, from its own place
copies   pieces of it, or of its HMAC pads, are in other places too
refused  the kernel (or the page's protection) answered with an error
zeros    the address can be read and holds zeros
no core  none was written: memguard sets RLIMIT_CORE to 0 for good, for its whole host
-        this kind of memory has no such state

What leaks on libsprint's own backends leaks by design and is documented so: mlock is
readable through /proc/PID/mem, and code that runs inside the process reads everything.
The last three columns are controls. If they stopped leaking, the hunt would be blind.
"""

ROOT = "root"
USER = "same user"
INSIDE = "-"

_TABLE = """
attack                        |secretmem|secretmem+fast|mlock  |mlock+noaccess|heap|memguard|openfd
/proc/PID/mem, all mappings   |none     |none          |leak   |leak          |leak|leak    |none
/proc/PID/mem, at address     |refused  |refused       |leak   |leak          |leak|leak    |refused
process_vm_readv, all mappings|none     |none          |leak   |none          |leak|leak    |none
process_vm_readv, at address  |refused  |refused       |leak   |refused       |leak|leak    |refused
each descriptor (pidfd_getfd) |none     |none          |none   |none          |none|none    |leak
gdb x/32xb                    |refused  |refused       |leak   |leak          |leak|leak    |refused
gcore                         |none     |none          |none   |none          |leak|none    |none
gcore, nothing excluded       |none     |none          |leak   |leak          |leak|leak    |none
gdb calls write(2) inside     |leak     |leak          |leak   |refused       |leak|leak    |leak
forked child: all mappings    |none     |none          |none   |none          |leak|leak    |none
freed: at address             |refused  |refused       |zeros  |zeros         |leak|refused |refused
freed: all mappings           |none     |none          |none   |none          |leak|none    |none
HMAC: all mappings            |none     |none          |leak   |leak          |-   |copies  |-
HMAC and freed: all mappings  |none     |none          |none   |none          |-   |copies  |-
sealed: all mappings          |none     |none          |none   |none          |-   |-       |-
kernel core                   |none     |none          |none   |none          |leak|no core |none
process itself: all mappings  |leak     |leak          |leak   |none          |leak|leak    |leak
child itself, at address      |refused  |refused       |zeros  |refused       |leak|leak    |leak
freed: itself, at address     |refused  |zeros         |refused|refused       |leak|refused |refused
freed: itself, all mappings   |none     |none          |none   |none          |leak|none    |none
HMAC and freed: itself        |none     |none          |none   |none          |-   |copies  |-
sealed: itself, all mappings  |none     |none          |none   |none          |-   |-       |-
"""


def _parse(table: str) -> tuple[list[str], dict[str, dict[str, str]]]:
    head, *rows = ([c.strip() for c in line.split("|")] for line in table.strip().splitlines())
    kinds = head[1:]
    return kinds, {attack: dict(zip(kinds, cells, strict=True)) for attack, *cells in rows}


KINDS, EXPECTED = _parse(_TABLE)
