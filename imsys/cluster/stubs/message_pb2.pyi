from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetVerificationRequest(_message.Message):
    __slots__ = ("email",)
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    email: str
    def __init__(self, email: _Optional[str] = ...) -> None: ...

class GetVerificationResponse(_message.Message):
    __slots__ = ("error", "email", "message")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    error: int
    email: str
    message: str
    def __init__(self, error: _Optional[int] = ..., email: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class UserRegisterRequest(_message.Message):
    __slots__ = ("uuid",)
    UUID_FIELD_NUMBER: _ClassVar[int]
    uuid: int
    def __init__(self, uuid: _Optional[int] = ...) -> None: ...

class UserRegisterResponse(_message.Message):
    __slots__ = ("error", "host", "port", "token")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    error: int
    host: str
    port: str
    token: str
    def __init__(self, error: _Optional[int] = ..., host: _Optional[str] = ..., port: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class LoginRequest(_message.Message):
    __slots__ = ("uuid", "token")
    UUID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    uuid: int
    token: str
    def __init__(self, uuid: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class LoginResponse(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: int
    def __init__(self, error: _Optional[int] = ...) -> None: ...

class LogoutRequest(_message.Message):
    __slots__ = ("uuid", "token")
    UUID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    uuid: int
    token: str
    def __init__(self, uuid: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class LogoutResponse(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: int
    def __init__(self, error: _Optional[int] = ...) -> None: ...

class ServerInfo(_message.Message):
    __slots__ = ("name", "host", "port")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    name: str
    host: str
    port: str
    def __init__(self, name: _Optional[str] = ..., host: _Optional[str] = ..., port: _Optional[str] = ...) -> None: ...

class RegisterRequest(_message.Message):
    __slots__ = ("info",)
    INFO_FIELD_NUMBER: _ClassVar[int]
    info: ServerInfo
    def __init__(self, info: _Optional[_Union[ServerInfo, _Mapping]] = ...) -> None: ...

class ShutdownRequest(_message.Message):
    __slots__ = ("cur_server",)
    CUR_SERVER_FIELD_NUMBER: _ClassVar[int]
    cur_server: str
    def __init__(self, cur_server: _Optional[str] = ...) -> None: ...

class StatusResponse(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: int
    def __init__(self, error: _Optional[int] = ...) -> None: ...

class PeerRequest(_message.Message):
    __slots__ = ("cur_server",)
    CUR_SERVER_FIELD_NUMBER: _ClassVar[int]
    cur_server: str
    def __init__(self, cur_server: _Optional[str] = ...) -> None: ...

class PeerResponse(_message.Message):
    __slots__ = ("error", "lists")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    LISTS_FIELD_NUMBER: _ClassVar[int]
    error: int
    lists: _containers.RepeatedCompositeFieldContainer[ServerInfo]
    def __init__(self, error: _Optional[int] = ..., lists: _Optional[_Iterable[_Union[ServerInfo, _Mapping]]] = ...) -> None: ...

class TerminationRequest(_message.Message):
    __slots__ = ("kick_uuid",)
    KICK_UUID_FIELD_NUMBER: _ClassVar[int]
    kick_uuid: int
    def __init__(self, kick_uuid: _Optional[int] = ...) -> None: ...

class TerminationResponse(_message.Message):
    __slots__ = ("error", "kick_uuid")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    KICK_UUID_FIELD_NUMBER: _ClassVar[int]
    error: int
    kick_uuid: int
    def __init__(self, error: _Optional[int] = ..., kick_uuid: _Optional[int] = ...) -> None: ...

class FriendRequest(_message.Message):
    __slots__ = ("src_uuid", "dst_uuid", "nick_name", "req_msg", "avator_path", "username", "description", "sex")
    SRC_UUID_FIELD_NUMBER: _ClassVar[int]
    DST_UUID_FIELD_NUMBER: _ClassVar[int]
    NICK_NAME_FIELD_NUMBER: _ClassVar[int]
    REQ_MSG_FIELD_NUMBER: _ClassVar[int]
    AVATOR_PATH_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SEX_FIELD_NUMBER: _ClassVar[int]
    src_uuid: int
    dst_uuid: int
    nick_name: str
    req_msg: str
    avator_path: str
    username: str
    description: str
    sex: int
    def __init__(self, src_uuid: _Optional[int] = ..., dst_uuid: _Optional[int] = ..., nick_name: _Optional[str] = ..., req_msg: _Optional[str] = ..., avator_path: _Optional[str] = ..., username: _Optional[str] = ..., description: _Optional[str] = ..., sex: _Optional[int] = ...) -> None: ...

class FriendResponse(_message.Message):
    __slots__ = ("error", "src_uuid", "dst_uuid")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SRC_UUID_FIELD_NUMBER: _ClassVar[int]
    DST_UUID_FIELD_NUMBER: _ClassVar[int]
    error: int
    src_uuid: int
    dst_uuid: int
    def __init__(self, error: _Optional[int] = ..., src_uuid: _Optional[int] = ..., dst_uuid: _Optional[int] = ...) -> None: ...

class AuthoriseMessage(_message.Message):
    __slots__ = ("msg_type", "msg_id", "msg_sender", "msg_receiver", "hello_msg")
    MSG_TYPE_FIELD_NUMBER: _ClassVar[int]
    MSG_ID_FIELD_NUMBER: _ClassVar[int]
    MSG_SENDER_FIELD_NUMBER: _ClassVar[int]
    MSG_RECEIVER_FIELD_NUMBER: _ClassVar[int]
    HELLO_MSG_FIELD_NUMBER: _ClassVar[int]
    msg_type: int
    msg_id: str
    msg_sender: str
    msg_receiver: str
    hello_msg: str
    def __init__(self, msg_type: _Optional[int] = ..., msg_id: _Optional[str] = ..., msg_sender: _Optional[str] = ..., msg_receiver: _Optional[str] = ..., hello_msg: _Optional[str] = ...) -> None: ...

class AuthoriseRequest(_message.Message):
    __slots__ = ("src_uuid", "dst_uuid", "thread_id", "user_info", "msg_pack")
    SRC_UUID_FIELD_NUMBER: _ClassVar[int]
    DST_UUID_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    USER_INFO_FIELD_NUMBER: _ClassVar[int]
    MSG_PACK_FIELD_NUMBER: _ClassVar[int]
    src_uuid: str
    dst_uuid: str
    thread_id: str
    user_info: _containers.RepeatedCompositeFieldContainer[FriendRequest]
    msg_pack: _containers.RepeatedCompositeFieldContainer[AuthoriseMessage]
    def __init__(self, src_uuid: _Optional[str] = ..., dst_uuid: _Optional[str] = ..., thread_id: _Optional[str] = ..., user_info: _Optional[_Iterable[_Union[FriendRequest, _Mapping]]] = ..., msg_pack: _Optional[_Iterable[_Union[AuthoriseMessage, _Mapping]]] = ...) -> None: ...

class AuthoriseResponse(_message.Message):
    __slots__ = ("error", "src_uuid", "dst_uuid")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SRC_UUID_FIELD_NUMBER: _ClassVar[int]
    DST_UUID_FIELD_NUMBER: _ClassVar[int]
    error: int
    src_uuid: str
    dst_uuid: str
    def __init__(self, error: _Optional[int] = ..., src_uuid: _Optional[str] = ..., dst_uuid: _Optional[str] = ...) -> None: ...

class ChattingHistoryData(_message.Message):
    __slots__ = ("msg_type", "msg_status", "msg_sender", "msg_receiver", "msg_id", "thread_id", "unique_id", "msg_content")
    MSG_TYPE_FIELD_NUMBER: _ClassVar[int]
    MSG_STATUS_FIELD_NUMBER: _ClassVar[int]
    MSG_SENDER_FIELD_NUMBER: _ClassVar[int]
    MSG_RECEIVER_FIELD_NUMBER: _ClassVar[int]
    MSG_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_ID_FIELD_NUMBER: _ClassVar[int]
    MSG_CONTENT_FIELD_NUMBER: _ClassVar[int]
    msg_type: int
    msg_status: int
    msg_sender: str
    msg_receiver: str
    msg_id: str
    thread_id: str
    unique_id: str
    msg_content: str
    def __init__(self, msg_type: _Optional[int] = ..., msg_status: _Optional[int] = ..., msg_sender: _Optional[str] = ..., msg_receiver: _Optional[str] = ..., msg_id: _Optional[str] = ..., thread_id: _Optional[str] = ..., unique_id: _Optional[str] = ..., msg_content: _Optional[str] = ...) -> None: ...

class ChattingTextMsgRequest(_message.Message):
    __slots__ = ("src_uuid", "dst_uuid", "lists")
    SRC_UUID_FIELD_NUMBER: _ClassVar[int]
    DST_UUID_FIELD_NUMBER: _ClassVar[int]
    LISTS_FIELD_NUMBER: _ClassVar[int]
    src_uuid: str
    dst_uuid: str
    lists: _containers.RepeatedCompositeFieldContainer[ChattingHistoryData]
    def __init__(self, src_uuid: _Optional[str] = ..., dst_uuid: _Optional[str] = ..., lists: _Optional[_Iterable[_Union[ChattingHistoryData, _Mapping]]] = ...) -> None: ...

class ChattingTextMsgResponse(_message.Message):
    __slots__ = ("error", "src_uuid", "dst_uuid")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SRC_UUID_FIELD_NUMBER: _ClassVar[int]
    DST_UUID_FIELD_NUMBER: _ClassVar[int]
    error: int
    src_uuid: str
    dst_uuid: str
    def __init__(self, error: _Optional[int] = ..., src_uuid: _Optional[str] = ..., dst_uuid: _Optional[str] = ...) -> None: ...
