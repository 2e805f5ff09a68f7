"""``python -m sprint doctor`` and ``python -m sprint ping host:port``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import sprint

from . import doctor, ping


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status. 0: all is well, 1: something is not, 2: the
    arguments are wrong, 130: Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m sprint", description="Look at what libsprint gives here."
    )
    parser.add_argument("--version", action="version", version=f"sprint {sprint.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    doctor.add_to(commands)
    ping.add_to(commands)
    arguments = parser.parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0
    return status
