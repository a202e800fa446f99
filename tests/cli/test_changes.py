"""Replies, edits, recalls, reactions and pins at imsys-cli, as slash commands and in plain words."""

from __future__ import annotations

from tests.cli.running import CliCase


class Changes(CliCase):
    async def test_at_terminals(self) -> None:
        """One answers, corrects, reacts, pins and takes back; the other reads of each."""
        anna, ben = await self.friends("anna", "ben")
        one = self.run_cli("--as", anna, "chat", ben, terminal=True, server=False)
        await self.sees(one, "  2  ")  # the two messages that began the friendship
        two = self.run_cli("--as", ben, "chat", anna, terminal=True, server=False)
        await self.sees(two, "  2  ")
        one.type("Shall we meat?\r")
        await self.sees(two, "Shall we meat?")
        self.assertRegex(two.shown, rf"\d\d:\d\d    3  {anna[:20]}  Shall we meat\?")
        one.type("/edit 3 Shall we meet?\r")
        await self.sees(two, f"-- {anna} changed 3 to: Shall we meet? --")
        await self.sees(one, "-- you changed 3 to: Shall we meet? --")
        two.type("/reply 3 At eight\r")
        await self.sees(one, "[answers 3 (you: Shall we meet?")
        await self.sees(one, "At eight")
        two.type("/react 3 👍\r")
        await self.sees(one, f"-- {ben}: 👍 to 3 (you: Shall we meet?")
        two.type("/react 3 👍\r")
        await self.sees(one, f"-- {ben}: no 👍 any more to 3")
        one.type("/pin 4\r")
        await self.sees(two, f"-- {anna} pinned 4 (you: At eight) --")
        two.type("/pins\r")
        await self.sees(two, "-- pinned: 4 (you: At eight")
        one.type("/recall 3\r")
        await self.sees(two, f"-- {anna} took back 3")
        two.type("/list\r")
        await self.sees(two, f"-- 3  {anna}: [taken back] --")
        for person in (one, two):
            person.type("\x04")
            await person.ended
            self.assertEqual(person.status, 0, person.shown)
        history = await self.cli("--as", ben, "history", anna, server=False)
        self.assertIn(f"{anna}: [taken back]\n", history)
        self.assertRegex(history, r"you: At eight  \[pinned\]")

    async def test_mistyped(self) -> None:
        """What cannot be is said in a sentence, and the line stays to be mended."""
        anna, ben = await self.friends("anna", "ben")
        chat = self.run_cli("--as", anna, "chat", ben, terminal=True, server=False)
        await self.sees(chat, "  2  ")
        for typed, said in (
            ("/reply", "like this: /reply N TEXT"),
            ("/reply 2", "like this: /reply N TEXT"),
            ("/edit 99 x", "there is no such message"),
            ("/edit two x", "there is no such message"),
            ("/react", "like this: /react N EMOJI"),
        ):
            chat.type(f"{typed}\r")
            await self.sees(chat, said)
            await self.sees(chat, f"> {typed}")
            chat.type("\x15")
        chat.type("/react 2 thumbs\r")
        await self.sees(chat, "not reacted to: A reaction is one character")
        chat.type("/edit 2 not mine\r")
        await self.sees(chat, "not changed: Only its author edits a message.")
        chat.type("/help\r")
        await self.sees(chat, "/recall N")
        chat.type("\x15\x04")
        await chat.ended
        self.assertEqual(chat.status, 0)

    async def test_at_a_pipe(self) -> None:
        """Lines of a pipe are commands too, and all is done before it ends."""
        anna, ben = await self.friends("anna", "ben")
        said = await self.cli(
            *("--as", anna, "chat", ben, "--lines", "2"),
            typed="/reply 1 Yes\n/react 1 👍\n/pin 1\n/nothing of the kind\n",
            server=False,
        )
        self.assertIn("[answers 1 (", said)
        self.assertIn("(you pinned 1", said)
        history = await self.cli("--as", ben, "history", anna, server=False)
        self.assertRegex(history, r"\[👍 1\]  \[pinned\]")
        self.assertIn(f"{anna}: /nothing of the kind\n", history)
        (carl,) = await self.accounts("carl")
        refused = await self.cli(
            *("--as", anna, "chat", ben, "--lines", "4"), typed=f"/forward 1 {carl}\n", server=False
        )
        self.assertIn("are not friends", refused)
