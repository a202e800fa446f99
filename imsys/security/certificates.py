"""Make and check certificates, for development and for authentication between servers.

They are ECDSA on P-256. Private keys have owner-only access, and files are replaced atomically.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from imsys.config import Config, TlsConfig
from imsys.errors import ConfigError

AUTHORITY_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=825)
"""The longest life that the strictest clients accept of an explicitly trusted certificate."""

RENEWAL = timedelta(days=30)
"""Remaining life below which operators are warned, and development certificates are renewed at the next
start."""

LOCAL = ("127.0.0.1", "::1", "localhost")
"""Hosts for which every certificate of ours is valid."""


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, name: str, now: datetime) -> Authority:
        """Make a new authority.

        :param now: the time in UTC from which it is valid.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name)
        certificate = (
            _begin(subject, subject, key.public_key(), now, AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def read(cls, certificate: Path, key: Path) -> Authority:
        """Read an authority from two PEM files.

        :raises ConfigError: one cannot be read, or is invalid.
        """
        try:
            private = serialization.load_pem_private_key(key.read_bytes(), None)
            if not isinstance(private, ec.EllipticCurvePrivateKey):
                raise ConfigError(f"{key}: is not an ECDSA key")
            return cls(x509.load_pem_x509_certificate(certificate.read_bytes()), private)
        except OSError as error:
            raise ConfigError(f"{error.filename}: cannot be read: {error.strerror}") from None
        except (ValueError, TypeError):
            raise ConfigError(
                f"{certificate} and {key}: are not a certificate and its private key in PEM"
            ) from None

    def save(self, certificate: Path, key: Path) -> None:
        """Write both PEM files."""
        _write(key, _key_pem(self.key), 0o600)
        _write(certificate, self.certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def issue(self, name: str, hosts: Iterable[str], now: datetime, certificate: Path, key: Path) -> None:
        """Issue a certificate by which a server authenticates to clients and, as a client, to servers.

        :param hosts: host names and IP addresses, in addition to :data:`LOCAL`.
        :raises ConfigError: a host is invalid, or a file cannot be written.
        """
        private = ec.generate_private_key(ec.SECP256R1())
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        life = min(SERVER_LIFE, self.certificate.not_valid_after_utc - now)
        made = (
            _begin(_subject(name), self.certificate.subject, private.public_key(), now, life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both), critical=False)
            .add_extension(
                x509.SubjectAlternativeName(
                    [_general_name(host) for host in dict.fromkeys((*LOCAL, *hosts))]
                ),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )
        _write(key, _key_pem(private), 0o600)
        _write(certificate, made.public_bytes(serialization.Encoding.PEM), 0o644)


def ensure_development(tls: TlsConfig, hosts: Iterable[str], now: datetime) -> bool:
    """Make the development certificates of the public ports if missing or soon to expire.

    Return whether any were made.

    The key of the development authority is beside its certificate; without it existing files are not touched,
    since they are not ours.

    :raises ConfigError: only some of the files exist, or one cannot be written.
    """
    certificate, key, ca = Path(tls.certificate), Path(tls.key), Path(tls.ca)
    authority_key = ca.with_suffix(".key")
    if certificate.exists() != key.exists():
        missing, there = (key, certificate) if certificate.exists() else (certificate, key)
        raise ConfigError(f"[tls]: there is {there} but not {missing}")
    if certificate.exists() and (not authority_key.exists() or _left(certificate, now) > RENEWAL):
        return False
    if authority_key.exists() and ca.exists() and _left(ca, now) > RENEWAL:
        authority = Authority.read(ca, authority_key)
    elif ca.exists() and not authority_key.exists():
        raise ConfigError(
            f"[tls] ca: {ca} is there, but no certificate at {certificate} and no {authority_key} to make one with"
        )
    else:
        authority = Authority.make("imsys development CA", now)
        authority.save(ca, authority_key)
    authority.issue("imsys development server", hosts, now, certificate, key)
    return True


def cluster_authority(folder: Path, now: datetime) -> Authority:
    """Return the cluster's authority in ``ca.pem`` and ``ca.key`` of a folder; make it if it is missing.

    :raises ConfigError: the files cannot be read or written.
    """
    certificate, key = folder / "ca.pem", folder / "ca.key"
    if certificate.exists() or key.exists():
        return Authority.read(certificate, key)
    authority = Authority.make("imsys cluster CA", now)
    authority.save(certificate, key)
    return authority


@dataclass(frozen=True, slots=True)
class End:
    """The expiry of a file of certificates.

    :param what: section and key of the file.
    """

    what: str
    path: str
    when: datetime

    def left(self, now: datetime) -> timedelta:
        """Return the remaining time; negative: it has expired."""
        return self.when - now

    def __str__(self) -> str:
        return f"{self.what}: {self.path} {{}} on {self.when:%Y-%m-%d %H:%M} UTC"


def end_of(what: str, path: str) -> End:
    """Return the expiry of a file: of a chain, that of the first certificate or its signer.

    Of authorities, the latest.

    :raises ConfigError: the file cannot be read, or is not a certificate.
    """
    return _end(what, path, _certificates(path))


def end_of_bytes(what: str, where: str, certificate: bytes) -> End:
    """Return the expiry of a DER certificate that a server presented. :raises ValueError: it is invalid."""
    return _end(what, where, [x509.load_der_x509_certificate(certificate)])


def _end(what: str, path: str, certificates: list[x509.Certificate]) -> End:
    first, *others = certificates
    if _is_authority(first):
        return End(what, path, max(one.not_valid_after_utc for one in (first, *others)))
    signers = [one for one in others if one.subject == first.issuer]
    # an old one may be beside its successor
    signed = max((one.not_valid_after_utc for one in signers), default=first.not_valid_after_utc)
    return End(what, path, min(first.not_valid_after_utc, signed))


def ends_of(config: Config, *, public: bool = True) -> list[End]:
    """Return the expiries of a configuration's existing certificates: public ports, cluster, database's CA.

    :param public: whether to include those of the public ports.
    :raises ConfigError: one cannot be read, or is invalid.
    """
    database = config.database.tls_ca if config.database.engine == "mysql" else ""
    named = [
        ("[tls] certificate", config.tls.certificate if public else ""),
        ("[tls] ca", config.tls.ca if public and _has_signed(config.tls.ca, config.tls.certificate) else ""),
        ("[cluster] certificate", config.cluster.certificate),
        ("[cluster] ca", config.cluster.ca),
        ("[database] tls_ca", database),
    ]
    return [end_of(what, path) for what, path in named if path and os.path.exists(path)]


def soon_over(ends: Iterable[End], now: datetime) -> list[str]:
    """Return a line for each certificate that expires within :data:`RENEWAL`.

    :raises ConfigError: one has expired.
    """
    found = [end for end in ends if end.left(now) <= RENEWAL]
    for end in found:
        if end.left(now) <= timedelta():
            raise ConfigError(str(end).format("has expired"))
    return [f"{str(end).format('expires')}, in {days_left(end, now)}" for end in found]


def days_left(end: End, now: datetime) -> str:
    """Format the remaining life of a certificate."""
    days = end.left(now).days
    return f"{days} days" if days != 1 else "1 day"


def belong_together(certificate: bytes, key: bytes) -> bool:
    """Return whether these are a certificate and its private key, both in PEM."""
    try:
        public = x509.load_pem_x509_certificates(certificate)[0].public_key()
        return bool(serialization.load_pem_private_key(key, None).public_key() == public)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _has_signed(ca: str, certificate: str) -> bool:
    """Return whether both files exist and the CA signed the certificate (it may be left over)."""
    if not (os.path.exists(ca) and os.path.exists(certificate)):
        return False
    issuer = _certificates(certificate)[0].issuer
    return any(one.subject == issuer for one in _certificates(ca))


def _certificates(path: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"{path}: is not a certificate in PEM") from None


def _left(certificate: Path, now: datetime) -> timedelta:
    return end_of("", str(certificate)).left(now)


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # for machines whose clocks are a little behind
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not re.fullmatch(r"(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", name):
        raise ConfigError(f"{host!r} is neither a host name nor an IP address")
    return x509.DNSName(name)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with open(descriptor, "wb") as file:
                os.chmod(temporary, mode)
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None
