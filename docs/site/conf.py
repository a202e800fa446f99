"""How ``make docs`` makes a site of the pages and the docstrings: Sphinx, with MyST for Markdown and Furo for
the looks.
"""

from __future__ import annotations

import re
from typing import Any

from imsys import __version__

project = "imsys"
author = "the authors of imsys"
copyright = author  # noqa: A001 (Sphinx calls it so)
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "docs/site/index"
include_patterns = ["*.md", "docs/*.md", "docs/**/*.md"]
exclude_patterns = [
    ".*",
    "build",
    "dist",
    "var",
    "_trial_temp*",
    "tests",
    "imsys",
    "changelog.d",
    "docs/performance/text.md",
]
suppress_warnings = ["misc.highlighting_failure"]  # statements that leave something out with "…"
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!imsys\.).*"),  # Python's and other packages', whose documentation is elsewhere
    ("py:.*", r"imsys\.(?!sdk\.).*"),  # annotations with what is no promise to anybody
    ("py:.*", r"imsys\.sdk\.aio\.\w+\.([A-Z]|Part|ReactorThread)"),
    ("py:.*", r"imsys\.sdk\.\w+\.([A-Z]|Ask|Change|Files|Lifecycle)"),
]

html_theme = "furo"
html_title = f"imsys {__version__}"
html_show_sourcelink = False
html_copy_source = False
html_additional_pages = {"index": "forward.html"}
templates_path = ["."]

myst_heading_anchors = 4

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True


def _plainly(*event: Any) -> tuple[str, str] | None:
    """Write a signature as people do: zope's interfaces by name, and nothing of how a Protocol would be
    called, which nobody does.
    """
    arguments, returned = event[-2:]
    new = "" if arguments == "(*args, **kwargs)" else arguments
    name = re.sub(r"<InterfaceClass [\w.]*\.(\w+)>", r"\1", returned or "")
    return (new, name) if (new, name) != (arguments, returned or "") else None


def _fields_apart(*event: Any) -> None:
    """Where a docstring of one line ends in ``:raises …``, that is a field as well."""
    lines: list[str] = event[-1]
    lines[:] = re.sub(r"(?m)(?<=\S) (:(?:raises|returns)\b)", r"\n\n\1", "\n".join(lines)).split("\n")


def _without_aliases(app: Any, what: str, name: str, member: object, skip: bool, options: Any) -> bool | None:
    """What Python says of a named tuple's fields says nothing."""
    return (getattr(member, "__doc__", None) or "").startswith("Alias for field number") or None


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("autodoc-process-signature", _plainly)
    app.connect("autodoc-process-docstring", _fields_apart)
    app.connect("autodoc-skip-member", _without_aliases)
