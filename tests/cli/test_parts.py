"""The parts of imsys-cli that need no server: typing, painting, saving, the command line."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.cli.accounts import Account, Accounts
from imsys.cli.arguments import parse, parser
from imsys.cli.console import CliError
from imsys.cli.conversation import Mark, Plain, Utterance, content, passed, seen
from imsys.cli.editor import Editor, End, Line
from imsys.cli.live import news
from imsys.cli.mentions import completions, mentioned
from imsys.cli.screen import Screen
from imsys.cli.spans import moment_of, seconds_of, span_text, time_text
from imsys.cli.text import bytes_text, cut, printable, width, wrap
from imsys.sdk import EVERYBODY, LiveChange, LiveState, Message, MessageKind
from tests.cli.terminal import Terminal

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def said(text: str, *, mine: bool = True, id: int = 0, mark: Mark = Mark.NONE, minutes: int = 0) -> Utterance:
    at = NOON + timedelta(minutes=minutes)
    return Utterance(speaker="you" if mine else "bob", text=text, at=at, mine=mine, id=id, mark=mark)


class Text(SynchronousTestCase):
    def test_nothing_obeyed(self) -> None:
        """Escape sequences, control and direction characters of others do not reach the terminal."""
        shown = printable("a\x1b[2Jb\x9b1mc\x07d\u202ee\rf\tg\nh", lines=True)
        self.assertEqual(shown, "a\ufffd[2Jb\ufffd1mc\ufffdd\ufffde\ufffdf    g\nh")
        self.assertNotIn("\n", printable("one\ntwo"))

    def test_width(self) -> None:
        """Wide characters count twice, combining ones not at all."""
        self.assertEqual([width(text) for text in ("abc", "日本", "e\u0301", "🎉", "")], [3, 4, 1, 2, 0])
        self.assertEqual(
            [cut("日本語", columns) for columns in (0, 1, 2, 5, 6)], ["", "", "日", "日本", "日本語"]
        )

    def test_wrap(self) -> None:
        """Lines break between words where they can."""
        self.assertEqual(wrap("the quick brown fox", 10), ["the quick", "brown fox"])
        self.assertEqual(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"])
        self.assertEqual(wrap("", 4), [""])
        self.assertEqual(wrap("a\n\nb", 4), ["a", "", "b"])

    def test_bytes(self) -> None:
        """Sizes have two or three digits and a unit."""
        sizes = (0, 7, 999, 1000, 9940, 9960, 120_400, 999_600, 1_400_000_000, 3 * 10**15)
        wanted = ["0 B", "7 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "120 kB", "1.0 MB", "1.4 GB", "3000 TB"]
        self.assertEqual([bytes_text(size) for size in sizes], wanted)

    def test_files(self) -> None:
        """A message that carries a file is shown as a word, its name, without anything the terminal obeys,
        and its size.
        """

        def shown(kind: int, text: str) -> str:
            return content(
                Message(
                    id=1, thread_id=2, sender=3, receiver=4, text=text, sent_at=NOON, mine=False, kind=kind
                )
            )

        file = '{"file_id": "x", "filename": "c\\u001bat.jpg", "size": 120000, "mime": "image/jpeg", "sha256": ""}'
        self.assertEqual(shown(MessageKind.IMAGE, file), "[image c\ufffdat.jpg 120 kB]")
        self.assertEqual(shown(MessageKind.VIDEO, "nonsense"), "[video]")
        self.assertEqual(shown(9, file), "[something new]")
        self.assertEqual(
            shown(MessageKind.VIDEO, '{"stream_id": "x", "title": "c\\u001bats"}'), "[live c\ufffdats]"
        )

    def test_live(self) -> None:
        """What becomes of a live stream is a sentence about who sends it."""

        def told(state: LiveState, who: str) -> str:
            return news(LiveChange(stream_id="x", thread_id=1, owner=2, title="c\x1bats", state=state), who)

        self.assertEqual(told(LiveState.LIVE, "bob"), "bob is live: c\ufffdats (/live shows where to watch)")
        self.assertEqual(told(LiveState.LIVE, "you"), "you are live: c\ufffdats")
        self.assertEqual(told(LiveState.WAITING, "you"), "you are not sending c\ufffdats at the moment")
        self.assertEqual(told(LiveState.ENDED, "bob"), "c\ufffdats is over")

    @settings(max_examples=200)
    @given(st.text(alphabet="ab 日🎉\n", max_size=60), st.integers(2, 20))
    def test_wrap_loses_nothing(self, text: str, columns: int) -> None:
        """Whatever is wrapped fits, and all but some spaces is there."""
        rows = wrap(text, columns)
        self.assertTrue(all(width(row) <= columns for row in rows))
        self.assertEqual("".join(rows).replace(" ", ""), text.replace("\n", "").replace(" ", ""))


class Spans(SynchronousTestCase):
    def test_spans(self) -> None:
        """Spans are a number and a unit, and are written in their largest one."""
        for text, seconds in (("90s", 90), ("30m", 1800), ("12h", 43200), ("1d", 86400), ("2w", 1209600)):
            self.assertEqual(seconds_of(text), seconds)
        for text in ("", "1", "h", "1.5h", "-1h", "1 h", "1y"):
            self.assertIsNone(seconds_of(text), text)
        self.assertEqual(
            [span_text(seconds) for seconds in (1, 90, 3600, 5400, 86400, 1209600)],
            ["1 second", "90 seconds", "1 hour", "90 minutes", "1 day", "2 weeks"],
        )

    def test_moments(self) -> None:
        """A time to come is one of today or else of tomorrow, of a date, or so long from now on; the rest is the text."""
        now = datetime(2026, 1, 2, 12, 0).astimezone()
        for text, day, hour, rest in (
            ("18:00 Hello you", 2, 18, "Hello you"),
            ("9:00 Hello", 3, 9, "Hello"),
            ("tomorrow 13:00 x", 3, 13, "x"),
            ("2026-01-05 07:00 two\nlines", 5, 7, "two\nlines"),
            ("2026-01-05T07:00 x", 5, 7, "x"),
            ("2h x", 2, 14, "x"),
            ("+1d x", 3, 12, "x"),
            ("18:00", 2, 18, ""),
        ):
            found = moment_of(text, now)
            assert found is not None, text
            self.assertEqual(
                (found[0].astimezone().replace(tzinfo=None), found[1]), (datetime(2026, 1, day, hour), rest)
            )
        for text in ("", "soon x", "25:00 x", "18.00 x", "2026-02-30 18:00 x", "99999999w x", "Hello 18:00"):
            self.assertIsNone(moment_of(text, now), text)
        self.assertEqual(time_text(now, now), "12:00")
        self.assertEqual(time_text(now + timedelta(days=1), now), "2026-01-03 12:00")


class MentionTests(SynchronousTestCase):
    def test_mentioned(self) -> None:
        """Names after an @ mention whoever is called so, whatever their spelling and what ends the sentence."""
        users = [(1, "Anna"), (2, "ben."), (3, "carl")]
        for text, wanted in (
            ("@anna", (1,)),
            ("Hi @ANNA, and @ben.!", (1, 2)),
            ("@carl. @carl-", (3,)),
            ("a@anna @annab @", ()),
            ("@@anna", ()),
            ("no", ()),
        ):
            self.assertEqual(mentioned(text, users, everybody=False), wanted, text)
        self.assertEqual(mentioned("@anna @all", users, everybody=True), EVERYBODY)
        self.assertEqual(mentioned("@anna @all", users, everybody=False), (1,))
        self.assertEqual(mentioned("@all", [(4, "all")], everybody=True), (4,))


class Typing(SynchronousTestCase):
    def typed(self, *keys: bytes) -> tuple[list[Line | End], Editor]:
        editor = Editor()
        events: list[Line | End] = []
        for some in keys:
            events += editor.feed(some)
        return events, editor

    def test_lines(self) -> None:
        """Enter finishes a line; several may come at once, and characters in pieces."""
        events, editor = self.typed(b"one\rtw", b"o\n", "ö".encode()[:1], "ö".encode()[1:])
        self.assertEqual(events, [Line("one"), Line("two")])
        self.assertEqual((editor.text, editor.cursor), ("ö", 1))

    def test_editing(self) -> None:
        """The usual keys move and delete; unknown ones do nothing."""
        for keys, wanted in (
            (b"abc\x7f\x7fd", ("ad", 2)),
            (b"abc\x1b[D\x1b[Dx", ("axbc", 2)),
            (b"abc\x01x\x05y", ("xabcy", 5)),
            (b"abc\x1b[H\x1b[3~", ("bc", 0)),
            (b"one two three\x17", ("one two ", 8)),
            (b"one two\x1b[D\x1b[D\x0b", ("one t", 5)),
            (b"one two\x15", ("", 0)),
            (b"a\x1b[15~\x1bOP\x1bx\x00b", ("ab", 2)),
            (b"a\x04", ("a", 1)),
            (b"\x7f\x1b[D\x1b[3~", ("", 0)),
        ):
            _, editor = self.typed(keys)
            self.assertEqual((editor.text, editor.cursor), wanted, keys)

    def test_split_sequence(self) -> None:
        """An arrow key whose bytes come one by one is still one."""
        _, editor = self.typed(b"ab\x1b", b"[", b"D", b"x")
        self.assertEqual(editor.text, "axb")

    def test_recall(self) -> None:
        """The arrows up and down bring earlier lines back."""
        _, editor = self.typed(b"one\rtwo\r\x1b[A\x1b[A")
        self.assertEqual(editor.text, "one")
        editor.feed(b"\x1b[B\x1b[B\x1b[B")
        self.assertEqual(editor.text, "")

    def test_paste(self) -> None:
        """What is pasted is one text, whatever is in it, and wherever its bytes are cut; Enter sends it."""
        lines = [f"line {number}" for number in range(15)]
        pasted = b"before \x1b[200~" + "\r".join(lines).encode() + b"\x1b[201~ after"
        for size in (1, 2, 3, 5, 7, 1000):
            parts = [pasted[start : start + size] for start in range(0, len(pasted), size)]
            events, editor = self.typed(*parts)
            self.assertEqual((events, editor.text), ([], "before " + "\n".join(lines) + " after"), size)
            self.assertEqual(editor.feed(b"\r"), [Line("before " + "\n".join(lines) + " after")])
        for keys, wanted in (
            (b"\x1b[200~a\r\nb\nc\td\x04\x07\x15e\x1b[201~", "a\nb\nc\tde"),
            (b"\x1b[200~a\x1b[20b\x1b[201~c", "a[20bc"),
            (b"ad\x1b[D\x1b[200~b\rc\x1b[201~", "ab\ncd"),
            (b"\x1b[200~\x1b[201~x", "x"),
        ):
            events, editor = self.typed(keys)
            self.assertEqual((events, editor.text), ([], wanted), keys)
        _, editor = self.typed(b"\x1b[200~" + b"x" * 250_000 + b"\x1b[201~")
        self.assertEqual(len(editor.text), 100_000)

    def test_put_back(self) -> None:
        """A line that nothing could be done with is there again, to be changed."""
        _, editor = self.typed(b"one\r")
        editor.put_back("one")
        editor.feed(b"\x7f")
        self.assertEqual(editor.text, "on")

    def test_completed(self) -> None:
        """Tab makes the first word of what was begun, the next one with each further Tab, and leaves what follows."""
        words = ["@anna", "@anton", "@all"]
        editor = Editor(lambda text: completions(text, [word[1:] for word in words], ["/pin", "/pins"]))
        editor.feed(b"Hi @A, see\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\t")
        self.assertEqual((editor.text, editor.cursor), ("Hi @anna , see", 9))
        editor.feed(b"\t")
        self.assertEqual(editor.text, "Hi @anton , see")
        editor.feed(b"\t\t")
        self.assertEqual(editor.text, "Hi @anna , see")
        for keys, wanted in (
            (b"/p\t", "/pin "),
            (b"/p\t\t", "/pins "),
            (b"x /p\t", "x /p"),
            (b"a@an\t", "a@an"),
            (b"@x\t", "@x"),
            (b"@an\t\x1b[D\x1b[C\t", "@anna "),
            (b"\t", ""),
        ):
            editor.feed(b"\x05\x15" + keys)
            self.assertEqual(editor.text, wanted, keys)
        plain = Editor()
        plain.feed(b"@a\t")
        self.assertEqual(plain.text, "@a")

    def test_end(self) -> None:
        """Ctrl-D on an empty line is the end."""
        self.assertEqual(self.typed(b"a\r\x04")[0], [Line("a"), End()])


class Painting(SynchronousTestCase):
    def screen(self, columns: int = 60, rows: int = 12) -> tuple[Screen, Terminal]:
        terminal = Terminal(columns, rows)
        return Screen(
            terminal.write,
            lambda: (terminal.columns, terminal.rows),
            colours=True,
            unicode=True,
            speaker_columns=3,
        ), terminal

    def test_marks_change_in_place(self) -> None:
        """A mark changes on the line of its message, and what is being typed stays where it is."""
        screen, terminal = self.screen()
        first, second = said("Hello", mark=Mark.WAITING), said("Hi", mine=False, minutes=1)
        screen.show(first)
        screen.show(second)
        screen.typing("half a line", 4)
        first.mark = Mark.SENT
        screen.update(first)
        self.assertEqual(terminal.lines()[1:], ["12:00  you  Hello  ✓", "12:01  bob  Hi", "> half a line"])
        self.assertEqual(terminal.cursor[1], 6)
        first.mark = Mark.READ
        screen.update(first)
        self.assertEqual(
            terminal.lines()[1:], ["12:00  you  Hello  ✓✓ read", "12:01  bob  Hi", "> half a line"]
        )

    def test_long_messages(self) -> None:
        """Messages of several rows keep their rows when the mark changes, and those above and below stay
        whole.
        """
        screen, terminal = self.screen(40, 20)
        parts = [
            said("one " * 20, mark=Mark.WAITING),
            said("日本 " * 15, mine=False),
            said("x" * 90, mark=Mark.WAITING),
        ]
        for part in parts:
            screen.show(part)
        before = terminal.lines()
        for part in (parts[2], parts[0]):
            part.mark = Mark.READ
            screen.update(part)
        after = terminal.lines()
        self.assertEqual(len(before), len(after))
        self.assertEqual(
            [line for line in before if line in after], [line for line in before if "…" not in line]
        )
        self.assertEqual(sum("✓✓ read" in line for line in after), 2)
        self.assertTrue(all(width(line) <= 40 for line in after))

    def test_scrolled_away(self) -> None:
        """A message that has left the screen is not painted over others."""
        screen, terminal = self.screen(60, 5)
        first = said("first", mark=Mark.SENT)
        screen.show(first)
        for number in range(10):
            screen.show(said(str(number), mine=False))
        before = terminal.lines()
        first.mark = Mark.READ
        screen.update(first)
        self.assertEqual(terminal.lines(), before)

    def test_resized(self) -> None:
        """After a change of the terminal's width old marks stay as they are, and new messages fit."""
        screen, terminal = self.screen(60, 12)
        first = said("first", mark=Mark.SENT)
        screen.show(first)
        terminal.columns = 30
        before = terminal.lines()
        first.mark = Mark.READ
        screen.update(first)
        self.assertEqual(terminal.lines(), before)
        screen.show(said("a longer message that needs rows", mine=False))
        self.assertTrue(all(width(line) <= 30 for line in terminal.lines()[-4:]))

    def test_long_line(self) -> None:
        """A line longer than the terminal is shown around its cursor, in one row."""
        screen, terminal = self.screen(20, 5)
        screen.typing("a" * 30 + "END", 33)
        self.assertEqual(terminal.lines(), ["> " + "a" * 14 + "END"])
        screen.typing("日" * 30, 30)
        self.assertEqual(len(terminal.lines()), 1)

    def test_lines_typed(self) -> None:
        """Line breaks that were pasted are shown as signs, in the one row of the prompt.

        A huge paste is painted at once.
        """
        screen, terminal = self.screen(20, 5)
        screen.typing("one\ntwo\tx", 9)
        self.assertEqual(terminal.lines(), ["> one⏎two x"])
        screen.typing("x" * 100_000, 100_000)
        self.assertEqual(terminal.lines(), ["> " + "x" * 17])

    def test_finished(self) -> None:
        """After the end there is no prompt; what comes then is added below what was said."""
        screen, terminal = self.screen()
        first = said("Hello", mark=Mark.WAITING)
        screen.begin()
        screen.show(first)
        screen.typing("half", 4)
        screen.finish()
        first.mark = Mark.SENT
        screen.update(first)
        screen.notice("late")
        self.assertEqual(terminal.lines()[1:], ["12:00  you  Hello  ✓", "-- late --"])
        self.assertEqual(terminal.cursor[1], 0)

    def test_plain(self) -> None:
        """In a pipe each line is complete, and marks are lines of their own."""
        lines: list[str] = []
        view = Plain(lines.append, unicode=False)
        mine = said("Hello", mark=Mark.WAITING)
        view.show(mine)
        for mark in (Mark.SENT, Mark.DELIVERED, Mark.READ):
            mine.mark = mark
            view.update(mine)
        view.show(said("two\nlines", mine=False))
        wanted = [
            "2026-01-02 12:00  you: Hello  v",
            "vv delivered: Hello",
            "vv read: Hello",
            "2026-01-02 12:00  bob: two\n    lines",
        ]
        self.assertEqual(lines, wanted)

    def test_status(self) -> None:
        """Who is there stands above the prompt, changes in place, and goes with it; marks still find their lines."""
        screen, terminal = self.screen()
        first = said("Hello", mark=Mark.WAITING)
        screen.status("bob: online")
        screen.begin()
        screen.show(first)
        screen.typing("half a line", 4)
        self.assertEqual(terminal.lines()[1:], ["12:00  you  Hello  …", "bob: online", "> half a line"])
        screen.status("bob is writing...")
        first.mark = Mark.READ
        screen.update(first)
        wanted = ["12:00  you  Hello  ✓✓ read", "bob is writing...", "> half a line"]
        self.assertEqual((terminal.lines()[1:], terminal.cursor[1]), (wanted, 6))
        screen.notice("late")
        self.assertEqual(terminal.lines()[2:], ["-- late --", *wanted[1:]])
        screen.status("x" * 100)
        self.assertEqual(len(terminal.lines()), 5)
        screen.finish()
        self.assertEqual(terminal.lines()[1:], [wanted[0], "-- late --"])
        self.assertEqual(terminal.cursor[1], 0)

    def test_status_scrolls(self) -> None:
        """At the bottom of the terminal nothing is lost or doubled, also when it was resized."""
        screen, terminal = self.screen(60, 5)
        screen.begin()
        screen.status("bob: online")
        for number in range(9):
            screen.show(said(str(number), mine=False))
            screen.status(f"bob: {number}")
        shown = [f"12:00  bob  {number}" for number in range(9)]
        self.assertEqual(terminal.lines()[1:], [*shown, "bob: 8", ">"])
        terminal.columns = 40
        screen.status("bob: 9")
        screen.show(said("9", mine=False))
        self.assertEqual(terminal.lines()[-3:], ["12:00  bob  9", "bob: 9", ">"])

    def test_addressed(self) -> None:
        """What mentions the user stands out."""
        written: list[str] = []
        screen = Screen(written.append, lambda: (60, 12), colours=True, unicode=True, speaker_columns=3)
        one = said("@you there?", mine=False)
        one.mentions_me = True
        screen.show(one)
        self.assertIn("\x1b[1;33m@you there?\x1b[0m", "".join(written))

    def test_seen(self) -> None:
        """In a group a mark says by how many a message was read; a pipe is told of the first one alone."""
        lines: list[str] = []
        parts = [
            said("a", id=1, mark=Mark.SENT),
            said("b", id=2, mark=Mark.SENT),
            said("c", id=2, mine=False),
        ]
        self.assertEqual(seen(parts, [(1, 0)]), parts[:1])
        self.assertEqual((parts[0].mark, parts[1].mark), (Mark.DELIVERED, Mark.SENT))
        self.assertEqual(seen(parts, [(1, 1), (2, 2)]), parts[:2])
        self.assertEqual([part.seen for part in parts], [2, 1, 0])
        self.assertEqual(seen(parts, [(1, 1), (2, 2)]), [])
        screen, terminal = self.screen()
        view = Plain(lines.append, unicode=True)
        for part in parts[:2]:
            screen.show(part)
            view.update(part)
        self.assertEqual(terminal.lines()[1:], ["12:00  you  a  ✓✓ read 2", "12:00  you  b  ✓✓ read 1", ">"])
        self.assertEqual(lines, ["✓✓ read: b"])

    def test_passed(self) -> None:
        """A position moves the marks of all messages up to it, and none of them back."""
        parts = [
            said("a", id=1, mark=Mark.READ),
            said("b", id=2, mark=Mark.SENT),
            said("c", id=3, mark=Mark.SENT),
            said("d"),
        ]
        parts += [said("e", id=2, mine=False)]
        self.assertEqual([part.text for part in passed(parts, delivered=3, read=2)], ["b", "c"])
        self.assertEqual([part.mark for part in parts[:4]], [Mark.READ, Mark.READ, Mark.DELIVERED, Mark.NONE])
        self.assertEqual(passed(parts, delivered=1, read=1), [])


class Saving(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = Path(self.mktemp()).absolute()
        self.accounts = Accounts({"XDG_CONFIG_HOME": str(self.home)})
        self.account = Account(
            username="änna", uuid=7, server="https://127.0.0.1:8443", ca=None, token="secret token"
        )

    def test_private(self) -> None:
        """Accounts are kept in files that only their owner can read, and a token is not printed."""
        self.accounts.save("änna", self.account, current=True)
        for path in self.accounts.folder.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)
        self.assertEqual(stat.S_IMODE(self.accounts.folder.stat().st_mode), 0o700)
        self.assertNotIn("secret", repr(self.account))
        self.assertEqual(self.accounts.load("änna"), self.account)

    def test_several(self) -> None:
        """The account that signed in last is the current one; names cannot leave the folder."""
        self.assertIsNone(self.accounts.current())
        for name in ("anna", "ben", "../x"):
            self.accounts.save(name, self.account, current=name != "../x")
        self.assertEqual((self.accounts.current(), self.accounts.names()), ("ben", ["../x", "anna", "ben"]))
        self.assertEqual({path.parent for path in self.home.rglob("*.json")}, {self.home / "imsys"})
        self.accounts.forget("ben")
        self.assertIsNone(self.accounts.current())
        self.accounts.forget("../x")
        self.assertEqual(self.accounts.current(), "anna")

    def test_broken(self) -> None:
        """A file that cannot be read is one sentence."""
        self.accounts.save("anna", self.account)
        (self.accounts.folder / "anna.json").write_text("{")
        self.assertRaises(CliError, self.accounts.load, "anna")

    def test_home(self) -> None:
        """Without XDG_CONFIG_HOME it is ~/.config."""
        self.assertEqual(Accounts({"HOME": "/home/anna"}).folder, Path("/home/anna/.config/imsys"))

    def test_locks(self) -> None:
        """One holder at a time."""
        self.accounts.save("anna", self.account)
        first, second = self.accounts.turn("anna"), self.accounts.turn("anna")
        self.assertTrue(first.take())
        self.assertFalse(second.take())
        self.assertTrue(second.taken())
        first.release()
        self.assertFalse(second.taken())


class CommandLine(SynchronousTestCase):
    def test_anywhere(self) -> None:
        """Options for all commands may stand before or after the command."""
        for arguments in (["--as", "anna", "friends"], ["friends", "--as", "anna"]):
            self.assertEqual(parse(arguments).account, "anna")
        self.assertIsNone(parse(["friends"]).account)

    def test_no_passwords(self) -> None:
        """No option takes a password, where everyone on the machine could read it."""
        self.assertNotIn("--password ", parser().format_help())
        self.assertRaises(SystemExit, parse, ["login", "anna", "--password", "secret"])
