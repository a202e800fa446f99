"""``chat``: an interactive conversation."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from imsys.cli.accounts import Account
from imsys.cli.chat_changes import HELP, ChatChanges
from imsys.cli.chat_commands import ChatCommands, Command
from imsys.cli.chat_devices import ChatDevices
from imsys.cli.chat_files import ChatFiles
from imsys.cli.chat_groups import ChatGroups
from imsys.cli.chat_later import HELP as HELP_LATER
from imsys.cli.chat_later import ChatLater
from imsys.cli.chat_sending import ChatSending
from imsys.cli.company import Company
from imsys.cli.console import CliError, Interrupted
from imsys.cli.context import Context
from imsys.cli.conversation import Plain, Utterance, View, passed, seen, utterance
from imsys.cli.editor import Editor, Line
from imsys.cli.elsewhere import Elsewhere
from imsys.cli.group_actions import GroupActions
from imsys.cli.history import named, newest
from imsys.cli.live import described
from imsys.cli.members import Members
from imsys.cli.mentions import ALL
from imsys.cli.names import Names
from imsys.cli.places import Place, find_place
from imsys.cli.screen import Screen
from imsys.cli.tasks import Arrivals, Tasks
from imsys.cli.text import printable, width
from imsys.sdk import (
    ConnectionState,
    Entry,
    GroupEvent,
    GroupNews,
    LiveChange,
    LiveState,
    Logged,
    Membership,
    Message,
    Outgoing,
    Position,
    SettingsChange,
    StateChange,
    explain,
)

_KEPT = 1000
"""Messages whose marks are updated."""
_READ_AFTER = 0.3
"""Seconds for which ``read`` marks are gathered."""
_LAST_WORDS = 15.0
"""Seconds for the last messages to be acknowledged."""
_SPEAKER = 12
"""Columns for the names of those who speak in a group, at least: others may join."""
_LISTED = 50
"""Members that are listed in a chat, at most."""


async def chat(context: Context) -> None:
    """Chat until the end of input."""
    name, account = context.account()
    lock = context.accounts.chat(name)
    if not lock.take():
        context.console.complain(f"(The chat of {name} in the other terminal is signed out by this one.)")
    try:
        await Chat(context, name, account).run()
    finally:
        lock.release()


class Chat:
    """One interactive conversation."""

    def __init__(self, context: Context, name: str, account: Account) -> None:
        self._context = context
        self._reactor = context.reactor
        self._name = name
        self._account = account
        self._client = client = context.client(account)
        self._place = Place(thread_id=0, title="")
        self._positions: dict[int, tuple[int, int]] = {}
        """How far the members of a group have received and read."""
        self._view: View = Plain(context.console.say, context.console.unicode)
        self._shown: deque[Utterance] = deque(maxlen=_KEPT)
        self._early: list[Logged] | None = []
        self._streams: set[str] = set()  # known live streams
        self._read = 0
        self._reading: IDelayedCall | None = None
        self._lost = False
        self._quiet: Deferred[None] | None = None
        self._ended: Deferred[None] = Deferred()
        self._names = Names(client)
        self._members = Members(client, self._names)
        self._tasks = Tasks(self._notice, self._calm)
        self._arrivals: Arrivals[Logged] = Arrivals(self._names, self._of_whom, self._arrived)
        self._files = ChatFiles(client.transfers, context.reactor.seconds, self._notice)
        commands = context.accounts.load(name, commands=True)
        self._devices = ChatDevices(client.devices, self._notice, "" if commands is None else commands.device)
        self._changes = ChatChanges(
            *(
                client,
                self._tasks,
                self._names,
                self._notice,
                self._say,
                self._forward,
                self._members.mentions,
            ),
            self._now,
        )
        self._sending = ChatSending(
            client,
            show=self._show,
            update=lambda said: self._view.update(said),
            notice=self._notice,
            stored=self._stored,
            calm=self._calm,
            failed=self._fail,
            mentions=self._members.mentions,
            now=self._now,
        )
        actions = GroupActions(
            *(client, self._names, self._notice, lambda _: None, context.calendar), most=_LISTED
        )
        self._groups = ChatGroups(
            actions,
            self._tasks,
            self._notice,
            lambda rest, usage: self._changes.target(rest, usage)[0],
            self._end,
        )
        self._later = ChatLater(client, self._tasks, self._notice, context.calendar, self._members.mentions)
        self._elsewhere = Elsewhere(client, self._names, self._notice, context.calendar)
        self._company = Company(
            context.reactor, client, self._names, lambda text: self._view.status(text), context.calendar
        )
        at_terminal: dict[str, Command] = {
            "/quit": lambda rest: self._end(),
            "/exit": lambda rest: self._end(),
            "/q": lambda rest: self._end(),
            "/help": lambda rest: self._help(),
            "/send": lambda rest: self._files.send(rest, self._thread),
            "/get": self._files.get,
            "/live": lambda rest: self._show_live(),
            "/devices": lambda rest: self._devices.show(),
            "/revoke": self._devices.revoke,
            "/typing": self._set_typing,
        }
        everywhere = self._changes.commands | self._groups.commands | self._later.commands
        self._commands = ChatCommands(everywhere, at_terminal, self._say, self._notice, self._mentionable)
        for signal in (client.on_message, client.on_sent, client.on_entry):
            signal.subscribe(self._came)
        client.on_device.subscribe(self._devices.changed)
        client.on_position.subscribe(self._position)
        client.on_live.subscribe(self._live)
        client.on_group.subscribe(self._group_news)
        client.on_connection_state.subscribe(self._state)

    @property
    def _thread(self) -> int:
        return self._place.thread_id

    def _notice(self, text: str) -> None:
        self._view.notice(text)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._context.calendar(), UTC).astimezone()

    async def run(self) -> None:
        """Sign in, show the newest messages, and chat."""
        try:
            await self._context.start(self._name, self._account, self._client)
            await self._open()
            await self._talk()
        except CancelledError:
            if not self._sending.waiting:
                raise
            raise Interrupted(
                f"Interrupted; {_messages(self._sending.waiting).lower()} perhaps not sent."
            ) from None
        finally:
            self._company.end()
            if self._reading is not None and self._reading.active():
                self._reading.cancel()
                self._mark_read()
            for name in self._files.left_behind():
                self._context.console.say(f"({name} is not through; /send or /get goes on with it.)")
            await self._client.stop()
        if self._sending.unsaid and not self._context.console.interactive:
            raise CliError(f"{_messages(self._sending.unsaid)} not sent: {self._sending.why}")

    async def _open(self) -> None:
        arguments, console, client = self._context.arguments, self._context.console, self._client
        self._place = place = await find_place(client, arguments.name)
        lines = arguments.lines if arguments.lines is not None else 20 if console.interactive else 0
        self._changes.begin(self._thread)
        self._groups.begin(place)
        self._later.begin(self._thread)
        log = await newest(client, self._thread, lines)
        await self._members.meet(place, [one.sender for one in log if isinstance(one, Message)])
        await self._names.load(named(log))
        if console.interactive:
            columns = max((width(self._names.of(uuid)) for uuid in self._members.others), default=0)
            self._view = Screen(
                console.write,
                lambda: console.size,
                colours=console.colours,
                unicode=console.unicode,
                speaker_columns=max(3 if place.other is not None else _SPEAKER, columns),
            )
            where = f"talking with {place.title}" if place.other is not None else f"talking in {place.title}"
            self._notice(f"{where}; Ctrl-D ends it, /help says more")
            self._accompany()
        early, self._early = self._early or [], None
        for item in early:  # what came meanwhile may concern the page
            if isinstance(item, Entry):
                self._changes.early(item)
        page = self._changes.page([item for item in log if isinstance(item, Message)])
        for message in page:
            self._files.seen(message)
        now_so = {message.id: message for message in page}
        for item in log:
            if isinstance(item, Message):
                self._show(self._said(now_so[item.id]))
            else:
                self._changes.entry(item)
        last = max((item.id for item in log), default=0)
        for item in early:
            if isinstance(item, Message) or (_calm_line(item) and item.id > last):
                self._arrivals.take(item)

    def _accompany(self) -> None:
        if self._context.console.interactive:
            self._company.begin(self._place, self._members.others, self._members.count)

    # what is typed

    async def _talk(self) -> None:
        console, view = self._context.console, self._view
        editor = Editor(self._commands.complete)

        def pressed(data: bytes) -> None:
            before = editor.text
            for event in editor.feed(data):
                if isinstance(event, Line):
                    if not self._commands.typed(event.text):
                        editor.put_back(event.text)
                else:
                    self._end()
            if not data:
                self._end()
            if isinstance(view, Screen) and not self._ended.called:
                view.typing(editor.text, editor.cursor)
                if editor.text.strip() and editor.text != before:
                    self._writes(editor.text)

        if isinstance(view, Screen):
            with console.keys(pressed, ahead=True):
                view.begin()
                try:
                    await self._ended
                finally:
                    view.finish()
        else:
            piped = Deferred.fromCoroutine(self._take_lines())
            piped.addErrback(self._fail)
            await self._ended
        await self._last_words()

    async def _take_lines(self) -> None:
        while not self._ended.called:
            line = await self._context.console.next_line()
            if line is None:
                await self._last_words()
                await deferLater(self._reactor, self._context.arguments.stay)
                self._end()
                return
            self._commands.piped(line)

    def _help(self) -> None:
        for line in (
            "a line is a message; // begins one with a slash; Tab completes",
            "/send FILE sends a file, /get lists the files, /get N receives one",
            *HELP,
            *HELP_LATER,
            *self._groups.help,
            "/live: who is live here; /typing off: nobody sees that you write",
            "/devices: where you are signed in, /revoke N, /revoke others",
            "/quit or Ctrl-D ends the chat",
        ):
            self._notice(line)

    def _mentionable(self) -> list[str]:
        return [*sorted(self._members.usernames), *([ALL] if self._place.other is None else [])]

    def _writes(self, text: str) -> None:
        if self._account.typing and (
            not text.startswith("/") or text.startswith(("//", "/reply ", "/edit "))
        ):
            self._company.typed()

    def _set_typing(self, rest: str) -> bool:
        if rest not in ("on", "off"):
            self._notice(
                f"/typing off, or on; others {'see' if self._account.typing else 'do not see'} that you write"
            )
            return not rest
        accounts = self._context.accounts
        self._account = replace(accounts.load(self._name) or self._account, typing=rest == "on")
        try:
            accounts.save(self._name, self._account)
        except OSError as problem:
            self._notice(explain(problem))
        self._notice(f"others {'see' if self._account.typing else 'do not see'} that you write")
        return True

    def _say(self, text: str, reply_to: int = 0) -> bool:
        """Send a text; return whether it was accepted."""
        return self._sending.say(self._thread, text, reply_to=reply_to, quote=self._changes.quote(reply_to))

    async def _last_words(self) -> None:
        """Wait until all messages are acknowledged, or it takes too long."""
        if self._sending.waiting or self._tasks.pending:
            self._quiet = Deferred()
            if isinstance(self._view, Screen):
                self._notice("waiting for the last messages to be sent; Ctrl-C ends it at once")
            late = self._reactor.callLater(
                _LAST_WORDS, self._quiet.errback, CliError("The last messages could not be sent.")
            )
            try:
                await self._quiet
            finally:
                self._quiet = None
                if late.active():
                    late.cancel()

    def _calm(self) -> None:
        if self._quiet is None or self._quiet.called:
            return
        if not self._sending.waiting and not self._tasks.pending:
            self._quiet.callback(None)

    # what comes

    def _came(self, item: Logged) -> None:
        if self._early is not None:
            self._early.append(item)
        elif item.thread_id != self._thread:
            self._elsewhere.take(item)
        else:
            self._arrivals.take(item)

    def _of_whom(self, item: Logged) -> set[int]:
        return named([item])

    def _arrived(self, item: Logged) -> None:
        """Take what was said or changed here, in its turn; the names that it needs are known."""
        if isinstance(item, Message):
            self._message(item)
            return
        self._changes.entry(item)
        if isinstance(item, Membership):
            if self._members.changed(item):
                self._accompany()
        elif isinstance(item, SettingsChange) and item.title is not None:
            self._place = replace(self._place, title=printable(item.title))
            self._groups.begin(self._place)
            self._accompany()

    def _message(self, message: Message) -> None:
        self._company.heard(message.sender)
        if any(one.id == message.id for one in self._shown):
            return
        self._files.seen(message)
        message = self._changes.take(message)
        if not (message.mine and self._sending.expected(message)):
            self._members.heard(message.sender)
            self._show(self._said(message))

    def _said(self, message: Message) -> Utterance:
        said = utterance(message, self._names.of(message.sender))
        said.quote = self._changes.quote(message.reply_to, message.forward)
        said.mentions_me = not message.mine and message.mentions_user(self._client.me.uuid)
        return said

    async def _forward(self, message: Message, name: str) -> Outgoing[Message]:
        return self._client.forward((await find_place(self._client, name)).thread_id, message)

    def _show(self, said: Utterance) -> None:
        self._changes.number(said)
        self._shown.append(said)
        self._view.show(said)
        if not said.mine and said.id > self._read:
            self._read = said.id
            if self._reading is None:
                self._reading = self._reactor.callLater(_READ_AFTER, self._mark_read)

    def _mark_read(self) -> None:
        self._reading = None
        Deferred.fromCoroutine(self._client.mark_read(self._thread, self._read)).addErrback(_no_matter)

    def _position(self, position: Position) -> None:
        if position.thread_id != self._thread:
            return
        if self._place.other is not None:
            for said in passed(self._shown, position.delivered, position.read):
                self._view.update(said)
        else:
            before = min(self._positions.get(position.uuid, (0, 0)))
            self._positions[position.uuid] = position.delivered, position.read
            last = max(position.delivered, position.read)
            self._count_readers([said for said in self._shown if before < said.id <= last])

    def _count_readers(self, shown: list[Utterance]) -> None:
        for said in seen(shown, self._positions.values()):
            self._view.update(said)

    def _stored(self, message: Message, said: Utterance) -> None:
        said.expires_at = message.expires_at
        self._changes.take(message)
        self._count_readers([said])

    def _group_news(self, change: GroupNews) -> None:
        if change.thread_id != self._thread or change.event not in (GroupEvent.REMOVED, GroupEvent.LEFT):
            self._elsewhere.group(change, here=change.thread_id == self._thread)
        elif change.event is GroupEvent.LEFT:
            self._end()
        else:
            self._fail(
                Failure(CliError(f"{self._names.of(change.by)} removed you from {self._place.title}."))
            )

    def _live(self, change: LiveChange) -> None:
        if change.state is LiveState.WAITING and change.stream_id not in self._streams:
            return  # its message says so
        if change.state is LiveState.ENDED:
            self._streams.discard(change.stream_id)
        else:
            self._streams.add(change.stream_id)
        here = change.thread_id == self._thread or change.owner == self._client.me.uuid
        self._elsewhere.live(change, here=here)

    def _show_live(self) -> None:
        async def tell() -> None:
            streams = await self._client.live.running(self._thread).all()
            if not streams:
                self._notice("nobody is live here")
            for stream in streams:
                self._notice(described(stream))
                self._notice(stream.watch_url or "its server is away")

        self._tasks.begin(tell())

    # the connection

    def _state(self, change: StateChange) -> None:
        if change.state is ConnectionState.WAITING and not self._lost and self._thread:
            self._lost = True
            self._notice("the connection is lost; trying again")
        elif change.state is ConnectionState.ONLINE:
            self._context.save_token(self._name, self._client)
            if self._lost:
                self._lost = False
                self._notice("connected again")
        elif change.state is ConnectionState.SIGNED_OUT and self._thread and not self._ended.called:
            self._fail(Failure(change.problem or CliError("Signed out.")))

    def _end(self) -> None:
        if not self._ended.called:
            self._sending.leaving = True
            self._ended.callback(None)

    def _fail(self, reason: Failure) -> None:
        if not self._ended.called:
            self._sending.leaving = True
            self._ended.errback(reason)


def _messages(count: int) -> str:
    return "One message was" if count == 1 else f"{count} messages were"


def _no_matter(_: Any) -> None:
    """Ignore failures of best-effort calls."""


def _calm_line(item: Logged) -> bool:
    return isinstance(item, Membership | SettingsChange)
