"""The pages and the code name each other, and what they name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.daemons import ROOT

CODE = [
    path
    for folder in ("imsys", "client", "tests", "tac")
    for path in (ROOT / folder).rglob("*.py")
    if "stubs" not in path.parts
]
_NUMBER = r"\d+(?:\.\d+)*"
_CITATION = re.compile(rf"docs/([\w/]+\.md), ({_NUMBER}(?:(?:, | and ){_NUMBER})*)")


def citations() -> Iterator[tuple[Path, str, str]]:
    """What the code cites: the file that does, the page, and the number of a section."""
    for path in CODE:
        for page, numbers in _CITATION.findall(" ".join(path.read_text("utf-8").split())):
            yield from ((path, page, number) for number in re.findall(_NUMBER, numbers))


def numbered(page: str) -> list[str]:
    """The numbers of a page's headings, in order."""
    return re.findall(rf"^#{{2,}} ({_NUMBER})\.? \S", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE)


class Citations(SynchronousTestCase):
    def test_found(self) -> None:
        """Each section of a page that the code cites exists."""
        found = list(citations())
        self.assertGreater(len(found), 10)
        self.assertEqual([str(one) for one in found if one[2] not in numbered(one[1])], [])

    def test_one_form(self) -> None:
        """Code cites our pages in that form only, so that nothing escapes the test above."""
        for path in CODE:
            if path != Path(__file__):
                self.assertNotRegex(
                    path.read_text("utf-8"),
                    r"(?i)wire(?: |\n)+protocol,(?: |\n)+section|\.md, section|\bwire\.md",
                    str(path),
                )

    def test_in_order(self) -> None:
        """The sections of the protocol are numbered in the order in which they stand, without a gap."""
        headings = re.findall(
            r"^(##+) (.*)$", (ROOT / "docs" / "protocol.md").read_text("utf-8"), re.MULTILINE
        )
        at = [0, 0]
        for depth, heading in headings:
            at = [at[0] + 1, 0] if depth == "##" else [at[0], at[1] + 1]
            self.assertTrue(
                heading.startswith(f"{at[0]}. " if depth == "##" else f"{at[0]}.{at[1]} "), heading
            )


class Architecture(SynchronousTestCase):
    def test_files(self) -> None:
        """Each module and folder that docs/architecture.md names is there.

        The front of its path may be left out.
        """
        named = set(
            re.findall(
                r"`([\w./]+(?:\.(?:py|proto|sql|md)|/))`",
                (ROOT / "docs" / "architecture.md").read_text("utf-8"),
            )
        )
        self.assertGreater(len(named), 50)
        there = [
            f"/{path.relative_to(ROOT)}"
            for top in ("imsys", "client", "tests", "twisted", "tac")
            for path in (ROOT / top, *(ROOT / top).rglob("*"))
        ]
        missing = {
            name for name in named if not any(path.endswith(f"/{name.removesuffix('/')}") for path in there)
        }
        self.assertEqual(sorted(missing), [])
