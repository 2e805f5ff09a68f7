"""The wheel's own parts: the library in it, and the tag that says where it runs.

    SPRINT_WHEEL_LIBRARY=build/libsprint.so.1 pip wheel bindings/python

The library is packed as it is: tools that patch or strip a shared object break the Go
runtime in it. It needs nothing but glibc, and the tag names the version that it asks for.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

LIBRARY = os.environ.get("SPRINT_WHEEL_LIBRARY")


def glibc_floor(library: str) -> tuple[int, int]:
    """The newest version of glibc's symbols that the library is linked to."""
    symbols = subprocess.run(["objdump", "-T", library], check=True, capture_output=True, text=True)
    found = re.findall(r"\(?GLIBC_(\d+)\.(\d+)", symbols.stdout)
    return max((int(major), int(minor)) for major, minor in found)


class BuildWithLibrary(build_py):
    def run(self) -> None:
        super().run()
        if LIBRARY and not self.editable_mode:
            target = Path(self.build_lib, "sprint", "_lib", "libsprint.so.1")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(LIBRARY, target)


class ForOnePlatform(Distribution):
    def has_ext_modules(self) -> bool:
        return True  # so that the wheel's root is not "pure"


class PlatformWheel(bdist_wheel):
    def run(self) -> None:
        if not LIBRARY:
            raise SystemExit("set SPRINT_WHEEL_LIBRARY to the libsprint.so that the wheel is for")
        super().run()

    def get_tag(self) -> tuple[str, str, str]:
        assert LIBRARY
        major, minor = glibc_floor(LIBRARY)
        return "py3", "none", f"manylinux_{major}_{minor}_{platform.machine()}"


setup(
    distclass=ForOnePlatform,
    cmdclass={"bdist_wheel": PlatformWheel, "build_py": BuildWithLibrary},
)
