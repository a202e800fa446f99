"""One file, sent or read by one connection: by HTTP, by frames, by the original's blocks. All of it blocks.

Every file is the same mebibyte over and over, so that what comes back can be compared with little work.
"""

from __future__ import annotations

import base64
import hashlib
import random
import socket
import struct
from collections.abc import Callable, Iterator

import google_crc32c

from imsys.bench.grants import Caller
from imsys.bench.tasks import Grant, User
from imsys.protocols.chunks import (
    CREDIT,
    DOWNLOAD_CHUNK,
    UPLOAD_ACK,
    UPLOAD_CHUNK,
    encode_chunk,
    encode_count,
)
from imsys.protocols.framing import RESOURCES
from imsys.protocols.identifiers import decode_id

PATTERN = random.Random(20250102).randbytes(1 << 20)  # noqa: S311 (the same in every run)

BLOCK = 1 << 18
"""Bytes of one of the original's blocks; there is one on its way at a time (docs/protocol.md, 6)."""

GRANTED = 1 << 23
"""Bytes that a client of frames grants ahead of what it has."""

_TWICE = memoryview(PATTERN * 2)
_CHUNK = struct.Struct("!16sQI")


def parts(size: int, step: int = len(PATTERN)) -> Iterator[memoryview]:
    """The bytes of a file, in pieces of no more than a mebibyte."""
    for offset in range(0, size, step):
        yield expected(offset, min(step, size - offset))


def expected(offset: int, length: int) -> memoryview:
    """What a file has there; no more than a mebibyte."""
    begin = offset % len(PATTERN)
    return _TWICE[begin : begin + length]


def http_up(sock: socket.socket, grant: Grant, size: int) -> None:
    """Upload by PATCH, as in tus."""
    more = f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {size}\r\n"
    sock.sendall(_head("PATCH", f"/files/{grant.file_id}", grant, more))
    _send_body(sock, size)


def http_down(sock: socket.socket, grant: Grant, size: int) -> None:
    """Download by GET."""
    sock.sendall(_head("GET", f"/files/{grant.file_id}", grant))
    _read_body(sock, size)


def web_up(sock: socket.socket, grant: Grant, size: int) -> None:
    """Upload by PUT, as in WebDAV."""
    sock.sendall(_head("PUT", grant.path, grant, f"Content-Length: {size}\r\n"))
    _send_body(sock, size)


def web_down(sock: socket.socket, grant: Grant, size: int) -> None:
    """Download by GET from a web server."""
    sock.sendall(_head("GET", grant.path, grant))
    _read_body(sock, size)


def _head(method: str, path: str, grant: Grant, more: str = "") -> bytes:
    ticket = f"Authorization: Bearer {grant.ticket}\r\n" if grant.ticket else ""
    return f"{method} {path} HTTP/1.1\r\nHost: {grant.host}:{grant.port}\r\n{ticket}{more}\r\n".encode(
        "ascii"
    )


def _send_body(sock: socket.socket, size: int) -> None:
    for part in parts(size):
        sock.sendall(part)
    head, _ = _response(sock)
    if not head.startswith((b"HTTP/1.1 201", b"HTTP/1.1 204")):
        raise RuntimeError(f"an upload is refused: {head.splitlines()[0].decode('latin-1')}")


def _read_body(sock: socket.socket, size: int) -> None:
    head, begun = _response(sock)
    if not head.startswith(b"HTTP/1.1 200") or f"content-length: {size}\r\n".encode() not in head.lower():
        raise RuntimeError(f"a download is refused: {head.splitlines()[0].decode('latin-1')}")
    fill = _filler(sock, begun)
    buffer = memoryview(bytearray(len(PATTERN)))
    for part in parts(size):
        fill(buffer[: len(part)])
        if bytearray(buffer[: len(part)]) != part:  # views are compared byte by byte, other things at once
            raise RuntimeError("a download has other bytes than were sent")


def _response(sock: socket.socket) -> tuple[bytes, bytes]:
    """Read the head of a response; return it and the bytes after it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            raise RuntimeError("the server closed a connection")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n", rest


def _filler(sock: socket.socket, begun: bytes = b"") -> Callable[[memoryview], None]:
    """What fills a buffer with the next bytes that come, first with those that came already."""
    rest = begun

    def fill(view: memoryview) -> None:
        nonlocal rest
        filled = min(len(rest), len(view))
        view[:filled], rest = rest[:filled], rest[filled:]
        while filled < len(view):
            count = sock.recv_into(view[filled:])
            if not count:
                raise RuntimeError("the server closed a connection")
            filled += count

    return fill


def frames_open(sock: socket.socket, user: User) -> Caller:
    """Log in on the resources port."""
    caller = Caller(sock, RESOURCES)
    caller.log_in(user)
    return caller


def frames_up(caller: Caller, grant: Grant, size: int) -> None:
    """Chunks, as many ahead of the acknowledgements as the server allows."""
    found, sock = caller.ask(72, 73, file_id=grant.file_id, ticket=grant.ticket), caller.sock
    file_id, step, window = (
        decode_id(grant.file_id),
        found["chunk_size"],
        found["chunk_size"] * found["window"],
    )
    frame = memoryview(bytearray(_FRAME + _COUNT.size))
    fill, sent, durable = _filler(sock), 0, 0
    while durable < size:
        while sent < size and sent - durable < window:
            part = expected(sent, min(step, size - sent))
            sock.sendall(encode_chunk(UPLOAD_CHUNK, file_id, sent, bytes(part)))
            sent += len(part)
        fill(frame[:_FRAME])
        service, total = RESOURCES.header.unpack(frame[:_FRAME])
        if service != UPLOAD_ACK:
            raise RuntimeError(f"an upload is answered by service {service}")
        fill(frame[_FRAME:total])
        durable = _COUNT.unpack(frame[_FRAME:])[1]


_COUNT = struct.Struct("!16sQ")
_FRAME = RESOURCES.header.size


def frames_down(caller: Caller, grant: Grant, size: int) -> None:
    """Chunks, granted as they are taken."""
    caller.ask(74, 77, file_id=grant.file_id, ticket=grant.ticket)
    sock, file_id = caller.sock, decode_id(grant.file_id)
    sock.sendall(encode_count(CREDIT, file_id, GRANTED))
    head, buffer = memoryview(bytearray(_FRAME + _CHUNK.size)), memoryview(bytearray(len(PATTERN)))
    fill, taken, owed = _filler(sock), 0, 0
    while True:
        fill(head)
        service, total = RESOURCES.header.unpack(head[:_FRAME])
        if service != DOWNLOAD_CHUNK:
            raise RuntimeError(f"a download is answered by service {service}")
        part = buffer[: total - len(head)]
        fill(part)
        _, offset, crc = _CHUNK.unpack(head[_FRAME:])
        if (
            offset != taken
            or bytearray(part) != expected(offset, len(part))
            or google_crc32c.value(bytes(part)) != crc
        ):
            raise RuntimeError("a download has other bytes than were sent")
        if not part:
            break
        taken, owed = taken + len(part), owed + len(part)
        if owed >= GRANTED // 4:
            sock.sendall(encode_count(CREDIT, file_id, owed))
            owed = 0
    if taken != size:
        raise RuntimeError(f"a download has {taken} bytes and not {size}")


def md5_of(size: int) -> str:
    """Return the MD5 of a file, which the original's client sends before it."""
    digest = hashlib.md5(usedforsecurity=False)
    for part in parts(size):
        digest.update(part)
    return digest.hexdigest()


def blocks_up(caller: Caller, size: int, md5: str) -> None:
    """JSON with base64, each block after the answer to the one before.

    The bytes are encoded before: it is the server that is measured.
    """
    common = f'{{"filename":"measured.bin","checksum":"{md5}","file_size":"{size}","last_seq":"{-(-size // BLOCK)}"'
    encoded = [base64.b64encode(expected(at, BLOCK)) for at in range(0, len(PATTERN), BLOCK)]
    for number, part in enumerate(parts(size, BLOCK), 1):
        done = min(number * BLOCK, size)
        block = encoded[(number - 1) % len(encoded)] if len(part) == BLOCK else base64.b64encode(part)
        rest = f'","cur_size":"{done}","cur_seq":"{number}","EOF":"{int(done == size)}"}}'
        caller.ask_encoded(30, 31, b"".join((common.encode(), b',"block":"', block, rest.encode())))
