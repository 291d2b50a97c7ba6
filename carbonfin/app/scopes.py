"""What a key or token may be issued for: one scope a part of the API, by the first word of an address under `/v1`."""

from collections.abc import Mapping

from carbonfin.app.access import plain_path

SCOPES: Mapping[str, str] = {
    "valuations": "pricing",
    "portfolios": "pricing",
    "market": "pricing",
    "forwards": "pricing",
    "fair-values": "pricing",
    "curves": "pricing",
    "options": "pricing",
    "volatility-surfaces": "pricing",
    "volatility-estimates": "pricing",
    "risk": "pricing",
    "stress-scenarios": "pricing",
    "trades": "pricing",
    "structured-values": "pricing",
    "model-values": "pricing",
    "compliance-values": "pricing",
    "pledges": "collateral",
    "margin-calls": "collateral",
    "margin-terms": "collateral",
    "repos": "collateral",
    "registry": "collateral",
    "collateral-desk": "collateral",
    "collateral-register": "collateral",
    "collateral-register.xlsx": "collateral",
    "holding-rights": "collateral",
    "authority-acts": "collateral",
    "collateral-stresses": "collateral",
    "eligibility-schedules": "collateral",
    "haircut-policies": "collateral",
    "haircuts": "collateral",
    "allocations": "collateral",
    "compliance-positions": "collateral",
    "custody": "collateral",
    "parties": "parties",
    "carbon-accounts": "loans",
    "ratings": "loans",
    "rate-decisions": "loans",
    "rate-what-ifs": "loans",
    "rate-batches": "loans",
    "schedules": "loans",
    "term-sheets": "loans",
    "credit-lines": "loans",
    "loan-contracts": "loans",
    "loan-notes": "loans",
    "loan-classifications": "loans",
    "ratchet-values": "loans",
    "sustainability-links": "loans",
    "cut-claims": "loans",
    "bank-disclosures": "reporting",
    "statistics": "reporting",
    "subsidies": "reporting",
    "decisions": "decisions",
    "approvals": "approvals",
    "inbox": "messages",
    "webhooks": "messages",
    "deliveries": "messages",
    "messages": "messages",
    "files": "files",
    "external-ids": "external-ids",
    "jobs": "jobs",
    "rules": "rules",
}
"""The scope a key or token needs, by the first word of the address under `/v1`; `NAME:read` is enough to read."""

SCOPES_OF_ADDRESSES: Mapping[str, str] = {
    "/v1/parties/{party_id}/headroom": "collateral",
    "/v1/parties/{party_id}/compliance": "collateral",
    "/v1/parties/{party_id}/holdings": "collateral",
}
"""Addresses that need another scope than their first word says."""

FREE_OF_SCOPE: frozenset[str] = frozenset({"me"})
"""What every key may ask: who it is."""

KNOWN_SCOPES: frozenset[str] = frozenset({"*", *SCOPES.values(), *(f"{scope}:read" for scope in SCOPES.values())})
"""What a key can be issued for."""


def scopes_for(method: str, path_template: str) -> frozenset[str] | None:
    """Give the scopes of which a key or token needs one for a route of the API; None where it needs none."""
    word = path_template.removeprefix("/v1/").split("/")[0] if path_template.startswith("/v1/") else ""
    if not word or word in FREE_OF_SCOPE:
        return None
    scope = SCOPES_OF_ADDRESSES.get(plain_path(path_template)) or SCOPES.get(word, "")
    readers = {f"{scope}:read"} if method in {"GET", "HEAD"} else set()
    return frozenset({"*", scope, *readers})
