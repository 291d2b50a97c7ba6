"""Words that administration's pages share."""

import re
from collections.abc import Callable, Mapping

from carbonfin.app.parties.words import FIELD_WORDS, VALUE_WORDS
from carbonfin.storage.parties import EXTERNAL_ID_KINDS, SecurityEvent
from carbonfin.web.language import Text
from carbonfin.web.pages import ROLE_NAMES

EVENT_WORDS: Mapping[str, Text] = {
    "signed_in": Text("登录", "Signed in"),
    "sign_in_failed": Text("登录失败", "Sign-in failed"),
    "step_up_failed": Text("再次验证失败", "Confirmation failed"),
    "password_given": Text("密码通过，待验证码", "Password given, code to come"),
    "second_factor_enrolled": Text("启用身份验证器", "Second factor set up"),
    "second_factor_failed": Text("验证码错误", "Second factor failed"),
    "second_factor_ended": Text("停用身份验证器", "Second factor ended"),
    "second_factor_reset": Text("重置身份验证器", "Second factor reset"),
    "recovery_code_used": Text("使用恢复码", "Recovery code used"),
    "locked": Text("账户锁定", "Locked"),
    "unlocked": Text("解除锁定", "Unlocked"),
    "password_changed": Text("修改密码", "Password changed"),
    "password_reset": Text("重置密码", "Password reset"),
    "one_time_password_handed_out": Text("发放一次性密码", "One-time password handed out"),
    "single_sign_on_linked": Text("绑定单点登录", "Linked to single sign-on"),
    "session_revoked": Text("退出会话", "Session ended"),
    "sessions_ended": Text("退出全部会话", "All sessions ended"),
    "person_added": Text("新增用户", "Person added"),
    "person_deactivated": Text("停用账户", "Kept out"),
    "person_reactivated": Text("恢复账户", "Let in again"),
    "role_changed": Text("变更角色", "Role changed"),
    "key_issued": Text("签发密钥", "Key issued"),
    "key_approved": Text("密钥获批", "Key approved"),
    "key_collected": Text("领取密钥", "Key collected"),
    "key_rotated": Text("轮换密钥", "Key rotated"),
    "key_revoked": Text("停用密钥", "Key revoked"),
    "organization_added": Text("新增机构", "Organisation added"),
    "party_entered": Text("录入主体", "Party entered"),
    "party_corrected": Text("更正主体", "Party corrected"),
    "external_id_removed": Text("删除外部编号", "Number taken away"),
    "file_erased": Text("删除文件内容", "File erased"),
    "webhook_registered": Text("登记推送地址", "Webhook registered"),
    "webhook_changed": Text("变更推送地址", "Webhook changed"),
    "webhook_secret_rotated": Text("轮换推送密钥", "Webhook secret rotated"),
    "webhook_retired": Text("停用推送地址", "Webhook retired"),
}
WORRYING = frozenset(
    {
        "sign_in_failed", "step_up_failed", "locked", "key_revoked", "person_deactivated", "second_factor_failed",
        "second_factor_reset", "recovery_code_used",
    }
)  # fmt: skip


def event_words(kind: str) -> Text:
    """Name a kind of security event; one without words of its own is shown by its name."""
    return EVENT_WORDS.get(kind, Text(kind, kind))


def event_detail(event: SecurityEvent) -> Text:
    """Give an event's detail in words: the log keeps names of fields, roles and kinds, which readers do not know."""
    worded = _DETAILS.get(event.kind)
    return Text(event.detail, event.detail) if worded is None else worded(event.detail)


def _corrections(detail: str) -> Text:
    """Word `field: before → after; field: before → after`."""
    found = [_correction(one) for one in _NEXT_CORRECTION.split(detail)]
    return Text("；".join(one.zh for one in found), "; ".join(one.en for one in found))


def _correction(text: str) -> Text:
    name, mark, values = text.partition(": ")
    if not mark or name not in FIELD_WORDS:
        return Text(text, text)
    known = VALUE_WORDS.get(name, {})
    before, arrow, after = values.partition(_ARROW)
    first, second = (known.get(value, Text(value, value)) for value in (before, after))
    words = FIELD_WORDS[name]
    return Text(f"{words.zh}：{first.zh}{arrow}{second.zh}", f"{words.en}: {first.en}{arrow}{second.en}")


def _roles(detail: str) -> Text:
    found = [_ROLE_WORDS.get(one, Text(one, one)) for one in detail.split(_ARROW)]
    return Text(_ARROW.join(one.zh for one in found), _ARROW.join(one.en for one in found))


def _number(detail: str) -> Text:
    kind, _, value = detail.partition(" ")
    words = EXTERNAL_ID_KINDS.get(kind)
    return Text(detail, detail) if words is None else Text(f"{words[0]} {value}", f"{words[1]} {value}")


_ARROW = " → "
_NEXT_CORRECTION = re.compile(rf"; (?=(?:{'|'.join(FIELD_WORDS)}): )")
_ROLE_WORDS: Mapping[str, Text] = {role.value: words for role, words in ROLE_NAMES.items()}
_DETAILS: Mapping[str, Callable[[str], Text]] = {
    "party_corrected": _corrections,
    "person_added": _roles,
    "role_changed": _roles,
    "external_id_removed": _number,
}
