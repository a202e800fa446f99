"""imsys-cli and the demo against a whole server, as processes, at pipes and at terminals."""

from __future__ import annotations

import secrets
import sys

from twisted.internet.utils import getProcessOutputAndValue

from tests.cli.running import PASSWORD, CliCase
from tests.support.children import free_port
from tests.support.daemons import ROOT, environment


class Commands(CliCase):
    async def test_from_registration_to_history(self) -> None:
        """Two people register, find each other, become friends, talk and read it again, command by command."""
        run = secrets.token_hex(3)
        anna, ben = f"anna-{run}", f"ben-{run}"
        await self.register(anna)
        await self.register(ben)
        self.assertIn(f"* {ben}", await self.cli("accounts", server=False))
        self.assertIn("no friends here yet", await self.cli("friends", server=False))
        self.assertIn(ben, await self.cli("--as", anna, "search", ben.upper(), server=False))
        await self.cli("--as", anna, "add", ben, "--message", "Hello, Ben")
        self.assertIn("Hello, Ben", await self.cli("requests", server=False))
        await self.cli("accept", anna, server=False)
        self.assertIn(anna, await self.cli("friends", server=False))
        said = await self.process("--as", anna, "chat", ben, typed="one\ntwo\n", server=False)
        self.assertRegex(said, "you: one  ✓\n.*you: two  ✓\n")
        history = await self.cli("history", anna, server=False)
        self.assertRegex(
            history, f"(?s){anna}: Hello, Ben\n.*We are friends now!.*{anna}: one\n.*{anna}: two\n"
        )
        self.assertEqual(len((await self.cli("history", anna, "-n", "1", server=False)).splitlines()), 1)
        await self.cli("logout", server=False)
        self.assertIn(
            "has not signed in here", await self.cli("--as", ben, "friends", status=1, server=False)
        )

    async def test_plain_sentences(self) -> None:
        """Whatever goes wrong is one sentence on standard error, and status 1."""
        self.assertIn("Sign in first", await self.cli("friends", status=1))
        anna, ben = await self.accounts("anna", "ben")
        secret = ("--password-file", str(self.password))
        nobody = ("--server", f"https://127.0.0.1:{free_port()}", "--ca", self.server.ca)
        for wrong in (
            ("nobody called", self.cli("search", "nobody-at-all", status=1)),
            ("not friends", self.cli("chat", anna, status=1)),
            ("That is you", self.cli("--as", anna, "chat", anna, status=1)),
            ("has not asked you", self.cli("accept", anna, status=1)),
            ("cannot befriend yourself", self.cli("add", ben, status=1)),
            ("There is no terminal", self.cli("login", anna, status=1)),
            (
                "name or the password is wrong",
                self.cli("login", anna, "--password-file", "-", typed="not it\n", status=1),
            ),
            (
                "code is wrong",
                self.cli("register", "carl", "carl@example.org", "--code", "000000", *secret, status=1),
            ),
            ("There is nobody to ask", self.cli("register", "carl", "carl@example.org", *secret, status=1)),
            ("cannot be read", self.cli("login", anna, "--password-file", "/nowhere", status=1)),
            ("is it running?", self.cli("friends", *nobody, status=1, server=False)),
            ("cannot be read", self.cli("friends", "--ca", "/nowhere/ca.pem", status=1, server=False)),
            ("no certificate", self.cli("friends", "--ca", str(self.password), status=1, server=False)),
            ("is no address", self.cli("friends", "--server", "somewhere", status=1, server=False)),
            ("invalid choice", self.cli("dance", status=1, server=False)),
            ("nobody called", self.process("search", "nobody-at-all", status=1)),
            ("invalid choice", self.process("dance", status=1)),
        ):
            self.assertIn(wrong[0], await wrong[1])

    async def test_new_password(self) -> None:
        """A forgotten password is replaced with a mailed code; the session that was open has ended."""
        (name,) = await self.accounts("anna")
        email = f"{name}@example.org"
        self.assertIn(
            "8 characters",
            await self.cli("reset-password", name, email, "--password-file", "-", typed="short\n", status=1),
        )
        reset = self.run_cli("reset-password", name, email, "--password-file", "-")
        reset.type("another password\n")
        await self.until(lambda: len(self.server.codes(email)) == 2)
        reset.type(f"{self.server.codes(email)[1]}\n")
        await reset.ended
        self.assertIn("has a new password", reset.output + reset.errors)
        self.assertIn("has ended; sign in again", await self.cli("friends", status=1))
        await self.cli("login", name, "--password-file", str(self.password), status=1)
        await self.cli("login", name, "--password-file", "-", typed="another password\n")
        await self.cli("friends")

    async def test_demo(self) -> None:
        """The demo plays its conversation, and can be played again."""
        for said in (await self.cli("demo"), await self.process("demo")):
            self.assertIn("✓✓ read", said)
            self.assertIn("finds: I'll just write it down for you.", said)

    async def test_help(self) -> None:
        """Without a command there is help, and no complaint."""
        for arguments in ((), ("live",)):
            self.assertIn(
                "COMMAND" if not arguments else "ACTION", await self.process(*arguments, server=False)
            )

    async def test_closed_streams(self) -> None:
        """A standard stream that is closed is no reason to fail."""
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            command = f"exec {sys.executable} -m imsys.cli accounts {closed}"
            environ = environment() | {"XDG_CONFIG_HOME": str(self.config)}
            out, err, status = await getProcessOutputAndValue("/bin/sh", ["-c", command], environ, str(ROOT))
            self.assertEqual((status, err), (0, b""), closed)
            self.assertEqual(
                out,
                b"Nobody has signed in here.\n" if ">&-" not in closed.replace("2>&-", "") else b"",
                closed,
            )

    async def test_not_sent(self) -> None:
        """A pipe whose messages were not all sent ends with 1, and a sentence; the others are sent."""
        anna, ben = await self.friends("anna", "ben")
        said = await self.process(
            "--as", anna, "chat", ben, typed=f"one\n{'x' * 4097}\ntwo\n", status=1, server=False
        )
        self.assertIn("One message was not sent: A message has 1 to 4,096 characters.\n", said)
        self.assertRegex(said, "(?s)you: one  ✓\n.*you: two  ✓\n")
        chat = self.run_cli("--as", anna, "chat", ben, server=False)
        chat.type("three\n")
        await self.sees(chat, "you: three  ✓")
        await self.cli("--as", ben, "unfriend", anna, server=False)
        chat.type("four\nfive\n")
        assert chat.transport is not None
        chat.transport.closeStdin()
        await chat.ended
        self.assertEqual((chat.status, chat.errors), (1, "2 messages were not sent: You are not friends.\n"))

    async def test_history_stays(self) -> None:
        """What was said with somebody who was a friend stays readable; nothing can be said to them."""
        anna, ben = await self.friends("anna", "ben")
        await self.cli("--as", anna, "chat", ben, typed="Remember this\n", server=False)
        told = await self.cli("--as", ben, "unfriend", anna, server=False)
        self.assertIn(f"imsys-cli history {anna}", told)
        for me, other in ((anna, ben), (ben, anna)):
            self.assertIn("Remember this", await self.cli("--as", me, "history", other, server=False))
            self.assertIn(
                "are not friends", await self.cli("--as", me, "chat", other, status=1, server=False)
            )
        (carl,) = await self.accounts("carl")
        self.assertIn(
            "are not friends", await self.cli("--as", anna, "history", carl, status=1, server=False)
        )
        self.assertIn("That is you", await self.cli("--as", anna, "history", anna, status=1, server=False))

    async def test_mistyped_code(self) -> None:
        """A code that was mistyped is asked for again.

        The right one still counts, for registration and for a new password.
        """
        name = f"dora-{secrets.token_hex(3)}"
        email = f"{name}@example.org"

        async def mails(count: int) -> list[str]:
            await self.until(lambda: len(self.server.codes(email)) == count)
            return self.server.codes(email)

        for number, command in enumerate(("register", "reset-password"), 1):
            person = self.run_cli(command, name, email, "--password-file", str(self.password))
            code = (await mails(number))[-1]
            for wrong in ("000000", f"x{code}"):
                person.type(f"{wrong}\n")
                await self.asked(person, "The code is wrong, used or expired.\n")
                person.output = ""
            person.type(f"  {code}\n")
            await person.ended
            self.assertEqual((person.status, person.errors), (0, ""), person.output)
        person = self.run_cli("reset-password", name, email, "--password-file", str(self.password))
        person.type("000000\n")
        assert person.transport is not None
        person.transport.closeStdin()
        await person.ended
        self.assertEqual((person.status, person.errors), (1, "The code is wrong, used or expired.\n"))


class Terminals(CliCase):
    async def test_interrupted(self) -> None:
        """Ctrl-C ends a chat without a word, and leaves neither a prompt nor half a line behind."""
        anna, ben = await self.friends("anna", "ben")
        chat = self.run_cli("--as", anna, "chat", ben, terminal=True, server=False)
        await self.sees(chat, "We are friends now!")
        chat.type("Hello\r")
        await self.sees(chat, "Hello  ✓")
        chat.type("half a line")
        await self.sees(chat, "> half a line")
        chat.type("\x03")
        await chat.ended
        self.assertEqual(chat.status, 130)
        assert chat.terminal is not None
        self.assertIn("Hello", chat.terminal.lines()[-1])
        self.assertEqual(chat.terminal.cursor[1], 0)
        self.assertNotIn("lost", chat.shown)
        login = self.run_cli("login", anna, terminal=True)
        await self.sees(login, "Password:")
        login.type("\x03")
        await login.ended
        self.assertEqual((login.status, login.terminal.cursor[1] if login.terminal else 1), (130, 0))

    async def test_paste(self) -> None:
        """Fifteen lines that are pasted are one message, once Enter is pressed."""
        anna, ben = await self.friends("anna", "ben")
        chat = self.run_cli("--as", anna, "chat", ben, terminal=True, server=False)
        await self.sees(chat, "We are friends now!")
        self.assertIn("\x1b[?2004h", chat.output)
        pasted = "\r".join(f"line {number}" for number in range(15))
        chat.type(f"\x1b[200~{pasted}\r\x1b[201~")
        await self.sees(chat, "line 13⏎line 14⏎")
        chat.type("\r")
        await self.sees(chat, "line 14  ✓")
        chat.type("x" * 5000 + "\r")
        await self.sees(chat, "not sent: A message has 1 to 4,096 characters.")
        self.assertRegex(chat.shown, "(?m)^> x+$")  # to be made shorter
        chat.type("\x15/dance\r")
        await self.sees(chat, "there is no such command")
        chat.type("\x15\x04")
        await chat.ended
        self.assertEqual(chat.status, 0)
        self.assertIn("\x1b[?2004l", chat.output)
        history = await self.cli("--as", ben, "history", anna, server=False)
        self.assertEqual(history.count(f"{anna}: line 0\n    line 1\n"), 1)

    async def test_mistyped(self) -> None:
        """What somebody at a terminal mistypes is asked for again: a code, a name that is taken, two
        passwords that differ, a wrong one.
        """
        (taken,) = await self.accounts("taken")
        name = f"emil-{secrets.token_hex(3)}"
        email = f"{name}@example.org"
        person = self.run_cli("register", taken, email, terminal=True)
        for asked, typed in (
            ("New password: ", "short"),
            ("The same again: ", "short"),
            ("at least 8 characters.\nNew password: ", PASSWORD),
            ("The same again: ", PASSWORD + "x"),
            ("The two passwords differ.\nNew password: ", PASSWORD),
            ("The same again: ", PASSWORD),
        ):
            await self.asked(person, asked)
            person.type(f"{typed}\r")
        await self.until(lambda: self.server.codes(email))
        for asked, typed in (
            ("Code: ", "000000"),
            ("The code is wrong, used or expired.\nCode: ", self.server.codes(email)[-1]),
            ("This name is taken.\nAnother username: ", name),
        ):
            await self.asked(person, asked)
            person.type(f"{typed}\r")
        await person.ended
        self.assertEqual(person.status, 0, person.shown)
        self.assertIn(f"Signed in as {name}", person.shown)
        login = self.run_cli("login", name, terminal=True)
        await self.sees(login, "Password:")
        login.type("not it\r")
        await self.asked(login, "The name or the password is wrong.\nPassword: ")
        login.type(f"{PASSWORD}\r")
        await login.ended
        self.assertEqual(login.status, 0, login.shown)

    async def test_chat(self) -> None:
        """Two people at terminals see each other's messages live, and how far their own have come."""
        anna, ben = await self.friends("anna", "ben")
        one = self.run_cli("--as", anna, "chat", ben, terminal=True, server=False)
        await self.sees(one, "We are friends now!")
        one.type("Are you there?\r")
        await self.sees(one, "you         Are you there?  ✓")
        two = self.run_cli("--as", ben, "chat", anna, terminal=True, server=False)
        await self.sees(two, f"{anna}  Are you there?")
        await self.sees(one, "Are you there?  ✓✓ read")
        two.type("Yes, half a line")
        one.type("Good\r")
        await self.sees(two, f"{anna}  Good")
        await self.sees(two, "> Yes, half a line")
        two.type(" more\r")
        await self.sees(one, f"{ben}  Yes, half a line more")
        await self.sees(two, "Yes, half a line more  ✓✓ read")
        one.type("\x04")
        two.type("/quit\r")
        for person in (one, two):
            await person.ended
            self.assertEqual(person.status, 0, person.shown)

    async def test_pipe(self) -> None:
        """At a pipe a chat prints whole lines, goes on while its input is open, and ends with it."""
        anna, ben = await self.friends("anna", "ben")
        pipe = self.run_cli("--as", ben, "chat", anna, server=False)
        person = self.run_cli("--as", anna, "chat", ben, terminal=True, server=False)
        await self.sees(person, "We are friends now!")
        pipe.type("from a pipe\n\n")
        await self.sees(person, f"{ben}  from a pipe")
        await self.sees(pipe, "you: from a pipe  ✓\n")
        await self.sees(pipe, "✓✓ read: from a pipe\n")
        person.type("to a pipe\r")
        await self.sees(pipe, f"{anna}: to a pipe\n")
        pipe.type("the last line, without an end")
        assert pipe.transport is not None
        pipe.transport.closeStdin()
        await pipe.ended
        self.assertEqual((pipe.status, pipe.errors), (0, ""))
        await self.sees(person, "the last line, without an end")
        self.assertNotIn("\x1b", pipe.output)
        person.type("\x04")
        await person.ended

    async def test_other_command(self) -> None:
        """Other commands of the same account go on beside its chat, which notices nothing; another chat ends it."""
        anna, ben = await self.friends("anna", "ben")
        chat = self.run_cli("--as", anna, "chat", ben, terminal=True, server=False)
        await self.sees(chat, "We are friends now!")
        for _ in range(2):
            self.assertIn(ben, await self.process("--as", anna, "friends", server=False))
        chat.type("Still here\r")
        await self.sees(chat, "Still here  ✓")
        self.assertNotIn("connect", chat.shown)
        chat.type("/devices\r")
        await self.sees(chat, "-- 2: imsys-cli")
        self.assertNotIn("-- 3: ", chat.shown)
        self.assertNotIn("new device", chat.shown)
        elsewhere = self.run_cli("--as", anna, "chat", ben, terminal=True, server=False)
        await self.sees(elsewhere, "Still here")
        await chat.ended
        self.assertEqual(chat.status, 1)
        self.assertIn("signed in somewhere else", chat.shown)
        elsewhere.type("\x04")
        await elsewhere.ended

    async def test_password_prompt(self) -> None:
        """A password that is typed is not shown, and Ctrl-C leaves the terminal as it was."""
        (name,) = await self.accounts("anna")
        login = self.run_cli("login", name, terminal=True)
        await self.sees(login, "Password:")
        login.type(f"{PASSWORD}\r")
        await login.ended
        self.assertEqual(login.status, 0, login.shown)
        self.assertNotIn(PASSWORD, login.output)
        login = self.run_cli("login", name, terminal=True)
        await self.sees(login, "Password:")
        login.type("\x03")
        await login.ended
        self.assertEqual(login.status, 130)
