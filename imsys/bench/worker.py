"""A process that makes load: ``python -m imsys.bench.worker``.

It reads its task as one line of JSON from standard input, lets its users arrive, says ``ready``, waits for a
line, works (and says ``measuring`` and ``measured`` at the edges of the measured time), and writes its result
as one line of JSON.
"""

from __future__ import annotations

import os
import resource
import sys

import msgspec

from imsys.bench.asking import AskLoad
from imsys.bench.chatting import ChatLoad
from imsys.bench.group_load import GroupLoad
from imsys.bench.idle_load import HoldLoad
from imsys.bench.login_load import LogInLoad
from imsys.bench.peers.load import XmppChatLoad
from imsys.bench.publishing import PublishLoad
from imsys.bench.storm.load import StormLoad
from imsys.bench.tasks import Ask, Carry, Chat, Hold, LogIn, Publish, Speak, Storm, Task, Watch
from imsys.bench.transfer_load import CarryLoad
from imsys.bench.watching import WatchLoad

Load = ChatLoad | GroupLoad | HoldLoad | LogInLoad | AskLoad | CarryLoad | PublishLoad | WatchLoad | StormLoad


def _load(task: Task) -> Load:
    match task.work:
        case Chat() as chat:
            return XmppChatLoad(task, chat) if task.xmpp else ChatLoad(task, chat)
        case Speak() as speak:
            return GroupLoad(task, speak)
        case Hold() as hold:
            return HoldLoad(task, hold)
        case LogIn() as login:
            return LogInLoad(task, login)
        case Ask() as ask:
            return AskLoad(task, ask)
        case Carry() as carry:
            return CarryLoad(task, carry)
        case Publish() as publish:
            return PublishLoad(publish)
        case Watch() as watch:
            return WatchLoad(watch)
        case Storm() as storm:
            return StormLoad(task, storm)


def main() -> None:
    """Do one task."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
        if task.cores:
            os.sched_setaffinity(0, task.cores)
        load = _load(task)
        load.arrive()
    except (OSError, RuntimeError) as problem:
        print(f"failed {problem}", flush=True)
        os._exit(1)
    print("ready", flush=True)
    if isinstance(load, HoldLoad | StormLoad):
        load.wait(sys.stdin.fileno())
    if not sys.stdin.buffer.readline():
        os._exit(1)
    result = load.work()
    sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    sys.stdout.buffer.flush()
    os._exit(0)  # thousands of sockets are closed faster by the kernel than one by one


if __name__ == "__main__":
    main()
