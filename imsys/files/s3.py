"""S3 object storage: one store for all resources servers, by boto3 (extra ``s3``).

``S3Store(config.files)`` is a :class:`~imsys.files.blobs.BlobStore`. All methods block, for a few times
``s3_timeout`` if the storage does not answer: call them in threads; concurrent calls are allowed. Errors are
``OSError``; errors of the configuration are raised by the constructor or :meth:`S3Store.open`.

A file larger than a part is uploaded in parts, a few at a time, each read from the spool while it is sent. If
that fails, the upload is aborted; :meth:`S3Store.tidy` finds uploads left by a crash. Objects never change,
so an interrupted read continues where it was. Files are sealed (:mod:`imsys.files.sealing`), so any wrong
byte is detected.
"""

from __future__ import annotations

import contextlib
import email.utils
import errno
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imsys.config import FilesConfig
from imsys.errors import ConfigError
from imsys.files.blobs import Blob, file_of

try:
    import boto3
    from boto3.exceptions import Boto3Error
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # reported by the constructor, if it is configured
    boto3 = None  # type: ignore[assignment]
else:
    _FAULTS = (BotoCoreError, ClientError, Boto3Error)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = "s3"
"""The name of this store in the database."""

LEFTOVER = 86400.0
"""Seconds after which an unfinished multipart upload is abandoned."""

_TRIES = 3
_PARTS_AT_ONCE = 4
_BLOCK = 1 << 18
_FULL = {"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"}


class S3Store:
    """A bucket, or the objects in it whose names begin with ``s3_prefix``.

    :param leftover: see :data:`LEFTOVER`.
    """

    name = NAME

    def __init__(self, files: FilesConfig, *, leftover: float = LEFTOVER) -> None:
        """:raises ConfigError: it cannot be used with these settings."""
        if boto3 is None:
            raise ConfigError(
                "[files] store: s3 needs boto3, which is not installed: pip install 'imsys[s3]'"
            )
        if not files.s3_bucket:
            raise ConfigError("[files] s3_bucket: store s3 needs one")
        if bool(files.s3_access_key) != bool(files.s3_secret_key):
            raise ConfigError(
                "[files] s3_access_key and s3_secret_key belong together: give both, or none for those that boto3 finds"
            )
        if files.s3_endpoint and not _is_endpoint(files.s3_endpoint):
            raise ConfigError(
                "[files] s3_endpoint: allowed is a URL like https://s3.example.org, without user or path"
            )
        self._files = files
        self._bucket, self._prefix = files.s3_bucket, files.s3_prefix
        self._leftover = leftover
        self._transfer = TransferConfig(
            multipart_threshold=files.s3_part,
            multipart_chunksize=files.s3_part,
            max_concurrency=_PARTS_AT_ONCE,
            preferred_transfer_client="classic",
        )
        try:
            self._client = self._connected()
        except (ValueError, OSError, *_FAULTS) as error:
            raise ConfigError(f"[files] s3: {_line(error)}") from None

    def _connected(self) -> S3Client:
        files = self._files
        return boto3.session.Session(
            aws_access_key_id=files.s3_access_key or None,
            aws_secret_access_key=files.s3_secret_key or None,
            region_name=files.s3_region,
        ).client(
            "s3",
            endpoint_url=files.s3_endpoint or None,
            verify=files.s3_ca or None,
            config=Config(
                signature_version="s3v4",
                connect_timeout=min(5.0, files.s3_timeout),
                read_timeout=files.s3_timeout,
                retries={"mode": "standard", "total_max_attempts": _TRIES},
                max_pool_connections=64,
                s3={"addressing_style": files.s3_addressing},  # type: ignore[arg-type]
                # trailing checksums are known to Amazon only; the sealed data have their own
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def open(self) -> None:
        """Check the bucket.

        :raises ConfigError: it is missing or not accessible, or the storage does not answer.
        """
        where = f"at {self._files.s3_endpoint or 'Amazon'}"
        try:
            self._client.head_bucket(Bucket=self._bucket)
            self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)
        except ClientError as error:
            status = _status(error)
            if status == 404:
                raise ConfigError(f"[files] s3_bucket: there is no bucket {self._bucket} {where}") from None
            if status in (301, 400):
                raise ConfigError(
                    f"[files] s3_region: the bucket {self._bucket} {where} is not in {self._files.s3_region}"
                ) from None
            if status in (401, 403):
                raise ConfigError(
                    f"[files] s3_access_key: it may not use the bucket {self._bucket} {where}"
                ) from None
            raise ConfigError(f"[files] s3_endpoint: the storage {where} answers {_line(error)}") from None
        except _FAULTS as error:
            raise ConfigError(
                f"[files] s3_endpoint: the storage {where} cannot be used: {_line(error)}"
            ) from None

    def keep(self, spooled: Path, name: str) -> None:
        """Upload a file, unless it is there, and remove it from the spool.

        :raises OSError: it stays in the spool.
        """
        try:
            size = spooled.stat().st_size
        except FileNotFoundError:
            if self._size(name) is None:
                raise
            return  # a crash came in between
        if self._size(name) != size:
            with _as_os_error(f"{name} cannot be stored"):
                self._client.upload_file(str(spooled), self._bucket, self._key(name), Config=self._transfer)
        spooled.unlink(missing_ok=True)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read with one request, or more if it is interrupted."""
        found = bytearray()
        for left in reversed(range(_TRIES)):
            before = len(found)
            try:
                with _as_os_error(f"{name} cannot be read"):
                    self._read(found, name, offset, length)
                break
            except FileNotFoundError:
                raise
            except OSError:
                if not left or len(found) == before:  # without any data, the library has retried already
                    raise
        return bytes(found)

    def _read(self, found: bytearray, name: str, offset: int, length: int) -> None:
        """Read the missing bytes and add them to ``found``."""
        if len(found) >= length:
            return
        span = f"bytes={offset + len(found)}-{offset + length - 1}"
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(name), Range=span)
        except ClientError as error:
            if _status(error) == 416:  # beyond the end
                return
            raise
        with contextlib.closing(answer["Body"]) as body:
            # some storages and proxies ignore ranges, and send the whole object
            while len(found) < length and (block := body.read(min(_BLOCK, length - len(found)))):
                found += block

    def delete(self, name: str) -> None:
        """Remove the object."""
        with _as_os_error(f"{name} cannot be removed"):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def blobs(self) -> Iterator[Blob]:
        """List the objects, a thousand per request."""
        with _as_os_error("the objects cannot be listed"):
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            ):
                for entry in page.get("Contents", ()):
                    if (name := self._name(entry["Key"])) is not None:
                        yield Blob(name, entry["Size"], entry["LastModified"].timestamp())

    def tidy(self) -> None:
        """Abort multipart uploads left by a crash; they cost money and are not listed as objects."""
        with _as_os_error("broken uploads cannot be removed"), _where_known():
            for page in self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            ):
                now = _date(page)
                for upload in page.get("Uploads", ()):
                    old = now is not None and upload["Initiated"].timestamp() <= now - self._leftover
                    if old and self._name(upload["Key"]) is not None:
                        self._client.abort_multipart_upload(
                            Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )

    def free(self) -> None:
        """Return ``None``: the free space is unknown."""

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _name(self, key: str) -> str | None:
        """Return the blob's name; ``None``: the object is foreign (the bucket may be shared)."""
        name = key.removeprefix(self._prefix)
        return name if file_of(name) is not None else None

    def _size(self, name: str) -> int | None:
        """Return the bytes of an object; ``None``: there is none."""
        try:
            with _as_os_error(f"{name} cannot be looked for"):
                return self._client.head_object(Bucket=self._bucket, Key=self._key(name))["ContentLength"]
        except FileNotFoundError:
            return None


@contextlib.contextmanager
def _where_known() -> Iterator[None]:
    """Ignore that some storages do not have a call, which is then not needed."""
    try:
        yield
    except ClientError as error:
        if _status(error) not in (405, 501):
            raise


@contextlib.contextmanager
def _as_os_error(what: str) -> Iterator[None]:
    """Convert errors to :class:`OSError`, with texts without keys or signatures."""
    try:
        yield
    except _FAULTS as error:
        cause = next((one for one in (error, error.__context__) if isinstance(one, ClientError)), None)
        text = f"object storage: {what}: {_line(cause or error)}"
        if cause is not None and _status(cause) == 404 and _code(cause) != "NoSuchBucket":
            raise FileNotFoundError(errno.ENOENT, text) from None
        if cause is not None and (_status(cause) == 507 or _code(cause) in _FULL):
            raise OSError(errno.ENOSPC, text) from None
        raise OSError(errno.EIO, text) from None


def _line(error: Exception) -> str:
    if isinstance(error, ClientError):
        return f"{_code(error)} (HTTP {_status(error)})"
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))[:64]


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _date(page: Any) -> float | None:
    """Return the storage's present time, to compare with its dates."""
    date = page["ResponseMetadata"]["HTTPHeaders"].get("date")
    return None if date is None else email.utils.parsedate_to_datetime(date).timestamp()


def _is_endpoint(url: str) -> bool:
    """Return whether it is a plain URL; a password in it would get into logs."""
    parts = urllib.parse.urlsplit(url)
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and parts.path in ("", "/")
    )
