"""imsys-bench files: small files by every door, beside nginx, and what the page says of them."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imsys.bench.files import CASES
from imsys.bench.page import render
from imsys.bench.transfers import PATTERN, expected, parts
from tests.bench.test_bench import Bench


class FilesTests(Bench):
    timeout = 180

    async def test_rates(self) -> None:
        """Each door is measured both ways where it has two, encrypted, and beside nginx, whose file is the
        same.
        """
        found = await self.run_bench("files", "--size", "3", "--encryption", "on")
        about = {report["setting"]["operation"]: report for report in found}
        self.assertEqual(len(about), len(CASES))
        self.assertEqual({report["counts"]["bytes"] for report in found}, {3_000_000})
        compared = {name for name, report in about.items() if "of nginx, %" in report["figures"]}
        self.assertEqual(compared, {name for name in about if name.startswith(("HTTP", "frames"))})
        self.assertTrue(all(report["figures"]["MB a second"] > 0 for report in found))
        page = render(self.results("files", found), "{{files}}")
        self.assertIn("| HTTP down, TLS, encrypted |", page)
        self.assertIn("Nothing went wrong", page)

    async def test_large(self) -> None:
        """A file goes up and down by both doors, and the server's memory is looked at."""
        found = await self.run_bench("files", "--what", "large", "--size", "2")
        self.assertEqual([report["counts"]["failed"] for report in found], [0] * 4)
        self.assertTrue(all("server memory grew by at most, MiB" in report["figures"] for report in found))

    async def test_many(self) -> None:
        """Many users send at the same time; the first and the last to end are named."""
        found = await self.run_bench("files", "--what", "many", "--users", "6", "--size", "1")
        for report in found:
            self.assertEqual(report["counts"]["bytes"], 6_000_000)
            self.assertLessEqual(report["figures"]["first to end, s"], report["figures"]["last to end, s"])
        self.assertIn(
            "frames up, TLS, encrypted", render(self.results("files-many", found), "{{files_many}}")
        )

    def results(self, scene: str, found: list[Any]) -> dict[str, Any]:
        return {"scenes": {scene: {"runs": [found], "failures": []}}}


class PatternTests(SynchronousTestCase):
    def test_parts(self) -> None:
        """The pieces of a file are what is expected at their places, wherever they begin."""
        whole = b"".join(parts(2 * len(PATTERN) + 77, 300_000))
        self.assertEqual(whole, (PATTERN * 3)[: len(whole)])
        self.assertEqual(
            bytes(expected(len(PATTERN) - 5, 1000)), whole[len(PATTERN) - 5 : len(PATTERN) + 995]
        )
