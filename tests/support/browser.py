"""Chromium without a window, asked through the pipes of its DevTools protocol: objects of JSON, each ended by
a zero byte.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.support.children import folder
from tests.support.daemons import _LAUNCHER
from tests.support.programs import need

NAMES = ("chromium-headless-shell", "chromium", "chrome")

PATIENCE = 60.0
"""Seconds that it may take to answer, or for something to come true on a page."""

_SEND, _RECEIVE = 3, 4

_EXEC = _LAUNCHER.partition("sys.argv")[0] + "import os; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])"


class Browser(ProcessProtocol):
    """A browser with a profile of its own."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self._buffer = b""
        self._answers: dict[int, Deferred[Any]] = {}
        self._number = 0
        self._ended: Deferred[None] = Deferred()
        self.complaints = b""
        self.events: Callable[[dict[str, Any]], None] = lambda _: None

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        if childFD != _RECEIVE:
            self.complaints = (self.complaints + data)[-4000:]
            return
        *whole, self._buffer = (self._buffer + data).split(b"\0")
        for text in whole:
            message = json.loads(text)
            answer = self._answers.pop(message.get("id"), None)
            if answer is None:
                self.events(message)
            elif "error" in message:
                answer.errback(AssertionError(message["error"]))
            else:
                answer.callback(message["result"])

    def processEnded(self, reason: Failure) -> None:
        answers, self._answers = self._answers, {}
        for answer in answers.values():
            answer.errback(
                AssertionError(f"the browser has ended:\n{self.complaints.decode(errors='replace')}")
            )
        self._ended.callback(None)

    async def ask(self, method: str, session: str | None = None, /, **parameters: Any) -> Any:
        """Call a method of the protocol, of the browser or of a page."""
        assert self.transport is not None
        self._number += 1
        message = {
            "id": self._number,
            "method": method,
            "params": parameters,
            **({"sessionId": session} if session else {}),
        }
        answer = self._answers[self._number] = Deferred()
        self.transport.writeToChild(_SEND, json.dumps(message).encode() + b"\0")
        return await answer.addTimeout(PATIENCE, self.reactor)

    async def page(
        self, *, width: int = 1280, height: int = 800, dark: bool = False, touch: bool = False
    ) -> Page:
        """A new, empty page."""
        target = (await self.ask("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = Page(self, session)
        await page.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=touch,
        )
        await page.ask(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
        )
        await page.ask("Runtime.enable")
        await page.ask("Log.enable")
        await page.ask("Page.enable")
        return page

    async def end(self) -> None:
        """End it: it does when nobody can ask it anything more, as also when the tests are killed."""
        assert self.transport is not None
        group = self.transport.pid
        self.transport.closeChildFD(_SEND)
        kill = self.reactor.callLater(5, os.killpg, group, signal.SIGKILL)
        await self._ended
        kill.cancel() if kill.active() else None


class Page:
    """One page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    async def ask(self, method: str, /, **parameters: Any) -> Any:
        """Call a method of the protocol."""
        return await self._browser.ask(method, self._session, **parameters)

    async def go(self, url: str) -> None:
        """Open an address."""
        await self.ask("Page.navigate", url=url)

    async def run(self, expression: str) -> Any:
        """The value of an expression in JavaScript; a promise is waited for."""
        result = await self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"])
        return result["result"].get("value")

    async def until(self, expression: str) -> None:
        """Return when an expression is true."""
        give_up = self._browser.reactor.seconds() + PATIENCE
        while not await self.run(f"Boolean(document.body && ({expression}))"):
            if self._browser.reactor.seconds() > give_up:
                state = await self.run(
                    "document.body && document.body.dataset.state + ': ' + document.body.innerText"
                )
                raise AssertionError(f"it did not come true: {expression}; the page is {state}")
            await deferLater(self._browser.reactor, 0.05)

    async def press(self, key: str, code: int) -> None:
        """Press a key and let go of it."""
        text = {"text": key} if len(key) == 1 else {}
        await self.ask(
            "Input.dispatchKeyEvent",
            type="keyDown" if text else "rawKeyDown",
            key=key,
            windowsVirtualKeyCode=code,
            **text,
        )
        await self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def screenshot(self, path: Path) -> None:
        """Keep a picture of it."""
        shot = await self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))


async def browser(test: TestCase) -> Browser:
    """A browser for a test, ended after it."""
    from twisted.internet import reactor

    need("Chromium")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise RuntimeError("there is no Chromium on the PATH; 'make test' installs it")
    profile = folder("browser")
    options = [
        *(
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--hide-scrollbars",
        ),
        *(
            "--ignore-certificate-errors",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            "about:blank",
        ),
    ]
    made = Browser(reactor)
    reactor.spawnProcess(
        made,
        sys.executable,
        [sys.executable, "-c", _EXEC, program, *options],
        env={"PATH": "/usr/bin:/bin", "HOME": str(profile)},
        path=str(profile),
        childFDs={0: "w", 1: "r", 2: "r", _SEND: "w", _RECEIVE: "r"},
    )

    test.addCleanup(lambda: Deferred.fromCoroutine(made.end()))
    await made.ask("Browser.getVersion")
    return made
