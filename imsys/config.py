"""``conf/*.ini`` and the environment, read once into frozen dataclasses.

Every key has a type, a default, and a sentence with its unit; the sample files
in ``conf/`` repeat those sentences, and a test keeps both alike.

Order of precedence: environment, file, default. The key ``port`` of section
``[chat]`` is ``IMSYS_CHAT_PORT`` in the environment; keys of ``[imsys]`` have no
section in the name (``IMSYS_HOME``). A secret may also come from a file: the
key ``password_file`` or the variable ``IMSYS_DATABASE_PASSWORD_FILE``.
"""

from __future__ import annotations

import configparser
import dataclasses
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imsys.errors import ConfigError

Parser = Callable[[str], Any]


class _Bad(ValueError):
    """A value does not parse; the text says what is allowed."""


def _integer(low: int, high: int) -> Parser:
    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise _Bad(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _number(low: float, high: float) -> Parser:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise _Bad(f"a number from {low:g} to {high:g}")
        return value

    return parse


def _boolean(text: str) -> bool:
    try:
        return {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False}[
            text.lower()
        ]
    except KeyError:
        raise _Bad("yes or no") from None


def _choice(*allowed: str) -> Parser:
    def parse(text: str) -> str:
        if text not in allowed:
            raise _Bad(" or ".join(allowed))
        return text

    return parse


def _text(text: str) -> str:
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", text):
        raise _Bad("a name of 1 to 63 letters, digits, '_', '.' or '-'")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.:%-]{1,253}", text):
        raise _Bad("a host name or an IP address")
    return text


def _ehlo_name(text: str) -> str:
    if not re.fullmatch(r"|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[A-Za-z0-9.:]{1,60}\]", text):
        raise _Bad("a host name, or an address in brackets")
    return text


def _addresses(text: str) -> tuple[tuple[str, int], ...]:
    found = []
    for part in text.replace(",", " ").split():
        match = re.fullmatch(r"(?:\[([0-9A-Fa-f:]+)\]|([A-Za-z0-9_.-]+)):([0-9]{1,5})", part)
        if match is None or not 0 < int(match[3]) < 65536:
            raise _Bad("host:port, or several with commas between")
        found.append((match[1] or match[2], int(match[3])))
    if not found:
        raise _Bad("host:port, or several with commas between")
    return tuple(found)


def _some_addresses(text: str) -> tuple[tuple[str, int], ...]:
    return _addresses(text) if text.strip() else ()


def _networks(text: str) -> tuple[str, ...]:
    found = tuple(text.replace(",", " ").split())
    for part in found:
        try:
            ipaddress.ip_network(part)
        except ValueError:
            raise _Bad("IP addresses or networks (10.0.0.0/8), with commas between") from None
    return found


def _origins(text: str) -> tuple[str, ...]:
    found = tuple(part.lower() for part in text.replace(",", " ").split())
    if found != ("*",) and not all(re.fullmatch(r"https?://[a-z0-9_.:\[\]-]{1,253}", part) for part in found):
        raise _Bad("*, or origins (https://chat.example.org) with commas between")
    return found


_PORT = _integer(0, 65535)


def setting(default: Any, parse: Parser, doc: str, *, secret: bool = False, path: bool = False) -> Any:
    """One key of a section: its default, its parser, and its sentence for the sample file."""
    return field(
        default=default,
        repr=not secret,
        metadata={"parse": parse, "doc": doc, "secret": secret, "path": path},
    )


@dataclass(frozen=True)
class Imsys:
    """``[imsys]``: what every daemon of one installation shares."""

    home: str = setting(
        "var", _text, "Folder for everything that is made at run time; other relative paths start here."
    )
    log_dir: str = setting(
        "log",
        _text,
        "Folder for log files, one a daemon, reopened on SIGHUP; empty: only where twistd logs.",
        path=True,
    )
    log_level: str = setting(
        "info",
        _choice("debug", "info", "warn", "error"),
        "Least severe level that is logged: debug, info, warn or error.",
    )


@dataclass(frozen=True)
class DatabaseConfig:
    """``[database]``: the durable truth."""

    engine: str = setting(
        "sqlite",
        _choice("sqlite", "mysql"),
        "sqlite (one process, no server) or mysql (MySQL 8 or MariaDB 10.5 and later).",
    )
    path: str = setting("imsys.db", _text, "File of the SQLite database.", path=True)
    host: str = setting("127.0.0.1", _host, "Host of the MySQL server.")
    port: int = setting(3306, _PORT, "TCP port of the MySQL server.")
    hosts: tuple[tuple[str, int], ...] = setting(
        (),
        _some_addresses,
        "MySQL servers that are tried in turn until one can be written to (host:port, ...), instead of host and port.",
    )
    socket: str = setting(
        "", _text, "Unix socket of the MySQL server, instead of host and port; empty: none."
    )
    user: str = setting("imsys", _text, "User name at the MySQL server.")
    password: str = setting("", _text, "Password at the MySQL server.", secret=True)
    name: str = setting("imsys", _name, "Name of the MySQL database.")
    driver: str = setting(
        "pymysql",
        _choice("pymysql", "mysqlclient"),
        "DB-API module: pymysql, or mysqlclient (extra 'mysqlclient').",
    )
    log_connection: str = setting(
        "reactor",
        _choice("reactor", "pool"),
        "Where the message log's connection to MySQL is, and four that read pages: on the reactor's thread, which is "
        "quicker, or in threads, as they are in any case with mysqlclient.",
    )
    tls_ca: str = setting(
        "", _text, "CA file that must have signed the MySQL server's certificate; empty: no TLS.", path=True
    )
    pool_size: int = setting(
        8,
        _integer(1, 256),
        "Connections (and threads) for everything but what is read and written on the reactor's thread.",
    )
    timeout: float = setting(
        10.0, _number(0.1, 600), "Seconds for one statement to be answered; 3 of them, at most, to connect."
    )


@dataclass(frozen=True)
class RedisConfig:
    """``[redis]``: routes, tokens, codes and rate limits; may be flushed at any time."""

    mode: str = setting(
        "embedded",
        _choice("embedded", "server"),
        "embedded (a child process of ours) or server (a Redis or Valkey server).",
    )
    host: str = setting("127.0.0.1", _host, "Host of the Redis server.")
    port: int = setting(6379, _PORT, "TCP port of the Redis server.")
    hosts: tuple[tuple[str, int], ...] = setting(
        (),
        _some_addresses,
        "Redis servers of which one is the master, and takes writes (host:port, ...), instead of host and port.",
    )
    sentinels: tuple[tuple[str, int], ...] = setting(
        (),
        _some_addresses,
        "Sentinels, which know the master (host:port, ...), instead of hosts, host and port.",
    )
    master_name: str = setting("mymaster", _text, "What the Sentinels call the master.")
    socket: str = setting(
        "", _text, "Unix socket of the Redis server, instead of all these; empty: none.", path=True
    )
    password: str = setting("", _text, "Password of the Redis server; empty: none.", secret=True)
    database: int = setting(0, _integer(0, 1023), "Number of the Redis database.")
    prefix: str = setting("imsys:", _text, "What every key begins with.")
    pool_size: int = setting(4, _integer(1, 64), "Connections to Redis.")
    timeout: float = setting(3.0, _number(0.1, 60), "Seconds after which a call to Redis has failed.")


@dataclass(frozen=True)
class TlsConfig:
    """``[tls]``: the certificate of the public ports (chat, resources, gateway)."""

    certificate: str = setting(
        "certs/server.pem", _text, "PEM file with the certificate and what it is chained to.", path=True
    )
    key: str = setting("certs/server.key", _text, "PEM file with the private key.", path=True)
    ca: str = setting(
        "certs/ca.pem",
        _text,
        "PEM file with the CA that clients are to trust (development certificates).",
        path=True,
    )


@dataclass(frozen=True)
class ClusterConfig:
    """``[cluster]``: how the servers trust each other."""

    ca: str = setting(
        "",
        _text,
        "PEM file with the cluster's CA; empty: all servers are one process (twistd imsys).",
        path=True,
    )
    certificate: str = setting(
        "", _text, "PEM file with this server's certificate in the cluster.", path=True
    )
    key: str = setting("", _text, "PEM file with its private key.", path=True)
    allow_plaintext: bool = setting(
        False, _boolean, "Without certificates: gRPC in plaintext, which asks nobody who they are: yes or no."
    )
    deadline: float = setting(
        3.0, _number(0.05, 60), "Seconds after which a call to another server has failed."
    )
    clock_skew: float = setting(
        60.0, _number(1, 3600), "Seconds a server's clock may differ from balance's before it is refused."
    )


@dataclass(frozen=True)
class BalanceConfig:
    """``[balance]``: registration, allocation, tokens."""

    grpc_host: str = setting("127.0.0.1", _host, "Interface of the gRPC port.")
    grpc_port: int = setting(8450, _PORT, "TCP port for gRPC.")
    addresses: tuple[tuple[str, int], ...] = setting(
        (("127.0.0.1", 8450),), _addresses, "Where the others find balance servers (host:port, ...)."
    )
    lease: float = setting(15.0, _number(1, 600), "Seconds that a registration lives.")
    interval: float = setting(5.0, _number(0.1, 200), "Seconds between two registrations of a server.")
    token_idle: float = setting(
        2592000.0, _number(1, 31536000), "Seconds that somebody stays signed in without coming back."
    )
    token_life: float = setting(
        31536000.0, _number(60, 31536000), "Seconds that a sign-in lives at most, however much it is used."
    )


@dataclass(frozen=True)
class CaptchaConfig:
    """``[captcha]``: verification codes."""

    grpc_host: str = setting("127.0.0.1", _host, "Interface of the gRPC port.")
    grpc_port: int = setting(8451, _PORT, "TCP port for gRPC.")
    addresses: tuple[tuple[str, int], ...] = setting(
        (("127.0.0.1", 8451),), _addresses, "Where the gateway finds captcha servers (host:port, ...)."
    )
    code_life: float = setting(180.0, _number(1, 86400), "Seconds that a verification code lives.")
    code_tries: int = setting(
        5, _integer(1, 100), "Wrong tries of one source address after which a code is dead for that address."
    )
    code_tries_all: int = setting(
        50, _integer(1, 10000), "Wrong tries of everybody after which a code is dead."
    )
    mailbox_day: int = setting(
        20, _integer(0, 1000000), "Mails a day to one mailbox, whoever asks for them; 0: no limit."
    )
    all_hour: int = setting(6000, _integer(0, 1000000), "Mails an hour in all; 0: no limit.")


@dataclass(frozen=True)
class MailConfig:
    """``[mail]``: how verification codes reach people."""

    transport: str = setting(
        "maildir", _choice("maildir", "smtp"), "maildir (dropped into a folder, for development) or smtp."
    )
    maildir: str = setting("mail", _text, "Folder (a Maildir) for transport maildir.", path=True)
    host: str = setting("127.0.0.1", _host, "Host of the SMTP server.")
    port: int = setting(587, _PORT, "TCP port of the SMTP server.")
    starttls: str = setting(
        "required", _choice("required", "optional", "never"), "STARTTLS: required, optional or never."
    )
    implicit_tls: str = setting(
        "auto",
        _choice("auto", "yes", "no"),
        "TLS from the first byte on, instead of STARTTLS: yes, no, or auto (where the port is 465).",
    )
    ca: str = setting("", _text, "PEM file with the CA of the SMTP server; empty: the system's.", path=True)
    ehlo_name: str = setting(
        "",
        _ehlo_name,
        "Name that the SMTP server is greeted with; empty: this machine's, or its address where that has no dot in it.",
    )
    user: str = setting("", _text, "User name at the SMTP server; empty: no authentication.")
    password: str = setting("", _text, "Password at the SMTP server.", secret=True)
    sender: str = setting("imsys@localhost", _text, "Address in the From line of the mails.")
    timeout: float = setting(10.0, _number(0.1, 600), "Seconds after which sending has failed.")
    notify_sign_in: bool = setting(
        False, _boolean, "Mail the owner of an account when it is signed in to on a new device: yes or no."
    )

    @property
    def tls_first(self) -> bool:
        """Whether the server is spoken to by TLS from the first byte on."""
        return self.implicit_tls == "yes" or (self.implicit_tls == "auto" and self.port == 465)


@dataclass(frozen=True)
class ChatConfig:
    """``[chat]``: one chat server."""

    name: str = setting(
        "chat1", _name, "Name of this server, unique among the chat servers of the installation."
    )
    host: str = setting("127.0.0.1", _host, "Interface of the public ports.")
    port: int = setting(8444, _PORT, "TCP port for chat over TLS; 0: any free one.")
    plain_port: int = setting(
        0, _PORT, "TCP port for chat without TLS, for peers that speak none; 0: closed."
    )
    plain_pause: float = setting(
        0.05,
        _number(0, 10),
        "Seconds between two frames to a client on plain_port that takes one a read (its login has no seq); 0: none.",
    )
    advertise: str = setting(
        "127.0.0.1", _host, "Host that clients are told to connect to; the certificate must be valid for it."
    )
    grpc_host: str = setting("127.0.0.1", _host, "Interface of the gRPC port.")
    grpc_port: int = setting(8452, _PORT, "TCP port for gRPC; 0: any free one.")
    grpc_advertise: str = setting("127.0.0.1", _host, "Host that the other servers are told to connect to.")
    login_deadline: float = setting(10.0, _number(0.1, 3600), "Seconds a new connection has to log in.")
    heartbeat_timeout: float = setting(
        60.0, _number(0.1, 86400), "Seconds without a frame after which a session is closed."
    )
    max_frame: int = setting(65535, _integer(64, 65535), "Bytes that a frame has at most, with its header.")
    high_water: int = setting(
        1048576, _integer(65536, 1073741824), "Bytes unsent to one client beyond which it is closed."
    )
    unsent: int = setting(
        268435456,
        _integer(1048576, 1 << 40),
        "Bytes unsent to all clients together; the one that would pass it is closed.",
    )
    inflight: int = setting(
        64,
        _integer(1, 65536),
        "Requests of one client that are worked on before the server stops reading from it.",
    )
    processes: int = setting(
        1,
        _integer(1, 64),
        "Processes that share the public ports, each a server of its own: name-1 and so on (Linux; not on SQLite).",
    )
    grpc_base: int = setting(
        8460, _integer(1, 65471), "With several processes, number i has the TCP port grpc_base + i for gRPC."
    )
    capacity: int = setting(
        19000,
        _integer(1, 1000000),
        "Connections this server holds at most; with several processes, each of them.",
    )
    devices: int = setting(
        10,
        _integer(1, 100),
        "Devices on which one user is online at a time; who comes on one more is refused with 82.",
    )
    single_session: bool = setting(
        False,
        _boolean,
        "One session for each user, as in the original: a login ends the one before it, whatever device it is on.",
    )
    drain: float = setting(
        30.0,
        _number(1, 86400),
        "Seconds in which the sessions of a server that drains move to others; longer where more than 300 a second would have to.",
    )
    stop_drain: float = setting(
        4.0,
        _number(0, 60),
        "Seconds that sessions have to move when the server is told to stop (SIGTERM), where there are other servers; 0: none.",
    )
    edit_window: float = setting(
        172800.0, _number(0, 1 << 31), "Seconds in which authors may edit their texts; 0: not at all."
    )
    recall_window: float = setting(
        172800.0,
        _number(0, 1 << 31),
        "Seconds in which authors may take their messages back; admins of a group always may.",
    )
    group_members: int = setting(10000, _integer(2, 100000), "Members that a group has at most.")
    log_batch: int = setting(2000, _integer(1, 20000), "Messages that one transaction stores at most.")
    log_queue: int = setting(
        50000, _integer(1, 10000000), "Messages waiting to be stored beyond which senders get 73."
    )
    log_queue_bytes: int = setting(
        67108864, _integer(65536, 17179869184), "Bytes waiting to be stored beyond which senders get 73."
    )


@dataclass(frozen=True)
class ResourcesConfig:
    """``[resources]``: one resources server."""

    name: str = setting(
        "resources1", _name, "Name of this server, unique among the resources servers of the installation."
    )
    host: str = setting("127.0.0.1", _host, "Interface of the public ports.")
    port: int = setting(8445, _PORT, "TCP port for the frame protocol over TLS; 0: any free one.")
    plain_port: int = setting(0, _PORT, "TCP port for the frame protocol without TLS; 0: closed.")
    http_port: int = setting(8446, _PORT, "TCP port for HTTPS; 0: any free one.")
    rtmp_port: int = setting(1935, _PORT, "TCP port for live streams by RTMP, without TLS; 0: closed.")
    rtmps_port: int = setting(1936, _PORT, "TCP port for live streams by RTMP over TLS; 0: any free one.")
    advertise: str = setting(
        "127.0.0.1", _host, "Host that clients are told to connect to; the certificate must be valid for it."
    )
    grpc_host: str = setting("127.0.0.1", _host, "Interface of the gRPC port.")
    grpc_port: int = setting(8453, _PORT, "TCP port for gRPC; 0: any free one.")
    grpc_advertise: str = setting("127.0.0.1", _host, "Host that the other servers are told to connect to.")
    path: str = setting(
        "files", _text, "Folder of the file store, and of what is on its way to it.", path=True
    )
    login_deadline: float = setting(10.0, _number(0.1, 3600), "Seconds a new connection has to log in.")
    heartbeat_timeout: float = setting(
        60.0, _number(0.1, 86400), "Seconds without a frame after which a connection is closed."
    )
    max_frame: int = setting(
        1048576, _integer(1024, 16777216), "Bytes that a frame has at most, with its header."
    )
    high_water: int = setting(
        1048576, _integer(65536, 1073741824), "Bytes unsent to one client beyond which it is closed."
    )
    unsent: int = setting(
        268435456,
        _integer(1048576, 1 << 40),
        "Bytes unsent to all clients together; the one that would pass it is closed. As many bytes of files are read ahead for them.",
    )
    inflight: int = setting(
        4, _integer(1, 1024), "Requests of one client that wait before the server stops reading from it."
    )
    uploads: int = setting(16, _integer(1, 1024), "Files that one user sends at the same time at most.")
    chunk: int = setting(
        524288, _integer(65536, 1048552), "Bytes of a file in a chunk that clients are told to send."
    )
    window: int = setting(8, _integer(1, 64), "Chunks of a file that may be on their way unacknowledged.")
    memory: int = setting(
        134217728,
        _integer(4194304, 1 << 40),
        "Bytes of all uploads that wait in memory together. A quarter as many wait for the checksums of their requests (tus).",
    )
    stalled: float = setting(
        120.0, _number(1, 86400), "Seconds after which a transfer that makes no progress is closed."
    )
    cors_origins: tuple[str, ...] = setting(
        (),
        _origins,
        "Origins whose pages may send and get files over HTTPS (https://chat.example.org); *: all; empty: none.",
    )
    disk_workers: int = setting(8, _integer(1, 256), "Threads that read and write files.")
    capacity: int = setting(
        4000, _integer(1, 1000000), "Connections this server holds at most, on all its ports together."
    )
    trusted_proxies: tuple[str, ...] = setting(
        (),
        _networks,
        "Proxies before http_port whose X-Forwarded-For is believed (addresses or networks); empty: none.",
    )


@dataclass(frozen=True)
class FilesConfig:
    """``[files]``: what chat and resources servers know of files; the same for all of an installation."""

    max_file: int = setting(2147483648, _integer(1, 1 << 44), "Bytes that one file has at most.")
    quota: int = setting(
        21474836480, _integer(0, 1 << 60), "Bytes that the files of one user have at most; 0: no bound."
    )
    offers: int = setting(
        1000, _integer(1, 1000000), "Files of one user that may be on their way at the same time."
    )
    expire: float = setting(
        86400.0, _number(1, 31536000), "Seconds that an upload may take, with all its breaks."
    )
    ticket_life: float = setting(3600.0, _number(1, 604800), "Seconds that a ticket for a file is good for.")
    ticket_keys: str = setting(
        "tickets.keys", _text, "File of the keys that sign tickets, the same for all servers.", path=True
    )
    encryption: bool = setting(
        True, _boolean, "Encrypt files at rest: yes or no. What is stored stays readable either way."
    )
    master_keys: str = setting(
        "files.keys", _text, "File of the master keys, under which the keys of files are wrapped.", path=True
    )
    master_key: str = setting(
        "", _text, "Master keys, '<id> <key>' with commas between, instead of that file.", secret=True
    )
    store: str = setting(
        "disk",
        _choice("disk", "s3"),
        "disk (each resources server its own) or s3 (object storage that all share).",
    )
    s3_endpoint: str = setting(
        "", _text, "URL of the object storage (https://s3.example.org); empty: Amazon's of the region."
    )
    s3_region: str = setting("us-east-1", _text, "Region of the object storage.")
    s3_bucket: str = setting("", _text, "Bucket, which has to be there.")
    s3_prefix: str = setting("imsys/", _text, "What the names of objects begin with.")
    s3_addressing: str = setting(
        "auto",
        _choice("auto", "path", "virtual"),
        "Where the bucket's name goes: path, virtual (into the host name), or auto.",
    )
    s3_ca: str = setting(
        "", _text, "PEM file with the CA of the object storage; empty: the system's.", path=True
    )
    s3_timeout: float = setting(
        30.0,
        _number(0.1, 600),
        "Seconds without a byte after which a request to the object storage has failed.",
    )
    s3_part: int = setting(
        16777216,
        _integer(5242880, 5368709120),
        "Bytes of a part in which larger files go to the object storage.",
    )
    s3_access_key: str = setting(
        "", _text, "Access key of the object storage; empty: the credentials that boto3 finds.", secret=True
    )
    s3_secret_key: str = setting("", _text, "Secret key of the object storage.", secret=True)
    thumbnails: bool = setting(
        True,
        _boolean,
        "Make thumbnails of images, and posters of videos where ffmpeg is installed: yes or no.",
    )
    scan: str = setting(
        "",
        _text,
        "Command that judges a file, its standard input, before anybody sees it: 0 lets it pass, 1 refuses it.",
    )
    scan_timeout: float = setting(
        60.0,
        _number(1, 3600),
        "Seconds after which the command has failed, and the file is judged again later.",
    )


@dataclass(frozen=True)
class LiveConfig:
    """``[live]``: what chat and resources servers know of live streams; the same for all of an installation."""

    enabled: bool = setting(
        True, _boolean, "Let users go live: yes or no (LIVE_START is refused, and the RTMP ports are closed)."
    )
    streams: int = setting(2, _integer(1, 1000), "Live streams that one user has at the same time at most.")
    players: int = setting(1000, _integer(1, 1000000), "Players of one live stream on one server at most.")
    bitrate: int = setting(
        20000000,
        _integer(1000, 10000000000),
        "Bits a second, averaged over 5 s, beyond which a publisher is closed.",
    )
    silence: float = setting(
        30.0, _number(1, 3600), "Seconds without media after which a publisher is closed."
    )
    behind: float = setting(
        10.0, _number(1, 3600), "Seconds that a player may be behind before it is closed."
    )
    wait: float = setting(
        600.0, _number(1, 86400), "Seconds that a live stream waits for its publisher to come at all."
    )
    away: float = setting(
        60.0, _number(10, 86400), "Seconds that a publisher may be away before its live stream ends."
    )
    longest: float = setting(
        43200.0, _number(10, 2592000), "Seconds after which a live stream ends, whatever is sent."
    )
    play_key: float = setting(
        600.0, _number(1, 604800), "Seconds in which a player has to begin with the key that it was given."
    )
    cache: int = setting(
        16777216,
        _integer(65536, 1 << 40),
        "Bytes of the newest group of pictures of one live stream kept for players that join.",
    )
    caches: int = setting(
        1073741824,
        _integer(65536, 1 << 50),
        "The same of all live streams of one server together; with more, who joins waits for a key frame for which there is room.",
    )
    max_message: int = setting(
        4194304, _integer(65536, 16777215), "Bytes that one message of a publisher (a picture) has at most."
    )
    record: bool = setting(
        False, _boolean, "Record live streams whose owner does not say otherwise: yes or no."
    )
    max_recording: int = setting(
        2147483648,
        _integer(1048576, 1 << 50),
        "Bytes of one recording at most; what comes later is not recorded.",
    )


@dataclass(frozen=True)
class GatewayConfig:
    """``[gateway]``: the HTTP interfaces."""

    host: str = setting("127.0.0.1", _host, "Interface of the public ports.")
    port: int = setting(8443, _PORT, "TCP port for HTTPS; 0: any free one.")
    plain_port: int = setting(
        0, _PORT, "TCP port for HTTP without TLS, for peers that speak none; 0: closed."
    )
    addresses: tuple[tuple[str, int], ...] = setting(
        (),
        _some_addresses,
        "Where 'imsys-ctl status' finds gateways (host:port, ...); empty: at host and port.",
    )
    body_limit: int = setting(65536, _integer(1024, 1048576), "Bytes that a request's body has at most.")
    timeout: float = setting(
        30.0, _number(1, 600), "Seconds that a connection may be idle, and that a request may take to arrive."
    )
    capacity: int = setting(4000, _integer(1, 1000000), "Connections this server holds at most.")
    trusted_proxies: tuple[str, ...] = setting(
        (), _networks, "Proxies whose X-Forwarded-For is believed (addresses or networks); empty: none."
    )
    hash_workers: int = setting(
        0, _integer(0, 256), "Threads that hash passwords; 0: as many as there are cores."
    )
    hash_queue: int = setting(
        256, _integer(1, 100000), "Passwords waiting to be hashed beyond which the answer is 73."
    )
    hash_memory: int = setting(19456, _integer(8, 4194304), "KiB of memory of one argon2id hash.")
    hash_time: int = setting(2, _integer(1, 100), "Passes of one argon2id hash.")
    hash_parallelism: int = setting(1, _integer(1, 64), "Lanes of one argon2id hash.")


@dataclass(frozen=True)
class LimitsConfig:
    """``[limits]``: rate limits, and who may be connected; 0 switches one off."""

    password_account_source: int = setting(
        10, _integer(0, 1000000), "Wrong passwords a minute for one account from one source address."
    )
    password_account: int = setting(100, _integer(0, 1000000), "Wrong passwords a minute for one account.")
    password_source: int = setting(
        100, _integer(0, 1000000), "Wrong passwords a minute from one source address."
    )
    login_account: int = setting(30, _integer(0, 1000000), "Right passwords a minute for one account.")
    login_source: int = setting(
        300, _integer(0, 1000000), "Right passwords a minute from one source address."
    )
    code_email_minute: int = setting(
        1, _integer(0, 1000000), "Verification mails a minute to one mailbox, whatever is behind a '+'."
    )
    code_email_day: int = setting(10, _integer(0, 1000000), "Verification mails a day to one mailbox.")
    code_source_hour: int = setting(
        200, _integer(0, 1000000), "Verification mails an hour asked for by one source address."
    )
    code_all_hour: int = setting(5000, _integer(0, 1000000), "Verification mails an hour in all.")
    code_wrong_source_hour: int = setting(
        20, _integer(0, 1000000), "Wrong verification codes an hour from one source address."
    )
    account_check_source: int = setting(
        30, _integer(0, 1000000), "Questions a minute whether an account exists, from one source address."
    )
    registration_source_hour: int = setting(
        200, _integer(0, 1000000), "Registrations an hour from one source address."
    )
    lookup_minute: int = setting(
        600, _integer(0, 1000000000), "Names and cards that one member looks up a minute."
    )
    lookup_day: int = setting(
        20000, _integer(0, 1000000000), "Names and cards that one member looks up a day."
    )
    request_minute: int = setting(30, _integer(0, 1000000000), "Friend requests of one member a minute.")
    request_day: int = setting(300, _integer(0, 1000000000), "Friend requests of one member a day.")
    text_minute: int = setting(3000, _integer(0, 1000000000), "Texts of one member a minute.")
    text_day: int = setting(100000, _integer(0, 1000000000), "Texts of one member a day.")
    offer_minute: int = setting(
        120, _integer(0, 1000000000), "Files and live streams that one member offers a minute."
    )
    offer_day: int = setting(
        5000, _integer(0, 1000000000), "Files and live streams that one member offers a day."
    )
    thread_minute: int = setting(
        120, _integer(0, 1000000000), "Threads that one member asks to be made a minute."
    )
    thread_day: int = setting(5000, _integer(0, 1000000000), "Threads that one member asks to be made a day.")
    profile_minute: int = setting(30, _integer(0, 1000000000), "Changes of one member's profile a minute.")
    profile_day: int = setting(500, _integer(0, 1000000000), "Changes of one member's profile a day.")
    connections_source: int = setting(
        2000,
        _integer(0, 1000000),
        "Connections of one source address (IPv6: /64) to one server; never more than half of its capacity.",
    )
    strangers_source: int = setting(
        1000,
        _integer(0, 1000000),
        "Of these, such as have not logged in; never more than a quarter of the capacity.",
    )
    connections_user: int = setting(
        200,
        _integer(0, 1000000),
        "Connections of one user to one server; beyond it, or half of the capacity, the oldest is closed.",
    )
    connections_exempt: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1"),
        _networks,
        "Networks whose connections are not counted by address (balancers that do not say for whom).",
    )


@dataclass(frozen=True)
class Config:
    """The whole configuration; relative paths are already under ``home``."""

    imsys: Imsys = field(default_factory=Imsys)
    database: DatabaseConfig = field(default_factory=DatabaseConfig)
    redis: RedisConfig = field(default_factory=RedisConfig)
    tls: TlsConfig = field(default_factory=TlsConfig)
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    balance: BalanceConfig = field(default_factory=BalanceConfig)
    captcha: CaptchaConfig = field(default_factory=CaptchaConfig)
    mail: MailConfig = field(default_factory=MailConfig)
    chat: ChatConfig = field(default_factory=ChatConfig)
    resources: ResourcesConfig = field(default_factory=ResourcesConfig)
    files: FilesConfig = field(default_factory=FilesConfig)
    live: LiveConfig = field(default_factory=LiveConfig)
    gateway: GatewayConfig = field(default_factory=GatewayConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)

    @property
    def home(self) -> Path:
        """The absolute folder of everything that is made at run time."""
        return Path(self.imsys.home)


SECTIONS: dict[str, type[Any]] = {f.name: f.default_factory for f in dataclasses.fields(Config)}  # type: ignore[misc]


TOOLS = ("cli", "bench", "demo", "test")
"""What may follow ``IMSYS_`` in the environment besides sections: these belong to other programs of ours."""


def load(path: str | Path | None, environ: Mapping[str, str]) -> Config:
    """Read and check a configuration.

    :param path: an INI file; ``None`` for the defaults alone.
    :param environ: the environment, whose ``IMSYS_…`` variables win over the file.
    :raises ConfigError: one line naming file, section, key, and what is allowed.
    """
    given: dict[tuple[str, str], tuple[str, str]] = {}  # (section, key) -> (raw text, where it stands)
    if path is not None:
        given.update(_from_file(Path(path)))
    given.update(_from_environment(environ))
    sections = {name: _section(name, kind, given) for name, kind in SECTIONS.items()}
    home = Path(sections["imsys"].home).expanduser().absolute()
    sections["imsys"] = dataclasses.replace(sections["imsys"], home=str(home))
    for name, section in sections.items():
        moved = {
            f.name: str(home / Path(getattr(section, f.name)).expanduser())
            for f in dataclasses.fields(section)
            if f.metadata["path"] and getattr(section, f.name)
        }
        sections[name] = dataclasses.replace(section, **moved)
    return Config(**sections)


def _from_file(path: Path) -> dict[tuple[str, str], tuple[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, default_section="\0", inline_comment_prefixes=None)
    try:
        parser.read_string(path.read_text("utf-8-sig"), str(path))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such configuration file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except configparser.Error as error:
        raise ConfigError(" ".join(str(error).split())) from None
    given = {}
    for section in parser.sections():
        if section not in SECTIONS:
            raise ConfigError(
                f"{path}: [{section}] is not a known section; allowed are {', '.join(SECTIONS)}"
            )
        for name, value in parser.items(section):
            given[section, name] = (value.strip(), f"{path}: [{section}] {name}")
    return given


def _from_environment(environ: Mapping[str, str]) -> dict[tuple[str, str], tuple[str, str]]:
    given = {}
    for variable, value in environ.items():
        if not variable.startswith("IMSYS_"):
            continue
        section, _, name = variable[6:].lower().partition("_")
        where = f"environment: {variable}"
        if section in SECTIONS and section != "imsys" and name:
            given[section, name] = (value.strip(), f"{where} ([{section}] {name})")
        elif variable[6:].lower() in {f.name for f in dataclasses.fields(Imsys)}:
            name = variable[6:].lower()
            given["imsys", name] = (value.strip(), f"{where} ([imsys] {name})")
        elif variable != "IMSYS_CONFIG" and section not in TOOLS:
            raise ConfigError(
                f"{where}: is not a known variable; allowed are section and key (IMSYS_CHAT_PORT) or a key of [imsys]"
            )
    return given


def _section(section: str, kind: type[Any], given: Mapping[tuple[str, str], tuple[str, str]]) -> Any:
    keys = {f.name: f for f in dataclasses.fields(kind)}
    secrets = {f"{name}_file": name for name, f in keys.items() if f.metadata["secret"]}
    mine = {name: entry for (of, name), entry in given.items() if of == section}
    for in_file, name in secrets.items():
        if in_file in mine and name in mine:
            from_environment = [one for one in (in_file, name) if mine[one][1].startswith("environment")]
            if len(from_environment) != 1:
                raise ConfigError(f"{mine[in_file][1]}: give either {name} or {in_file}, not both")
            del mine[name if from_environment == [in_file] else in_file]
    values: dict[str, Any] = {}
    for name, (raw, where) in mine.items():
        if name in secrets:
            try:
                values[secrets[name]] = Path(raw).read_text("utf-8-sig").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                raise ConfigError(f"{where}: {raw} cannot be read: {reason}") from None
        elif name in keys:
            try:
                values[name] = keys[name].metadata["parse"](raw)
            except _Bad as bad:
                shown = "the value" if keys[name].metadata["secret"] else repr(raw)
                raise ConfigError(f"{where}: {shown} is not allowed; allowed is {bad}") from None
        else:
            raise ConfigError(f"{where}: is not a known key; allowed are {', '.join([*keys, *secrets])}")
    return kind(**values)
