"""Versions of what can change, as `ETag` (RFC 9110): read only what is new, change only what one has read.

A tag is strong: the same tag is the same answer, byte for byte, so `If-Match` may rely on it.
"""

import hashlib
import re
from typing import Annotated, Any, TypeVar

import msgspec
from litestar.params import HeaderParameter
from litestar.response import Response

from carbonfin.web.problems import EdgeProblem

ETAG = "ETag"
IF_MATCH = "If-Match"
IF_NONE_MATCH = "If-None-Match"
_ANY = "*"
_NOT_MODIFIED = 304
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
S = TypeVar("S", bound=msgspec.Struct)

IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(name=IF_NONE_MATCH, description="Tags one has; where one is still right, the answer is 304."),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name=IF_MATCH, description="The ETag of what was read; where it has changed meanwhile, nothing is done."
    ),
]


def version_tag(version: int) -> str:
    """Give the tag of a counted version; the address says of what."""
    return f'"v{version}"'


def content_tag(body: msgspec.Struct) -> str:
    """Give the tag of an answer that has no version of its own: the digest of what it says."""
    return f'"{hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:32]}"'


def tagged(body: S, if_none_match: str | None, *, tag: str | None = None) -> Response[S]:
    """Answer with a tag, or that the caller's own copy is still right.

    Args:
        body: The answer.
        if_none_match: The header; a weak tag counts as its strong one, as the standard says for reading.
        tag: The version's tag; left out, that of the content.
    """
    tag = tag or content_tag(body)
    headers = {ETAG: tag, "Cache-Control": "private, no-cache"}
    if if_none_match is not None and _names(if_none_match, tag, weak=True):
        unchanged: Response[Any] = Response(None, status_code=_NOT_MODIFIED, headers=headers)
        return unchanged
    return Response(body, headers=headers)


def require_match(if_match: str | None, *, tag: str) -> None:
    """See that the caller has read the version that stands.

    Raises:
        EdgeProblem: No version was named, or another one stands.
    """
    if if_match is None:
        raise EdgeProblem(
            "precondition-required",
            f"say by {IF_MATCH} which version was read",
            zh=f"须以 {IF_MATCH} 请求头注明所依据的版本",
            field=IF_MATCH,
        )
    refuse_other(if_match, tag=tag)


def refuse_other(if_match: str | None, *, tag: str) -> None:
    """See that the version that stands is the one the caller names, if one is named.

    Raises:
        EdgeProblem: Another version stands.
    """
    if if_match is not None and not _names(if_match, tag, weak=False):
        raise EdgeProblem(
            "precondition-failed",
            f"{if_match[:100]} is not the version that stands, {tag}",
            zh=f"当前版本为 {tag}，与 {IF_MATCH} 所注明的不同",
            field=IF_MATCH,
            headers={ETAG: tag},
        )


def _names(header: str, tag: str, *, weak: bool) -> bool:
    if header.strip() == _ANY:
        return True
    return any(found.group(2) == tag and (weak or found.group(1) is None) for found in _TAG.finditer(header))
