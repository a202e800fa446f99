"""``make docs``: the pages and the docstrings as a site."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import imsys.plugins
import imsys.sdk
from tests.support.children import folder
from tests.support.daemons import ROOT, environment


class Site(SynchronousTestCase):
    def test_made(self) -> None:
        """It is made without a warning, has everything that is promised to other programs, and fetches
        nothing from elsewhere.
        """
        home = folder("site")
        sphinx = [
            sys.executable,
            "-m",
            "sphinx",
            "--quiet",
            "--fail-on-warning",
            "--keep-going",
            "-c",
            "docs/site",
        ]
        command = [*sphinx, "-d", str(home / "doctrees"), ".", str(home / "site")]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=240, env=environment(), cwd=ROOT
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        pages = {
            page.relative_to(home / "site"): page.read_text("utf-8")
            for page in (home / "site").rglob("*.html")
        }
        said = pages[Path("docs/site/sdk.html")] + pages[Path("docs/site/plugins.html")]
        for module in (imsys.sdk, imsys.plugins):
            for name in module.__all__:
                self.assertRegex(said, rf'id="imsys(\.\w+)*\.{name}"', name)
        for path, page in pages.items():
            self.assertEqual(
                re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"(?:https?:)?//[^\"]*", page),
                [],
                str(path),
            )
