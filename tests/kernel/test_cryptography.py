"""Signatures: each of SM2 has its full length and fits, those with leading zeros too."""

import base64
from itertools import count

from carbonfin.kernel.cryptography import SM2, Sm2Signer, signature_fits

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
