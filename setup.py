"""What setup.cfg cannot say: nothing of an earlier build gets into this one, and what ``IMSYS_COMPILE=1`` does."""

import os
import runpy
import shutil
import sys
import sysconfig
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

COMPILED = runpy.run_path("imsys/util/compiled.py")
BUILDS = {"build", "build_ext", "bdist_wheel", "editable_wheel"}
"""Commands that make extension modules; the others have no need of mypyc."""


class BuildFromNothing(build_py):
    """Begins with an empty folder: a module that was removed since the last build would be installed, and a
    feature would be served.
    """

    def run(self):
        """Empty the folder, then fill it. (An editable installation has none.)"""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
            for wheel in Path(self.build_lib).parent.glob("bdist.*"):
                shutil.rmtree(wheel)
        super().run()


class BuildCompiled(build_ext):
    """Compiles, and writes down of what."""

    def run(self):
        """Without the digest of the sources, which comes last, the servers do not start on what is half made."""
        written = Path(self.get_ext_fullpath("imsys.util.compiled")).with_name(COMPILED["DIGEST"].name)
        written.unlink(missing_ok=True)
        super().run()
        if self.extensions:
            written.write_text(COMPILED["digest"](Path()), "ascii")


def needed():
    """What mypyc needs: itself, and everything whose types it reads."""
    config = ConfigParser()
    config.read("setup.cfg")
    extras = config["options.extras_require"]
    return [
        *config["options"]["install_requires"].split("\n"),
        *extras["server"].split("\n"),
        *extras["compile"].split("\n")[1:],
    ]


def extensions():
    """The modules for the C compiler; a sentence, and status 1, where there is none."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cl").split()[0]
    header = Path(sysconfig.get_path("include"), "Python.h")
    if shutil.which(compiler) is None:
        sys.exit(
            f"IMSYS_COMPILE: there is no C compiler here ({compiler}); without IMSYS_COMPILE imsys needs none"
        )
    if not header.exists():
        sys.exit(
            f"IMSYS_COMPILE: the C compiler needs Python's headers ({header}: Debian has them in python3-dev)"
        )
    os.environ.setdefault(
        "MYPY_CACHE_DIR", ".mypy_cache/compiled"
    )  # other options than those of 'make check'
    from mypyc.build import mypycify

    level = os.environ.get("MYPYC_OPT_LEVEL", "2")
    return mypycify(
        [str(path) for path in COMPILED["sources"](Path())],
        opt_level=level,
        debug_level="0",
        group_name="imsys",
    )


wanted = os.environ.get("IMSYS_COMPILE", "0") not in ("", "0")
setup(
    cmdclass={"build_py": BuildFromNothing, "build_ext": BuildCompiled},
    setup_requires=needed() if wanted and "egg_info" in sys.argv else [],
    ext_modules=extensions() if wanted and BUILDS & set(sys.argv) else [],
)
