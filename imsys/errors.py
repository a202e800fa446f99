"""The status codes of the wire, and the exceptions that carry them."""

from __future__ import annotations

import enum


class Status(enum.IntEnum):
    """What the key ``error`` of a response means (docs/protocol.md, 11).

    Codes below 64 are those of the original system and keep their meaning;
    codes from 64 on are ours.
    """

    SUCCESS = 0
    JSONPARSE_ERROR = 1
    NETWORK_ERROR = 2
    GRPC_ERROR = 3
    GRPC_SERVER_NOT_EXISTS = 4
    GRPC_SERVER_ALREADY_EXISTS = 5
    CHATTING_SERVER_NOT_EXISTS = 6
    CHATTING_SERVER_ALREADY_EXISTS = 7
    RESOURCES_SERVER_NOT_EXISTS = 8
    RESOURCES_SERVER_ALREADY_EXISTS = 9
    NO_AVAILABLE_CHATTING_SERVER = 10
    NO_AVAILABLE_RESOURCES_SERVER = 11
    REDIS_UNKNOWN_ERROR = 12
    REDIS_CAPTCHA_NOT_FOUND = 13
    MYSQL_INTERNAL_ERROR = 14
    MYSQL_MISSING_INFO = 15
    MYSQL_ACCOUNT_NOT_EXISTS = 16
    LOGIN_INFO_ERROR = 17
    LOGIN_UNSUCCESSFUL = 18
    LOGIN_FOR_MULTIPLE_TIMES = 19
    LOGOUT_UNSUCCESSFUL = 20
    SEARCHING_USERNAME_NOT_FOUND = 21
    CHATTHREAD_NOT_EXIST = 22
    CHATTHREAD_PARSE_ERROR = 23
    CHATRECORD_NOT_EXIST = 24
    CHATRECORD_PARSE_ERROR = 25
    CREATE_PRIVATE_CHAT_FAILED = 26
    CREATE_PRIVATE_CHAT_USER_NOT_EXIST = 27
    CREATE_PRIVATE_CHAT_INVALID_USER_UUID = 28
    CREATE_PRIVATE_CHAT_ID_GENERATE_FAILED = 29
    CREATE_GROUP_CHAT_FAILED = 30
    CREATE_GROUP_CHAT_USER_NOT_EXIST = 31
    CREATE_GROUP_CHAT_INVALID_ID = 32
    FRIENDING_YOURSELF = 33
    FRIENDING_ERROR = 34
    FRIENDING_TARGET_USER_NOT_FOUND = 35
    FILE_UPLOAD_ERROR = 36
    FILE_CREATE_ERROR = 37
    FILE_OPEN_ERROR = 38
    FILE_WRITE_ERROR = 39

    RATE_LIMITED = 64
    PERMISSION_DENIED = 65
    NOT_FRIENDS = 66
    MESSAGE_TOO_LONG = 67
    QUOTA_EXCEEDED = 68
    CHECKSUM_MISMATCH = 69
    INVALID_FIELD = 70
    USERNAME_TAKEN = 71
    EMAIL_TAKEN = 72
    SERVER_BUSY = 73
    STREAM_NOT_FOUND = 74
    INTERNAL_ERROR = 75
    BLOCKED = 76
    GROUP_FULL = 77
    TOO_LATE = 78
    MUTED = 79
    READ_ONLY = 80
    LINK_INVALID = 81
    TOO_MANY = 82

    @property
    def retryable(self) -> bool:
        """Whether it speaks of the moment, not of the request, which may be granted later as it is: a server
        is away, a limit is reached.

        Not :attr:`INTERNAL_ERROR`, which may be the request's doing: who tries again then counts how often.
        """
        return self in _RETRYABLE


_RETRYABLE = frozenset(
    {
        Status.NETWORK_ERROR,
        Status.GRPC_ERROR,
        Status.GRPC_SERVER_NOT_EXISTS,
        Status.CHATTING_SERVER_NOT_EXISTS,
        Status.NO_AVAILABLE_CHATTING_SERVER,
        Status.NO_AVAILABLE_RESOURCES_SERVER,
        Status.REDIS_UNKNOWN_ERROR,
        Status.MYSQL_INTERNAL_ERROR,
        Status.RATE_LIMITED,
        Status.SERVER_BUSY,
    }
)


class Refused(Exception):
    """A request cannot be granted: a domain refusal with a status of the wire.

    The dispatcher (or the HTTP gateway, or a gRPC servicer) translates it into
    a response; it is never logged as a fault of ours.

    ``message`` is one English sentence for the person who reads the log.
    ``retry_after`` is in seconds, for refusals that pass by themselves.
    """

    def __init__(self, status: Status, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.status.name} ({int(self.status)}): {self.message}"


class PeerFault(Exception):
    """The peer broke the frame protocol: its connection is logged and closed."""


class ConfigError(Exception):
    """A configuration cannot be used; the text is one line for the operator."""


class Unavailable(Refused):
    """A service behind this one did not answer in time."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(status, message, retry_after=1.0)
