"""What an administrator proposes and another administrator approves: accounts, roles, passwords and keys."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.errors import InvalidInput, NotPermitted
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.parties import (
    change_role,
    end_second_factor,
    has_second_factor,
    load_account,
    open_account,
    plain_name,
    prepare_key,
    reactivate,
    require_login,
    require_new_password,
    sign_out_everywhere,
)
from carbonfin.storage.rows import new_id

_ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
KEY_DAYS_MAX = 366
ROLES_OF: dict[OrganizationKind, tuple[Role, ...]] = {
    OrganizationKind.BANK: (Role.OFFICER, Role.CHECKER, Role.RISK, Role.AUDITOR, Role.ADMINISTRATOR),
    OrganizationKind.BUREAU: (Role.BUREAU, Role.AUDITOR, Role.ADMINISTRATOR),
    OrganizationKind.PLATFORM: (Role.OPERATOR,),
}
"""What a person of an organisation can be. The platform's people are entered on the machine, where the keys are."""
KEY_ROLES_OF: dict[OrganizationKind, tuple[Role, ...]] = {
    OrganizationKind.BANK: (Role.SYSTEM, Role.AUDITOR),
    OrganizationKind.BUREAU: (Role.BUREAU,),
    OrganizationKind.PLATFORM: (),
}


def propose_person(
    session: Session, maker: Actor, *, login: str, name: str, role: Role, reason: str, at: datetime
) -> Approval:
    """Propose an account for a person.

    Raises:
        InvalidInput: The login, the name or the role cannot be.
    """
    require_login(login)
    _require_role(maker, role)
    payload = {"action": "add", "login": login, "name": plain_name(name), "role": role.value}
    draft = ProposalDraft(
        subject=f"login:{login}", title_zh=f"新增用户 {login}", title_en=f"Add person {login}", payload=payload,
        reason=reason,
    )  # fmt: skip
    return approvals.propose(session, maker, PERSON_APPROVAL, draft, at=at)


def propose_change(
    session: Session, maker: Actor, person_id: str, *, action: str, role: Role | None = None, reason: str, at: datetime
) -> Approval:
    """Propose another role, a new password, letting somebody in again (`reactivate`) or ending a `second-factor`.

    Raises:
        NotFound: The organisation has no such person.
        NotPermitted: It would be the maker's own account.
        InvalidInput: The role cannot be.
    """
    account = load_account(session, maker, person_id)
    if maker.id == person_id:
        raise NotPermitted(
            "nobody changes the own account's rights", zh="不能变更本人账户的权限", field="person_id",
            remedy="Ask another administrator.", remedy_zh="请由另一名管理员提交。",
        )  # fmt: skip
    if action == "second-factor" and not has_second_factor(session, person_id):
        raise InvalidInput(f"{account.login} has no second factor", zh="该用户未启用身份验证器", field="person_id")
    if action == "role":
        _require_role(maker, role)
        if role is account.role:
            raise InvalidInput(f"{account.login} is {role} already", zh="该用户已是此角色", field="role")
    zh, en = _ACTIONS[action]
    payload: dict[str, Any] = {"action": action, "login": account.login, "name": account.name}
    if role is not None:
        payload |= {"role_before": account.role.value, "role": role.value}
    draft = ProposalDraft(
        subject=f"person:{person_id}", title_zh=f"{zh} {account.login}", title_en=f"{en} {account.login}",
        payload=payload, reason=reason,
    )  # fmt: skip
    return approvals.propose(session, maker, PERSON_APPROVAL, draft, at=at)


def propose_key(
    session: Session,
    maker: Actor,
    *,
    name: str,
    role: Role,
    scopes: tuple[str, ...],
    days: int,
    reason: str,
    at: datetime,
) -> Approval:
    """Propose an API key; once approved, its text is collected once.

    Raises:
        InvalidInput: The name, role, scopes or days cannot be.
    """
    if role not in KEY_ROLES_OF[maker.organization_kind]:
        raise InvalidInput(f"a key cannot have the role {role}", zh="密钥不能使用该角色", field="role")
    if not scopes:
        raise InvalidInput("a key needs a scope", zh="请选择至少一个使用范围", field="scopes")
    if not 0 < days <= KEY_DAYS_MAX:
        raise InvalidInput(
            f"a key lasts 1 to {KEY_DAYS_MAX} days", zh=f"有效期应为 1 至 {KEY_DAYS_MAX} 天", field="days"
        )
    key_id = new_id()
    plain = plain_name(name)
    draft = ProposalDraft(
        subject=f"key:{key_id}", title_zh=f"签发密钥 {plain}", title_en=f"Issue key {plain}",
        payload={"name": plain, "role": role.value, "scopes": sorted(scopes), "days": days}, reason=reason,
    )  # fmt: skip
    return approvals.propose(session, maker, KEY_APPROVAL, draft, at=at)


def _require_role(maker: Actor, role: Role | None) -> None:
    if role not in ROLES_OF[maker.organization_kind]:
        raise InvalidInput(f"a person here cannot be {role}", zh="本机构没有该角色", field="role")


def _apply_person(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    payload = approval.payload
    if payload["action"] == "add":
        open_account(session, checker, login=payload["login"], name=payload["name"], role=Role(payload["role"]), at=at)
        return
    person_id = approval.subject.removeprefix("person:")
    if person_id == checker.id:
        raise NotPermitted(
            "nobody approves a change of the own account", zh="不能复核本人账户的变更", field="approval_id",
            remedy="Ask another administrator.", remedy_zh="请由另一名管理员复核。",
        )  # fmt: skip
    if payload["action"] == "role":
        change_role(session, checker, person_id, role=Role(payload["role"]), at=at)
    elif payload["action"] == "password":
        require_new_password(session, checker, person_id, at=at)
    elif payload["action"] == "second-factor":
        end_second_factor(session, checker, person_id, kind="second_factor_reset", at=at)
        sign_out_everywhere(session, checker, person_id, at=at)
    else:
        reactivate(session, checker, person_id, at=at)


def _apply_key(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    payload = approval.payload
    prepare_key(
        session,
        checker,
        key_id=approval.subject.removeprefix("key:"),
        name=payload["name"],
        role=Role(payload["role"]),
        scopes=tuple(payload["scopes"]),
        expires_at=at + timedelta(days=payload["days"]),
        asked_by=approval.maker_name,
        at=at,
    )


def _person_address(approval: Approval) -> str:
    kind, _, identifier = approval.subject.partition(":")
    return f"/administration/people/{identifier}" if kind == "person" else "/administration/people"


_ACTIONS = {
    "role": ("变更角色", "Change the role of"),
    "password": ("重置密码", "Reset the password of"),
    "reactivate": ("恢复账户", "Let in again"),
    "second-factor": ("重置身份验证器", "Reset the second factor of"),
}
PERSON_APPROVAL = ApprovalKind(
    name="person", title_zh="用户与角色", title_en="People and roles", maker_roles=_ADMINISTRATORS,
    checker_roles=_ADMINISTRATORS, apply=_apply_person, address=_person_address,
)  # fmt: skip
KEY_APPROVAL = ApprovalKind(
    name="api_key", title_zh="接口密钥", title_en="API keys", maker_roles=_ADMINISTRATORS,
    checker_roles=_ADMINISTRATORS, apply=_apply_key, address=lambda _: "/administration/keys",
)  # fmt: skip
