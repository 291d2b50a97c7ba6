"""Every algorithm the product uses, in one place: digests, keys derived for a purpose, encryption, signatures.

TLS belongs to the proxy. Passwords are argon2id (`carbonfin.storage.parties`); tokens are HS256 over a derived key.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Protocol

import gmalg
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from carbonfin.kernel.errors import InvalidInput

ECDSA = "ECDSA-P256-SHA256"
SM2 = "SM2-SM3"
_SM2_IDENTITY = b"1234567812345678"  # GM/T 0009-2012: the identity where none is agreed
_WORD = 32
NONCE_BYTES = 12


def sha256_hex(content: bytes) -> str:
    """Give the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sm3_hex(content: bytes) -> str:
    """Give the SM3 (GB/T 32905-2016) of bytes in hexadecimal."""
    return hashlib.new("sm3", content).hexdigest()


def mac_hex(key: bytes, message: bytes) -> str:
    """Give the HMAC-SHA256 of a message under a key shared with another system, in hexadecimal."""
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def mac_fits(key: bytes, message: bytes, mac: str) -> bool:
    """Whether a message carries the HMAC-SHA256 of a shared key; takes the same time either way."""
    return hmac.compare_digest(mac_hex(key, message).encode(), mac.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The secrets of this installation, the one in use first; older ones only check what was sealed before.

    A key is never used for two purposes: each purpose has its own, HMAC-SHA256(secret, "carbonfin:" + purpose).
    """

    secrets: tuple[bytes, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.secrets or any(len(secret) < _WORD for secret in self.secrets):
            raise InvalidInput("each secret has at least 32 bytes", zh="每个密钥至少 32 字节", field="secret")

    def key_for(self, purpose: str) -> bytes:
        """Give the key in use for a purpose."""
        return _derived(self.secrets[0], purpose)

    def keys_for(self, purpose: str) -> tuple[bytes, ...]:
        """Give every key that may have sealed something for a purpose, the one in use first."""
        return tuple(_derived(secret, purpose) for secret in self.secrets)

    def seal(self, purpose: str, text: str) -> str:
        """Give the HMAC-SHA256 of a text for a purpose, in hexadecimal."""
        return _mac(self.key_for(purpose), text)

    def fits(self, purpose: str, text: str, seal: str) -> bool:
        """Whether a seal is ours, with the secret in use or an older one; takes the same time either way."""
        found = [hmac.compare_digest(_mac(key, text).encode(), seal.encode()) for key in self.keys_for(purpose)]
        return any(found)

    def encrypt(self, purpose: str, content: bytes, *, about: str, nonce: bytes) -> str:
        """Give content encrypted by AES-256-GCM under the key of a purpose, bound to what it is about, in base64."""
        assert len(nonce) == NONCE_BYTES, "twelve random bytes, never used before"
        sealed = AESGCM(self.key_for(purpose)).encrypt(nonce, content, about.encode())
        return base64.b64encode(nonce + sealed).decode()

    def decrypt(self, purpose: str, text: str, *, about: str) -> bytes | None:
        """Give what was encrypted under the secret in use or an older one; None where it is not ours or was changed."""
        try:
            sealed = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return None
        for key in self.keys_for(purpose):
            try:
                return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
            except (InvalidTag, ValueError):
                continue
        return None


class Signer(Protocol):
    """Signs with a key that never leaves it: a file's here, a hardware module's behind the same port."""

    @property
    def algorithm(self) -> str:
        """The algorithm's name as `signature_fits` knows it."""

    @property
    def key_id(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the public key."""

    @property
    def public_key(self) -> str:
        """The public key as text, enough to check a signature elsewhere."""

    def sign(self, message: bytes) -> str:
        """Give the signature in base64."""


class EcdsaSigner:
    """ECDSA on P-256 with SHA-256; the public key is PEM."""

    algorithm = ECDSA

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._private_key = private_key
        self.public_key = (
            private_key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )
        self.key_id = _key_id(self.public_key)

    @classmethod
    def from_pem(cls, text: bytes) -> "EcdsaSigner":
        """Read a private key from PEM.

        Raises:
            InvalidInput: It is no P-256 private key.
        """
        try:
            key = serialization.load_pem_private_key(text, password=None)
        except (ValueError, TypeError) as error:
            raise _no_key("not a private key in PEM") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise _no_key("not a key on P-256")
        return cls(key)

    def sign(self, message: bytes) -> str:
        """Give the signature in base64 (DER inside)."""
        return base64.b64encode(self._private_key.sign(message, ec.ECDSA(hashes.SHA256()))).decode()


class Sm2Signer:
    """SM2 with SM3 (GB/T 32918.2-2016); the public key is the uncompressed point in hexadecimal."""

    algorithm = SM2

    def __init__(self, private_key: bytes) -> None:
        if len(private_key) != _WORD:
            raise _no_key("an SM2 private key has 32 bytes")
        self._private_key = private_key
        self.public_key = gmalg.SM2(private_key).generate_pk(private_key).hex()
        self.key_id = _key_id(self.public_key)

    def sign(self, message: bytes) -> str:
        """Give r and s, 32 bytes each, in base64."""
        signer = gmalg.SM2(self._private_key, _SM2_IDENTITY, bytes.fromhex(self.public_key))
        # The library leaves leading zeros out, which in one signature of 128 makes r or s shorter.
        return base64.b64encode(b"".join(part.rjust(_WORD, b"\0") for part in signer.sign(message))).decode()


def signer_from(text: bytes) -> Signer:
    """Read a signing key: a P-256 private key in PEM for ECDSA, or 64 hexadecimal digits for SM2.

    Raises:
        InvalidInput: It is neither.
    """
    plain = text.strip()
    if len(plain) == 2 * _WORD and all(digit in b"0123456789abcdefABCDEF" for digit in plain):
        return Sm2Signer(bytes.fromhex(plain.decode()))
    return EcdsaSigner.from_pem(plain)


def new_ecdsa_pem() -> bytes:
    """Make a fresh P-256 private key in PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signature_fits(*, algorithm: str, public_key: str, message: bytes, signature: str) -> bool:
    """Whether a signature over a message was made with the private half of a public key.

    Raises:
        InvalidInput: The algorithm or the public key is not one of ours.
    """
    try:
        content = base64.b64decode(signature, validate=True)
    except ValueError:
        return False
    if algorithm == ECDSA:
        return _ecdsa_fits(public_key, message, content)
    if algorithm == SM2:
        return _sm2_fits(public_key, message, content)
    raise InvalidInput(f"{algorithm!r} is no known signature algorithm", zh="签名算法未知", field="algorithm")


def _ecdsa_fits(public_key: str, message: bytes, signature: bytes) -> bool:
    try:
        key = serialization.load_pem_public_key(public_key.encode())
    except ValueError as error:
        raise _no_key("not a public key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _no_key("not a key on an elliptic curve")
    try:
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _sm2_fits(public_key: str, message: bytes, signature: bytes) -> bool:
    if len(signature) != 2 * _WORD:
        return False
    try:
        checker = gmalg.SM2(uid=_SM2_IDENTITY, pk=bytes.fromhex(public_key))
    except (ValueError, gmalg.errors.GMError) as error:
        raise _no_key("not a point on the SM2 curve") from error
    return bool(checker.verify(message, signature[:_WORD], signature[_WORD:]))


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.new(secret, b"carbonfin:" + purpose.encode(), hashlib.sha256).digest()


def _mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _key_id(public_key: str) -> str:
    return sha256_hex(public_key.encode())[:16]


def _no_key(why: str) -> InvalidInput:
    return InvalidInput(f"the key cannot be used: {why}", zh="密钥无法使用", field="key")
