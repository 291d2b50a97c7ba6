"""Digests and signatures: published examples fit, changed ones do not; SM2 signatures have their full length."""

import base64
from itertools import count

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from carbonfin.kernel import cryptography
from carbonfin.kernel.cryptography import (
    ECDSA,
    SM2,
    EcdsaSigner,
    KeyRing,
    Sm2Signer,
    new_ecdsa_pem,
    signature_fits,
    sm3_hex,
)
from carbonfin.kernel.errors import InvalidInput

SIGNER = Sm2Signer(bytes(range(1, 33)))


def _with_leading_zero() -> tuple[bytes, str]:
    """Give a message and its signature of which r or s begins with zeros, as in one of 128."""
    signed = ((message, SIGNER.sign(message)) for message in (b"%d" % number for number in count()))
    return next((message, text) for message, text in signed if _is_short(base64.b64decode(text)))


def _is_short(content: bytes) -> bool:
    assert len(content) == 64
    return 0 in {content[0], content[32]}


def test_an_sm2_signature_with_a_leading_zero_fits() -> None:
    message, signature = _with_leading_zero()
    assert signature_fits(algorithm=SM2, public_key=SIGNER.public_key, message=message, signature=signature)
    assert not signature_fits(algorithm=SM2, public_key=SIGNER.public_key, message=b"x", signature=signature)


def _ecdsa_key() -> str:
    """Give the public key of RFC 6979, appendix A.2.5 (P-256), as PEM."""
    numbers = ec.EllipticCurvePublicNumbers(
        x=0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
        y=0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299,
        curve=ec.SECP256R1(),
    )
    return numbers.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()  # fmt: skip


def _der(r: str, s: str) -> bytes:
    return utils.encode_dss_signature(int(r, 16), int(s, 16))


# RFC 6979, appendix A.2.5, SHA-256; GB/T 32918.5-2017, appendix A.2, on the recommended curve with the usual identity.
PUBLISHED = [
    (
        ECDSA, _ecdsa_key(), b"sample",
        _der(
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
    ),
    (
        ECDSA, _ecdsa_key(), b"test",
        _der(
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        ),
    ),
    (
        SM2,
        ("0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
        "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"),
        b"message digest",
        bytes.fromhex(
            "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
            "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("algorithm", "public_key", "message", "content"), PUBLISHED)
def test_published_signatures_fit_and_changed_ones_do_not(
    algorithm: str, public_key: str, message: bytes, content: bytes
) -> None:
    def fits(said: bytes, signed: bytes) -> bool:
        signature = base64.b64encode(signed).decode()
        return signature_fits(algorithm=algorithm, public_key=public_key, message=said, signature=signature)

    assert fits(message, content)
    assert not fits(message + b".", content)
    assert not fits(message, content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InvalidInput):
        signature_fits(algorithm="none", public_key=public_key, message=message, signature="")


def test_the_public_half_of_the_published_sm2_key_is_the_published_one() -> None:
    signer = Sm2Signer(bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"))
    assert signer.public_key.upper().removeprefix("04") == PUBLISHED[2][1].removeprefix("04")


def test_a_new_signing_key_is_on_p256_and_never_twice_the_same() -> None:
    signers = [EcdsaSigner.from_pem(new_ecdsa_pem()) for _ in range(3)]
    assert len({one.key_id for one in signers}) == 3
    foreign = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(InvalidInput):
        EcdsaSigner.from_pem(foreign)


def test_sm3_gives_the_published_digests() -> None:
    # GB/T 32905-2016, appendix A.
    assert sm3_hex(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3_hex(b"abcd" * 16) == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_encryption_gives_the_published_vector_of_aes_256_gcm(monkeypatch: pytest.MonkeyPatch) -> None:
    """McGrew and Viega, The Galois/Counter Mode of Operation, test case 15."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
    )
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    sealed = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
        "b094dac5d93471bdec1a502270e3cc6c"
    )
    monkeypatch.setattr(cryptography, "_derived", lambda *_: key)
    text = KeyRing(secrets=(bytes(32),)).encrypt("authenticator", plain, about="", nonce=nonce)
    assert base64.b64decode(text) == nonce + sealed


_OLD, _NEW, _OTHER = (bytes([number]) * 32 for number in (1, 2, 3))


def _encrypted(ring: KeyRing) -> str:
    return ring.encrypt("authenticator", b"JBSWY3DPEHPK3PXP", about="person-1", nonce=bytes(range(12)))


def test_what_an_older_secret_encrypted_is_still_read() -> None:
    text = _encrypted(KeyRing(secrets=(_OLD,)))
    turned = KeyRing(secrets=(_NEW, _OLD))
    assert turned.decrypt("authenticator", text, about="person-1") == b"JBSWY3DPEHPK3PXP"
    assert KeyRing(secrets=(_NEW, _OTHER)).decrypt("authenticator", text, about="person-1") is None


def test_what_was_changed_or_is_about_another_is_not_decrypted() -> None:
    ring = KeyRing(secrets=(_NEW,))
    text = _encrypted(ring)
    assert ring.decrypt("authenticator", text, about="person-2") is None
    assert ring.decrypt("token", text, about="person-1") is None
    content = base64.b64decode(text)
    for place in range(len(content)):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert ring.decrypt("authenticator", base64.b64encode(changed).decode(), about="person-1") is None, place
    for short in ("", "no base64!", text[:8]):
        assert ring.decrypt("authenticator", short, about="person-1") is None
