"""A client's side of an XMPP stream, without a socket: it logs in, and knows what was acknowledged and what
came.

XML is scanned, not parsed: a server that is measured sends what it must, and the generator shares the
machine with it. Start tags are found wherever they are, so this is for streams in which no stanza is inside
another one (no carbons, no pages of an archive).
"""

from __future__ import annotations

import base64
import re
from xml.sax.saxutils import quoteattr

DOMAIN, RESOURCE = "localhost", "load"
LONGEST = 1 << 20
"""Bytes of an element that may wait for their end."""

_TOKEN = re.compile(rb"""<body>([^<]*)</body>|<(?!body>)([^\s/>!?"']+)((?:[^>"']++|"[^"]*+"|'[^']*+')*+)>""")
_MANAGEMENT = "xmlns='urn:xmpp:sm:3'"
_ASK = f"<r {_MANAGEMENT}/>"
_OPEN = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    f"xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='{DOMAIN}'>"
)
_BIND = (
    "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
    f"<resource>{RESOURCE}</resource></bind></iq>"
)
_ARRIVE = f"<enable {_MANAGEMENT}/><presence/>{_ASK}"
_HANDLED = re.compile(rb"""\sh\s*=\s*["'](\d+)["']""")
_TYPE = re.compile(rb"""\stype\s*=\s*["'](\w+)["']""")
_STANZAS = frozenset((b"message", b"presence", b"iq"))


def name_of(number: int) -> str:
    """Return the name of the account of a user."""
    return f"u{number}"


def message(peer: int, body: str, mark: str) -> str:
    """Return a chat message, and the question whether it is handled (XEP-0198).

    :param mark: the id of the stanza.
    """
    to = quoteattr(f"{name_of(peer)}@{DOMAIN}/{RESOURCE}")
    return f"<message type='chat' id='{mark}' to={to}><body>{body}</body></message>{_ASK}"


def plain(name: str, password: str) -> str:
    """Return the answer of SASL PLAIN (RFC 4616)."""
    return base64.b64encode(f"\0{name}\0{password}".encode()).decode()


class Stream:
    """One user's stream: SASL PLAIN, bind a resource, stream management, presence.

    What is to be sent is gathered in :attr:`out`, which the caller takes.

    :param register: create the account (XEP-0077) instead of logging in; it is ready when it is there.
    """

    __slots__ = (
        "_bounce",
        "_counting",
        "_name",
        "_password",
        "_register",
        "_rest",
        "_step",
        "acknowledged",
        "failure",
        "handled",
        "out",
        "ready",
        "refused",
    )

    def __init__(self, name: str, password: str, *, register: bool = False) -> None:
        self._name, self._password, self._register = name, password, register
        self._step = "opening"
        self._rest = b""
        self._counting = self._bounce = False
        self.out = _OPEN.encode()
        self.ready = False
        self.failure = ""
        """Why the stream is of no use, or nothing."""
        self.handled = 0
        """Stanzas that came since the server counts them."""
        self.acknowledged = 0
        """Messages of ours that the server has handled, from the first one on."""
        self.refused = 0
        """Messages that came back as errors."""

    def receive(self, data: bytes) -> list[bytes]:
        """Take what came; return the bodies of messages in it."""
        data = self._rest + data
        bodies, end = [], 0
        for token in _TOKEN.finditer(data):
            end = token.end()
            body, tag, attributes = token.groups()
            if tag is None:
                if self._bounce:
                    self.refused += 1
                else:
                    bodies.append(body)
            elif tag in _STANZAS:
                self._stanza(tag, attributes)
            else:
                self._element(tag, attributes)
        self._rest = data[end:]
        if len(self._rest) > LONGEST:
            self.failure = "an element without an end"
        return bodies

    def _stanza(self, tag: bytes, attributes: bytes) -> None:
        self.handled += self._counting
        found = _TYPE.search(attributes)
        kind = found[1] if found else b""
        self._bounce = tag == b"message" and kind == b"error"
        if tag != b"iq" or self._step not in ("registering", "binding"):
            return
        if kind != b"result":
            self.failure = f"{self._step} was refused"
        elif self._step == "registering":
            self.ready = True
        else:
            self._go("arriving", _ARRIVE)

    def _element(self, tag: bytes, attributes: bytes) -> None:
        if tag == b"a":
            self._answered(attributes)
        elif tag == b"r":
            self.out += f"<a {_MANAGEMENT} h='{self.handled}'/>".encode()
        elif tag == b"stream:features":
            self._offered()
        elif tag == b"success" and self._step == "authenticating":
            self._go("opening again", _OPEN)
        elif tag == b"enabled":
            self._counting = True
        elif tag in (b"failure", b"failed", b"stream:error"):
            self.failure = f"{self._step} was refused ({tag.decode()})"

    def _offered(self) -> None:
        if self._step == "opening again":
            self._go("binding", _BIND)
        elif self._register:
            name, password = self._name, self._password
            query = f"<username>{name}</username><password>{password}</password>"
            self._go(
                "registering",
                f"<iq type='set' id='register'><query xmlns='jabber:iq:register'>{query}</query></iq>",
            )
        else:
            answer = plain(self._name, self._password)
            self._go(
                "authenticating",
                f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{answer}</auth>",
            )

    def _answered(self, attributes: bytes) -> None:
        found = _HANDLED.search(attributes)
        count = int(found[1]) if found else 0
        if self.ready:
            self.acknowledged = count - 1  # the first stanza was the presence
        elif self._step == "arriving" and count >= 1:
            self._step, self.ready = "here", True

    def _go(self, step: str, said: str) -> None:
        self._step = step
        self.out += said.encode()
