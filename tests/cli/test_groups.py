"""Groups at imsys-cli: the subcommands, and slash commands, lines and names in the chat of a group."""

from __future__ import annotations

import re

from PIL import Image

from imsys.cli import members
from tests.cli.running import CliCase, Person


class GroupCase(CliCase):
    async def as_(self, name: str, *arguments: str, status: int = 0, typed: str = "") -> str:
        return await self.cli("--as", name, *arguments, server=False, status=status, typed=typed)

    async def made(self, owner: str, title: str, *members: str) -> str:
        """Make a group; its number."""
        said = await self.as_(owner, "group", "create", title, *members)
        found = re.search(r"is group #(\d+) now", said)
        assert found is not None, said
        return found[1]

    def opened(self, name: str, group: str) -> Person:
        return self.run_cli("--as", name, "chat", group, terminal=True, server=False)

    async def closed(self, *people: Person) -> None:
        for person in people:
            person.type("\x15\x04")
            await person.ended
            self.assertEqual(person.status, 0, person.shown + person.errors)


class Commands(GroupCase):
    async def test_life_of_a_group(self) -> None:
        """A group is made, shown, changed and left, command by command, by title or number."""
        anna, ben, carl, dora = await self.together("anna", "ben", "carl", "dora")
        number = await self.made(anna, "Sunday cake", ben, carl)
        self.assertEqual(await self.as_(ben, "group", "list"), f"#{number}  Sunday cake  (3 members)\n")
        self.assertIn("Newcomers read all", await self.as_(ben, "group", "show", "sunday CAKE"))
        await self.as_(anna, "group", "add", number, dora)
        self.assertIn("is here already.", await self.as_(anna, "group", "add", number, dora))
        await self.as_(anna, "group", "role", "Sunday cake", ben, "admin")
        self.assertIn("an admin already.", await self.as_(anna, "group", "role", number, ben, "admin"))
        await self.as_(ben, "group", "mute", f"#{number}", carl, "1h")
        members = (await self.as_(carl, "group", "members", number)).splitlines()
        self.assertEqual(members[:2], [f"{anna} (owner)", f"{ben} (admin)"])
        self.assertRegex(members[2], r"^you \(muted until .*\)$")
        self.assertEqual(members[3], dora)
        await self.as_(ben, "group", "mute", number, carl, "off")
        await self.as_(ben, "group", "remove", number, carl)
        changes = ("--title", "Monday", "--description", "With tea", "--channel", "--newcomers", "joined")
        await self.as_(ben, "group", "change", number, *changes)
        shown = await self.as_(dora, "group", "show", "Monday")
        for words in ("With tea", "Only admins write here.", "what is said after they joined", "a member."):
            self.assertIn(words, shown)
        await self.as_(anna, "group", "role", number, ben, "owner")
        self.assertIn("You left Monday.", await self.as_(anna, "group", "leave", number))
        self.assertIn("You are in no group;", await self.as_(anna, "group", "list"))
        history = await self.as_(ben, "history", "Monday")
        for line in (
            f"({anna} made the group Sunday cake with {carl} and you)",
            f"({anna} added {dora})",
            f"({anna} made you an admin)",
            f"(you let {carl} write again)",
            f"(you removed {carl})",
            "(you named the group Monday; you described the group: With tea; you let only admins write; "
            "you let newcomers read what is said after they joined)",
            f"({anna} made you the owner)",
            f"({anna} left)",
        ):
            self.assertIn(f"{line}\n", history)

    async def test_ways_in(self) -> None:
        """By invitation, and by links: for a while, some times, or with an admin's approval."""
        anna, ben = await self.together("anna", "ben")
        carl, dora, emil = await self.accounts("carl", "dora", "emil")
        number = await self.made(anna, "Cake", carl, dora, ben)
        self.assertIn("was invited", await self.as_(anna, "group", "add", number, emil))
        self.assertIn(
            f"#{number}  Cake  (2 members, from {anna})", await self.as_(carl, "group", "invitations")
        )
        self.assertIn("You are in Cake now", await self.as_(carl, "group", "accept", "cake"))
        self.assertIn("You declined", await self.as_(dora, "group", "decline", number))
        self.assertIn(
            "Nobody has invited you to Cake.", await self.as_(dora, "group", "accept", "Cake", status=1)
        )
        made = await self.as_(anna, "group", "link", number, "--expires", "1d", "--uses", "5", "--approval")
        self.assertIn("used 0 of 5 times, an admin is asked", made)
        link = made.split()[0]
        self.assertIn("an admin answers", await self.as_(dora, "group", "join", link))
        self.assertIn(f"{dora} asks to be let in", await self.as_(anna, "group", "asking", number))
        await self.as_(anna, "group", "refuse", number, dora)
        self.assertIn("does not ask", await self.as_(anna, "group", "approve", number, dora, status=1))
        await self.as_(dora, "group", "join", link)
        await self.as_(anna, "group", "approve", number, dora)
        self.assertIn(f"#{number}  Cake", await self.as_(dora, "group", "list"))
        self.assertIn(link, await self.as_(anna, "group", "links", number))
        await self.as_(anna, "group", "unlink", number, link)
        self.assertIn("no such link", await self.as_(anna, "group", "unlink", number, link, status=1))
        self.assertIn("There are no links.", await self.as_(anna, "group", "links", number))
        self.assertIn("does not lead anywhere", await self.as_(emil, "group", "join", link, status=1))
        self.assertIn("others invite you", await self.as_(emil, "group", "added-by"))
        self.assertIn("Nobody adds you", await self.as_(emil, "group", "added-by", "nobody"))
        await self.as_(anna, "group", "remove", number, emil)
        self.assertIn("do not want to be added", await self.as_(anna, "group", "add", number, emil, status=1))

    async def test_unread(self) -> None:
        """The list says what is unread, and whether one is mentioned; the history has the names of those who wrote."""
        anna, ben, carl = await self.together("anna", "ben", "carl")
        number = await self.made(anna, "Cake", ben, carl)
        await self.as_(ben, "chat", "Cake", typed="one\n")
        await self.as_(anna, "chat", number, typed=f"two, @{carl}.\n")
        self.assertIn("(3 members, 2 unread, you are mentioned)", await self.as_(carl, "group", "list"))
        self.assertIn("(3 members, 1 unread)", await self.as_(ben, "group", "list"))
        self.patch(
            members, "_KNOWN", 1
        )  # as in a large group: those who have said something can be mentioned
        await self.as_(ben, "chat", "Cake", "--lines", "5", typed=f"three, @{anna} and @{carl}\n")
        self.assertIn("1 unread, you are mentioned", await self.as_(anna, "group", "list"))
        history = await self.as_(carl, "history", "#" + number)
        self.assertRegex(history, rf"(?s){ben}: one\n.*{anna}: two, @{carl}\.\n")

    async def test_whatever_its_title(self) -> None:
        """A group of a title that could be no username is found by it, and takes files."""
        anna, ben = await self.together("anna", "ben")
        title = "Kuchen & Tee 🎂 " + "x" * 85
        await self.made(anna, title, ben)
        await self.as_(anna, "send", str(self.password), "--to", title.upper())
        self.assertIn("[file password ", await self.as_(ben, "history", title))
        self.assertIn("Nobody is live.", await self.as_(ben, "live", "list", title))
        path = self.config / "cake.png"
        Image.new("RGB", (64, 64), "brown").save(path)
        await self.as_(anna, "group", "change", title, "--picture", str(path))
        self.assertIn("(you changed the picture of the group)", await self.as_(anna, "history", title))
        no_picture = ("group", "change", title, "--picture", str(self.password))
        self.assertIn("does not take password", await self.as_(anna, *no_picture, status=1))

    async def test_plain_sentences(self) -> None:
        """What cannot be is one sentence and status 1."""
        anna, ben, carl = await self.together("anna", "ben", "carl")
        number = await self.made(anna, "Cake", ben)
        for wrong, arguments in (
            ("You are in no group called Cake.", (carl, "group", "show", "Cake")),
            ("You do not belong to this group.", (carl, "group", "show", number)),
            ("Only admins", (ben, "group", "add", "Cake", carl)),
            ("nobody called", (anna, "group", "add", "Cake", "nobody-at-all")),
            ("is not in this group.", (anna, "group", "role", "Cake", carl, "admin")),
            ("is not in this group.", (anna, "group", "mute", "Cake", carl, "1h")),
            ("'1x' is no time", (anna, "group", "mute", "Cake", ben, "1x")),
            ("hands the group over", (anna, "group", "leave", "Cake")),
            ("Only admins", (ben, "group", "role", "Cake", anna, "member")),
            ("invalid choice", (anna, "group", "role", "Cake", ben, "king")),
            ("title", (anna, "group", "create", "")),
            ("Say what to change", (anna, "group", "change", "Cake")),
            ("There is no file", (anna, "group", "change", "Cake", "--picture", "/nowhere")),
        ):
            self.assertIn(wrong, await self.as_(*arguments, status=1))
        other = await self.made(anna, "cake", carl)
        said = await self.as_(anna, "chat", "Cake", status=1)
        self.assertIn("You are in 2 groups called Cake; say which one: ", said)
        self.assertIn(f"#{other}", said)


class Terminals(GroupCase):
    async def test_chat(self) -> None:
        """Members at terminals talk under their names, mention one another, and see who has read."""
        anna, ben, carl = await self.together("anna", "ben", "carl")
        (dora,) = await self.accounts("dora")
        number = await self.made(anna, "Cake", ben)
        one, two = self.opened(anna, "Cake"), self.opened(ben, number)
        for person in (one, two):
            await self.sees(person, "talking in Cake")
            await self.sees(person, "Cake: 2 members, 2 online")
        one.type(f"/add {carl}\r")
        await self.sees(two, f"-- {anna} added {carl} --")
        await self.sees(one, f"-- you added {carl} --")
        three = self.opened(carl, "cake")
        await self.sees(three, "talking in Cake")
        three.type(f"Is @{anna[:-2].upper()}\t")
        await self.sees(three, f"> Is @{anna}")
        three.type("there?\r")
        await self.sees(one, f"Is @{anna} there?")
        self.assertRegex(one.shown, rf" {carl} +Is @")
        self.assertIn(f"\x1b[1;33mIs @{anna} there?", one.output)
        await self.sees(two, f"Is @{anna} there?")
        self.assertNotIn("\x1b[1;33m", two.output)
        await self.sees(three, "there?  ✓✓ read 2")
        number_of = re.findall(r"(\d+)  you  +Is @", three.shown)[-1]
        three.type(f"/seen {number_of}\r")
        await self.sees(three, f"-- Read by {anna} and {ben}. --")
        place = re.findall(rf"(\d+)  {carl} +Is @", two.shown)[-1]
        two.type(f"/react {place} 👍\r")
        await self.sees(one, f"-- {ben}: 👍 to ")
        two.type(f"/reply {place} Yes\r")
        await self.sees(three, f"(you: Is @{anna}")
        one.type(f"/role {ben} admin\r")
        await self.sees(three, f"-- {anna} made {ben} an admin --")
        two.type(f"/mute {carl} 1h\r")
        await self.sees(three, f"-- {ben} muted you until")
        three.type("Hm\r")
        await self.sees(three, "You may not write here for a while.")
        two.type("/rename Tea\r")
        await self.sees(one, "Tea: 3 members")
        two.type("/members\r")
        await self.sees(two, f"-- {anna} (owner) --")
        one.type("/link ask\r")
        await self.sees(one, "(an admin is asked)")
        link = re.findall(r"-- (\S{22})  \(an admin", one.shown)[0]
        await self.as_(dora, "group", "join", link)
        await self.sees(one, f"-- {dora} asks to be let in (/approve {dora}")
        one.type(f"/approve {dora}\r")
        await self.sees(two, f"-- {anna} added {dora} --")
        two.type(f"/remove {dora}\r")
        await self.sees(one, f"-- {ben} removed {dora} --")
        one.type(f"/remove {carl}\r")
        await three.ended
        self.assertEqual(three.status, 1)
        self.assertIn(f"{anna} removed you from Tea.", three.shown)
        two.type("/leave\r")
        await self.sees(two, "/leave yes leaves Tea")
        two.type("/leave yes\r")
        await two.ended
        self.assertEqual(two.status, 0, two.shown)
        await self.sees(one, f"-- {ben} left --")
        await self.sees(one, "Tea: 1 member\n")
        await self.closed(one)

    async def test_elsewhere(self) -> None:
        """A chat tells of other groups: that one was added, invited or mentioned there, and what is said."""
        anna, ben = await self.together("anna", "ben")
        (carl,) = await self.accounts("carl")
        chat = self.opened(ben, anna)
        await self.sees(chat, f"talking with {anna}")
        number = await self.made(anna, "Cake", ben)
        await self.sees(chat, f"-- {anna} added you to the group Cake (imsys-cli chat {number}) --")
        await self.as_(anna, "chat", "Cake", typed=f"Who comes?\n@{ben}?\n")
        await self.sees(chat, f"-- {anna} writes in Cake: Who comes? --")
        await self.sees(chat, f"-- {anna} mentions you in Cake: @{ben}? --")
        chat.type("/members\r")
        await self.sees(chat, "-- this is no group;")
        chat.type("\x15")
        other = await self.made(carl, "Tea", ben)
        await self.sees(chat, f"-- {carl} invites you to the group Tea (/accept {other} or")
        chat.type(f"/accept {other}\r")
        await self.sees(chat, "You are in Tea now")
        chat.type(f"/forward 1 {number}\r")
        await self.sees(chat, f"-- sent to {number} --")
        await self.closed(chat)
        self.assertIn(f"forwarded from {anna}", "".join(await self.forwarded(anna, number)))

    async def forwarded(self, name: str, number: str) -> list[str]:
        chat = self.opened(name, number)
        await self.sees(chat, "[forwarded from")
        await self.closed(chat)
        return [chat.shown.replace("[forwarded from you]", f"[forwarded from {name}]")]

    async def test_typed_ahead(self) -> None:
        """What is typed before the prompt is there is taken when it is."""
        anna, ben = await self.together("anna", "ben")
        await self.made(anna, "Cake", ben)
        chat = self.opened(anna, "Cake")
        chat.type("/add\r")
        await self.sees(chat, "like this: /add NAME")
        await self.closed(chat)

    async def test_mistyped(self) -> None:
        """What cannot be is said in a sentence, and the line stays to be mended."""
        anna, ben = await self.together("anna", "ben")
        await self.made(anna, "Cake", ben)
        chat = self.opened(anna, "Cake")
        await self.sees(chat, "talking in Cake")
        for typed, said in (
            ("/add", "like this: /add NAME"),
            ("/role ben king", "like this: /role NAME admin"),
            ("/mute ben", "like this: /mute NAME 1h"),
            ("/channel perhaps", "like this: /channel on"),
            ("/newcomers none", "like this: /newcomers all"),
            ("/link forever", "like this: /link 7d 10 ask"),
            ("/seen 99", "there is no such message"),
            ("/schedule soon Hello", "like this: /schedule 18:00 TEXT"),
            ("/timer soon", "like this: /timer 1d"),
            ("/cancel 3", "/scheduled lists what waits"),
        ):
            chat.type(f"{typed}\r")
            await self.sees(chat, said)
            await self.sees(chat, f"> {typed}")
            chat.type("\x15")
        chat.type("/add nobody-at-all\r")
        await self.sees(chat, "There is nobody called nobody-at-all.")
        chat.type("/help\r")
        await self.sees(chat, "who is in it, /leave --")
        await self.closed(chat)

    async def test_at_a_pipe(self) -> None:
        """Lines of a pipe are commands of groups too, and all is done before it ends."""
        anna, ben, carl = await self.together("anna", "ben", "carl")
        await self.made(anna, "Cake", ben)
        said = await self.as_(anna, "chat", "Cake", typed=f"/add {carl}\n/group\n//add is a command\n// no\n")
        self.assertIn(f"(you added {carl})\n", said)
        self.assertIn("  Cake  (", said)
        self.assertIn("you: /add is a command  v\n", said)
        self.assertIn("you: // no  v\n", said)


class Company(GroupCase):
    async def test_there_and_writing(self) -> None:
        """Above the prompt stands whether the other one is there, and that they write; what is typed stays."""
        anna, ben = await self.together("anna", "ben")
        one = self.opened(anna, ben)
        await self.sees(one, f"{ben}: last seen ")
        one.type("half a line")
        two = self.opened(ben, anna)
        await self.sees(one, f"{ben}: online\n> half a line")
        await self.sees(two, f"{anna}: online")
        two.type("Hel")
        await self.sees(one, f"{ben} is writing...\n> half a line")
        two.type("lo\r")
        await self.sees(one, f"{ben}  Hello\n{ben}: online\n> half a line")
        two.type("/typing off\r")
        await self.sees(two, "others do not see that you write")
        one.output = ""
        two.type("More\r")
        await self.sees(one, f"{ben}  More")
        self.assertNotIn("writing", one.output)
        await self.closed(one, two)
        two = self.opened(ben, anna)
        await self.sees(two, f"{anna}: last seen")
        two.type("/typing\r")
        await self.sees(two, "others do not see that you write")
        two.type("/typing on\r")
        await self.sees(two, "others see that you write")
        await self.closed(two)

    async def test_later(self) -> None:
        """Texts are sent later, listed and taken back; a timer is set for both."""
        anna, ben = await self.together("anna", "ben")
        one, two = self.opened(anna, ben), self.opened(ben, anna)
        for person in (one, two):
            await self.sees(person, "We are friends now!")
        one.type("/schedule 2s Surprise\r")
        await self.sees(one, "it is sent at")
        await self.sees(two, f"{anna}  Surprise")
        await self.sees(one, "Surprise  ✓")
        one.type("/schedule tomorrow 9:00 Good morning\r")
        await self.sees(one, " 09:00; /scheduled lists what waits")
        one.type("/scheduled\r")
        await self.sees(one, " 09:00: Good morning --")
        one.type("/cancel 1\r")
        await self.sees(one, "it is not sent: Good morning")
        one.type("/scheduled\r")
        await self.sees(one, "nothing waits to be sent here")
        one.type("/timer 1d\r")
        await self.sees(two, f"-- {anna} set messages to be gone after 1 day --")
        two.type("/timer\r")
        await self.sees(two, "messages are gone after 1 day")
        two.type("/timer off\r")
        await self.sees(one, f"-- {ben} set messages to stay --")
        await self.closed(one, two)
