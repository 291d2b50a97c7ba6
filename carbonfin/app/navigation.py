"""The main navigation: the rooms of the house, each for those whom the policy lets in."""

from carbonfin.app.access import roles_for
from carbonfin.app.roles import PEOPLE
from carbonfin.web.language import Text
from carbonfin.web.pages import NavigationItem

_ROOMS: tuple[tuple[str, Text], ...] = (
    ("/", Text("首页", "Home")),
    ("/enterprises", Text("企业", "Enterprises")),
    ("/loans", Text("降碳贷", "Emission-cut loans")),
    ("/pledges", Text("质押与回购", "Pledges and repos")),
    ("/compliance", Text("履约", "Compliance")),
    ("/portfolios", Text("估值", "Valuation")),
    ("/market", Text("行情", "Market")),
    ("/subsidies", Text("贴息", "Subsidies")),
    ("/approvals", Text("审批", "Approvals")),
    ("/inbox", Text("收件箱", "Inbox")),
    ("/rules", Text("规则", "Rules")),
    ("/files", Text("附件", "Evidence")),
    ("/jobs", Text("日终", "End of day")),
    ("/decisions", Text("决定记录", "Decisions")),
    ("/messages", Text("消息", "Messages")),
    ("/administration", Text("管理", "Administration")),
    ("/docs/api", Text("接口文档", "API")),
)

_ALSO_HERE: dict[str, tuple[str, ...]] = {
    "/loans": ("/credit-lines", "/loan-contracts", "/loan-notes", "/sustainability-links", "/cut-claims"),
    "/pledges": (
        "/margin-calls",
        "/margin-terms",
        "/haircut-policies",
        "/collateral-stresses",
        "/eligibility-schedules",
        "/repos",
        "/registry",
    ),
    "/market": ("/curves",),
    "/subsidies": ("/statistics", "/bank-disclosures"),
    "/portfolios": ("/trades", "/structures", "/models", "/stress-scenarios"),
    "/decisions": ("/audit",),
}
"""Addresses that stand in a room without beginning with its address."""


def navigation() -> tuple[NavigationItem, ...]:
    """Give the entries with the roles of the policy; a room that nobody may enter is left out."""
    items = []
    for address, text in _ROOMS:
        roles = roles_for("GET", address)
        allowed = PEOPLE if roles is None else roles
        if allowed:
            also = _ALSO_HERE.get(address, ())
            items.append(NavigationItem(address=address, text=text, roles=allowed, also=also))
    return tuple(items)
