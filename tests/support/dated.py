"""Certificates for 127.0.0.1 and localhost that are good for as long as a test wants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from imsys.config import TlsConfig
from imsys.security.certificates import SERVER_LIFE, Authority


def dated(folder: Path, left: timedelta, name: str = "server") -> TlsConfig:
    """A certificate that expires after so long (before now, if that is negative), of an authority that is
    good for years.

    The authority's key is not beside its certificate, as of one that is not ours: what it has signed is not
    renewed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority, private = folder / "ca.pem", folder / "authority.key"
    began = datetime.now(UTC) + left - SERVER_LIFE
    if not authority.exists():
        Authority.make("test CA", began).save(authority, private)
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    Authority.read(authority, private).issue(name, (), began, certificate, key)
    return TlsConfig(certificate=str(certificate), key=str(key), ca=str(authority))
