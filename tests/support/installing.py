"""Installing anew, without a network: pip gets wheels of the packages that the tests run with, made from
their installed files.
"""

from __future__ import annotations

import email
import re
import shutil
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import sys_tags
from packaging.utils import canonicalize_name

from tests.support.children import folder
from tests.support.daemons import ROOT, environment

_LEFT_OUT = ("INSTALLER", "REQUESTED", "direct_url.json")


def clean() -> dict[str, str]:
    """An environment that knows neither the checkout nor how the tests' own pip is set up."""
    return {name: value for name, value in environment().items() if not name.startswith(("PYTHON", "PIP_"))}


def copy_checkout() -> Path:
    """A copy of the checkout without what is made in it, so that building leaves nothing there."""
    source = folder("source") / "imsys"
    left_out = (
        ".*",
        "var",
        "build",
        "dist",
        "*.egg-info",
        "__pycache__",
        "_trial_temp*",
        "tests",
        "dropin.cache",
        "*.so",
        "*.pyd",
        "compiled.digest",
    )
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*left_out))
    return source


def closure(requirements: Iterable[str]) -> set[str]:
    """The canonical names of what these bring, themselves included, by what the installed packages say."""
    seen: set[tuple[str, str]] = set()
    wanted = [(Requirement(line), "") for line in requirements]
    while wanted:
        requirement, of = wanted.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": of}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                wanted += [(Requirement(line), extra) for line in metadata.requires(name) or ()]
    return {name for name, _ in seen}


def make_wheel(name: str, folder: Path) -> Path:
    """Make a wheel of an installed package."""
    package = metadata.distribution(name)
    about = email.message_from_string(package.read_text("WHEEL") or "")
    here = {str(tag) for tag in sys_tags()}
    # a package for Python 2 as well has several
    tag = next(tag for tag in about.get_all("Tag", []) if tag in here)
    called = re.sub(r"[^\w.]+", "_", package.metadata["Name"])
    path = folder / f"{called}-{package.version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file in package.files or ():
            if ".." not in file.parts and file.suffix != ".pyc" and file.name not in _LEFT_OUT:
                wheel.write(file.locate(), str(file))
    return path
