from imsys.cluster.stubs import message_pb2 as _message_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Ports(_message.Message):
    __slots__ = ("tls", "plain", "http", "grpc", "rtmp", "rtmps")
    TLS_FIELD_NUMBER: _ClassVar[int]
    PLAIN_FIELD_NUMBER: _ClassVar[int]
    HTTP_FIELD_NUMBER: _ClassVar[int]
    GRPC_FIELD_NUMBER: _ClassVar[int]
    RTMP_FIELD_NUMBER: _ClassVar[int]
    RTMPS_FIELD_NUMBER: _ClassVar[int]
    tls: int
    plain: int
    http: int
    grpc: int
    rtmp: int
    rtmps: int
    def __init__(self, tls: _Optional[int] = ..., plain: _Optional[int] = ..., http: _Optional[int] = ..., grpc: _Optional[int] = ..., rtmp: _Optional[int] = ..., rtmps: _Optional[int] = ...) -> None: ...

class RegisterRequest(_message.Message):
    __slots__ = ("info", "kind", "incarnation", "clock_ms", "load", "capacity", "ports", "draining", "grpc_host", "free", "unfit", "again")
    INFO_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    CLOCK_MS_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    PORTS_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    GRPC_HOST_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    UNFIT_FIELD_NUMBER: _ClassVar[int]
    AGAIN_FIELD_NUMBER: _ClassVar[int]
    info: _message_pb2.ServerInfo
    kind: str
    incarnation: str
    clock_ms: int
    load: int
    capacity: int
    ports: Ports
    draining: bool
    grpc_host: str
    free: int
    unfit: str
    again: bool
    def __init__(self, info: _Optional[_Union[_message_pb2.ServerInfo, _Mapping]] = ..., kind: _Optional[str] = ..., incarnation: _Optional[str] = ..., clock_ms: _Optional[int] = ..., load: _Optional[int] = ..., capacity: _Optional[int] = ..., ports: _Optional[_Union[Ports, _Mapping]] = ..., draining: _Optional[bool] = ..., grpc_host: _Optional[str] = ..., free: _Optional[int] = ..., unfit: _Optional[str] = ..., again: _Optional[bool] = ...) -> None: ...

class RegisterResponse(_message.Message):
    __slots__ = ("error", "message", "lease_ms", "clock_ms", "peers", "epoch")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_MS_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    lease_ms: int
    clock_ms: int
    peers: _containers.RepeatedCompositeFieldContainer[Server]
    epoch: str
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ..., lease_ms: _Optional[int] = ..., clock_ms: _Optional[int] = ..., peers: _Optional[_Iterable[_Union[Server, _Mapping]]] = ..., epoch: _Optional[str] = ...) -> None: ...

class Server(_message.Message):
    __slots__ = ("name", "kind", "host", "ports", "grpc_host", "incarnation", "load", "capacity", "draining", "assigned", "free", "unfit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORTS_FIELD_NUMBER: _ClassVar[int]
    GRPC_HOST_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    UNFIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    host: str
    ports: Ports
    grpc_host: str
    incarnation: str
    load: int
    capacity: int
    draining: bool
    assigned: int
    free: int
    unfit: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., host: _Optional[str] = ..., ports: _Optional[_Union[Ports, _Mapping]] = ..., grpc_host: _Optional[str] = ..., incarnation: _Optional[str] = ..., load: _Optional[int] = ..., capacity: _Optional[int] = ..., draining: _Optional[bool] = ..., assigned: _Optional[int] = ..., free: _Optional[int] = ..., unfit: _Optional[str] = ...) -> None: ...

class SuspectRequest(_message.Message):
    __slots__ = ("kind", "name", "incarnation")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    incarnation: str
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ..., incarnation: _Optional[str] = ...) -> None: ...

class SuspectResponse(_message.Message):
    __slots__ = ("error", "message")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class WithdrawRequest(_message.Message):
    __slots__ = ("kind", "name", "incarnation")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    incarnation: str
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ..., incarnation: _Optional[str] = ...) -> None: ...

class WithdrawResponse(_message.Message):
    __slots__ = ("error", "message")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("kind",)
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: str
    def __init__(self, kind: _Optional[str] = ...) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ("error", "message", "servers")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SERVERS_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    servers: _containers.RepeatedCompositeFieldContainer[Server]
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ..., servers: _Optional[_Iterable[_Union[Server, _Mapping]]] = ...) -> None: ...

class AllocateRequest(_message.Message):
    __slots__ = ("uuid", "plaintext", "token", "failed", "device")
    UUID_FIELD_NUMBER: _ClassVar[int]
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    uuid: int
    plaintext: bool
    token: str
    failed: _containers.RepeatedScalarFieldContainer[str]
    device: str
    def __init__(self, uuid: _Optional[int] = ..., plaintext: _Optional[bool] = ..., token: _Optional[str] = ..., failed: _Optional[_Iterable[str]] = ..., device: _Optional[str] = ...) -> None: ...

class Address(_message.Message):
    __slots__ = ("host", "port")
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    host: str
    port: int
    def __init__(self, host: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class AllocateResponse(_message.Message):
    __slots__ = ("error", "message", "host", "port", "token", "resources_host", "resources_port", "resources_http_port", "resources_error", "others")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_HOST_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_PORT_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_HTTP_PORT_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_ERROR_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    host: str
    port: int
    token: str
    resources_host: str
    resources_port: int
    resources_http_port: int
    resources_error: int
    others: _containers.RepeatedCompositeFieldContainer[Address]
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ..., host: _Optional[str] = ..., port: _Optional[int] = ..., token: _Optional[str] = ..., resources_host: _Optional[str] = ..., resources_port: _Optional[int] = ..., resources_http_port: _Optional[int] = ..., resources_error: _Optional[int] = ..., others: _Optional[_Iterable[_Union[Address, _Mapping]]] = ...) -> None: ...

class AllocateAllRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[AllocateRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[AllocateRequest, _Mapping]]] = ...) -> None: ...

class AllocateAllResponse(_message.Message):
    __slots__ = ("error", "message", "responses")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    responses: _containers.RepeatedCompositeFieldContainer[AllocateResponse]
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ..., responses: _Optional[_Iterable[_Union[AllocateResponse, _Mapping]]] = ...) -> None: ...

class CheckRequest(_message.Message):
    __slots__ = ("uuid", "token")
    UUID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    uuid: int
    token: str
    def __init__(self, uuid: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class CheckResponse(_message.Message):
    __slots__ = ("error", "message")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class SignedInRequest(_message.Message):
    __slots__ = ("email", "username", "name", "kind", "address", "at_ms")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    email: str
    username: str
    name: str
    kind: str
    address: str
    at_ms: int
    def __init__(self, email: _Optional[str] = ..., username: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[str] = ..., address: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class MailRequest(_message.Message):
    __slots__ = ("email", "strong")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    STRONG_FIELD_NUMBER: _ClassVar[int]
    email: str
    strong: bool
    def __init__(self, email: _Optional[str] = ..., strong: _Optional[bool] = ...) -> None: ...

class MailResponse(_message.Message):
    __slots__ = ("error", "message")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class Pushes(_message.Message):
    __slots__ = ("frames", "lengths", "hops", "counts", "users", "groups", "versions")
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    HOPS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    frames: bytes
    lengths: _containers.RepeatedScalarFieldContainer[int]
    hops: _containers.RepeatedScalarFieldContainer[int]
    counts: _containers.RepeatedScalarFieldContainer[int]
    users: _containers.RepeatedScalarFieldContainer[int]
    groups: _containers.RepeatedScalarFieldContainer[int]
    versions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, frames: _Optional[bytes] = ..., lengths: _Optional[_Iterable[int]] = ..., hops: _Optional[_Iterable[int]] = ..., counts: _Optional[_Iterable[int]] = ..., users: _Optional[_Iterable[int]] = ..., groups: _Optional[_Iterable[int]] = ..., versions: _Optional[_Iterable[int]] = ...) -> None: ...

class News(_message.Message):
    __slots__ = ("users", "logins", "everything", "beside")
    USERS_FIELD_NUMBER: _ClassVar[int]
    LOGINS_FIELD_NUMBER: _ClassVar[int]
    EVERYTHING_FIELD_NUMBER: _ClassVar[int]
    BESIDE_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedScalarFieldContainer[int]
    logins: _containers.RepeatedScalarFieldContainer[int]
    everything: bool
    beside: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, users: _Optional[_Iterable[int]] = ..., logins: _Optional[_Iterable[int]] = ..., everything: _Optional[bool] = ..., beside: _Optional[_Iterable[int]] = ...) -> None: ...

class Resync(_message.Message):
    __slots__ = ("all", "users", "groups")
    ALL_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    all: bool
    users: _containers.RepeatedScalarFieldContainer[int]
    groups: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, all: _Optional[bool] = ..., users: _Optional[_Iterable[int]] = ..., groups: _Optional[_Iterable[int]] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("sequence", "resync", "node", "incarnation", "to", "bye", "pushes", "news", "acknowledge", "devices")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    RESYNC_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    BYE_FIELD_NUMBER: _ClassVar[int]
    PUSHES_FIELD_NUMBER: _ClassVar[int]
    NEWS_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGE_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    resync: Resync
    node: str
    incarnation: str
    to: str
    bye: bool
    pushes: Pushes
    news: News
    acknowledge: bool
    devices: bool
    def __init__(self, sequence: _Optional[int] = ..., resync: _Optional[_Union[Resync, _Mapping]] = ..., node: _Optional[str] = ..., incarnation: _Optional[str] = ..., to: _Optional[str] = ..., bye: _Optional[bool] = ..., pushes: _Optional[_Union[Pushes, _Mapping]] = ..., news: _Optional[_Union[News, _Mapping]] = ..., acknowledge: _Optional[bool] = ..., devices: _Optional[bool] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("sequence", "incarnation", "groups")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    incarnation: str
    groups: bool
    def __init__(self, sequence: _Optional[int] = ..., incarnation: _Optional[str] = ..., groups: _Optional[bool] = ...) -> None: ...

class EndSessionRequest(_message.Message):
    __slots__ = ("uuid", "session", "message", "device")
    UUID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    uuid: int
    session: str
    message: str
    device: str
    def __init__(self, uuid: _Optional[int] = ..., session: _Optional[str] = ..., message: _Optional[str] = ..., device: _Optional[str] = ...) -> None: ...

class EndSessionResponse(_message.Message):
    __slots__ = ("error", "message", "ended")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    ended: bool
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ..., ended: _Optional[bool] = ...) -> None: ...

class AnnounceRequest(_message.Message):
    __slots__ = ("file_id",)
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    file_id: bytes
    def __init__(self, file_id: _Optional[bytes] = ...) -> None: ...

class AnnounceResponse(_message.Message):
    __slots__ = ("error", "message")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class AnnounceLiveRequest(_message.Message):
    __slots__ = ("stream_id",)
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    stream_id: bytes
    def __init__(self, stream_id: _Optional[bytes] = ...) -> None: ...

class EndRequest(_message.Message):
    __slots__ = ("stream_id",)
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    stream_id: bytes
    def __init__(self, stream_id: _Optional[bytes] = ...) -> None: ...

class EndResponse(_message.Message):
    __slots__ = ("error", "message")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class ProbeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ProbeResponse(_message.Message):
    __slots__ = ("error", "message", "incarnation", "unfit")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    UNFIT_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    incarnation: str
    unfit: str
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ..., incarnation: _Optional[str] = ..., unfit: _Optional[str] = ...) -> None: ...

class DrainRequest(_message.Message):
    __slots__ = ("seconds",)
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    seconds: float
    def __init__(self, seconds: _Optional[float] = ...) -> None: ...

class DrainResponse(_message.Message):
    __slots__ = ("error", "message", "connections")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    error: int
    message: str
    connections: int
    def __init__(self, error: _Optional[int] = ..., message: _Optional[str] = ..., connections: _Optional[int] = ...) -> None: ...
