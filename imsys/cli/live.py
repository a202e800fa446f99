"""``live``: go live with a program that sends video, and list streams to watch."""

from __future__ import annotations

import shlex

from imsys.cli.console import CliError
from imsys.cli.context import Context
from imsys.cli.places import find_place
from imsys.cli.text import printable
from imsys.sdk import LiveChange, LiveState, LiveStream, Refused, Status

FFMPEG = "ffmpeg -re -i FILE -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 60 -c:a aac -f flv"
"""With a key frame every 60 frames, so that a new viewer sees something within a few seconds."""


async def live(context: Context) -> None:
    """Start, stop or list."""
    await {"start": _start, "stop": _stop, "list": _list}[context.arguments.action](context)


async def _start(context: Context) -> None:
    arguments, say = context.arguments, context.console.say
    async with context.session() as client:
        thread_id = (await find_place(client, arguments.name)).thread_id
        try:
            stream = await client.live.start(thread_id, arguments.title, record=arguments.record)
        except Refused as refusal:
            if refusal.status is Status.SERVER_BUSY and refusal.retry_after is None:  # not temporary
                raise CliError(refusal.message) from None
            if refusal.status is Status.NO_AVAILABLE_RESOURCES_SERVER:  # the general sentence is about files
                raise CliError("No server takes live streams now; try again later.") from None
            raise
    server, _, key = stream.publish_url.rpartition("/")
    _, account = context.account()
    ca = context.ca(account.server, account) if server.startswith("rtmps:") else None
    say(f"{printable(stream.title)} waits for you to send it.")
    say("In OBS (Settings, Stream, Custom):")
    say(f"  Server      {server}")
    say(f"  Stream Key  {key}")
    if ca:
        say(f"  (OBS trusts the authorities of its system alone, so {ca} has to be among them)")
    say("Or with ffmpeg:")
    authority = f"-ca_file {shlex.quote(ca)} " if ca else ""
    say(f"  {FFMPEG} {authority}{shlex.quote(stream.publish_url)}")
    _say_where(context, stream)
    say(f"End it with: imsys-cli live stop {stream.stream_id}")


async def _stop(context: Context) -> None:
    wanted = context.arguments.stream_id
    async with context.session() as client:
        if wanted is None:
            mine = [stream async for stream in client.live.running() if stream.owner == client.me.uuid]
            if len(mine) != 1:
                raise CliError(
                    "Say which one; 'imsys-cli live list' shows them." if mine else "You are not live."
                )
            wanted = mine[0].stream_id
        await client.live.stop(wanted.strip())
    context.console.say("It is over.")


async def _list(context: Context) -> None:
    async with context.session() as client:
        thread_id = (
            0
            if context.arguments.name is None
            else (await find_place(client, context.arguments.name)).thread_id
        )
        streams = await client.live.running(thread_id).all()
        people = {
            person.uuid: person.username
            for person in await client.contacts.people(sorted({one.owner for one in streams}))
        }
        me = client.me.uuid
    if not streams:
        context.console.say("Nobody is live.")
    for stream in streams:
        who = "you" if stream.owner == me else printable(people.get(stream.owner, "somebody"))
        context.console.say(f"{who}: {described(stream)}")
        _say_where(context, stream)
        if stream.publish_url:
            context.console.say(f"  send   {stream.publish_url}")
            context.console.say(f"  end    imsys-cli live stop {stream.stream_id}")


def _say_where(context: Context, stream: LiveStream) -> None:
    if not stream.watch_url:
        context.console.say("  (its server is away)")
        return
    context.console.say(f"  watch  {stream.watch_url}")
    context.console.say(f"  play   {stream.play_url}")
    if stream.key_expires is not None:
        context.console.say(
            f"         (begin before {stream.key_expires.astimezone():%H:%M}; 'imsys-cli live list' gives new ones)"
        )


def described(stream: LiveStream) -> str:
    """Describe a stream in one line."""
    title = printable(stream.title)
    if stream.state is LiveState.WAITING:
        return f"{title} (nothing is sent at the moment)"
    return f"{title} ({stream.viewers} watching)"


def news(change: LiveChange, who: str) -> str:
    """Describe a stream's change in one line of a conversation."""
    title = printable(change.title)
    name, verb = (who, "are") if who == "you" else (who, "is")
    match change.state:
        case LiveState.LIVE:
            return f"{name} {verb} live: {title}" + ("" if who == "you" else " (/live shows where to watch)")
        case LiveState.WAITING:
            return f"{name} {verb} not sending {title} at the moment"
    return f"{title} is over"
