"""Crash in C code with faulthandler enabled before the library is loaded, or after.

crash.py before|after
"""

from __future__ import annotations

import ctypes
import faulthandler
import sys

import sprint


def guilty() -> None:
    ctypes.string_at(1)


if sys.argv[1] == "before":
    faulthandler.enable()
with sprint.SecureBuffer.random(32) as key:
    key.hmac("sha256", b"")
if sys.argv[1] == "after":
    faulthandler.enable()
guilty()
