"""Every type of problem: its address, status, fixed title, what it means and what to do."""

from dataclasses import dataclass

from carbonfin.web.language import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """One type of problem: its address, status, fixed title, and what a caller should do."""

    code: str
    status: int
    title: Text
    meaning: Text
    remedy: Text

    @property
    def address(self) -> str:
        """The problem type's URI, which opens a page."""
        return f"/problems/{self.code}"


def _kind(code: str, status: int, title: Text, meaning: Text, remedy: Text) -> ProblemKind:
    return ProblemKind(code=code, status=status, title=title, meaning=meaning, remedy=remedy)


PROBLEM_KINDS: tuple[ProblemKind, ...] = (
    _kind(
        "malformed-request",
        400,
        Text("请求格式有误", "Malformed request"),
        Text(
            "请求无法按接口约定解析：JSON 有误、字段缺失或未知、类型不符。",
            "The request does not parse: broken JSON, a missing or unknown field, or a value of the wrong type.",
        ),
        Text(
            "按 errors 中逐条列出的位置修改后重新提交。",
            "Correct each place named under errors and send the request again.",
        ),
    ),
    _kind(
        "idempotency-key-required",
        400,
        Text("缺少幂等键", "Idempotency key required"),
        Text(
            "写入类请求须带 Idempotency-Key 请求头，以便安全重试。",
            "A writing request must carry an Idempotency-Key header so that it can be repeated safely.",
        ),
        Text(
            "为每笔业务生成一个新键；重试时使用同一个键。",
            "Make one new key for each piece of business and use the same key when repeating it.",
        ),
    ),
    _kind(
        "not-authenticated",
        401,
        Text("未登录或凭证失效", "Not authenticated"),
        Text(
            "未提供凭证，或 API 密钥、会话已过期、停用或不存在。",
            "No credentials came with the request, or the key or session is expired, revoked or unknown.",
        ),
        Text("重新登录，或使用有效的 API 密钥。", "Sign in again or use a valid API key."),
    ),
    _kind(
        "not-permitted",
        403,
        Text("无权操作", "Not permitted"),
        Text("该角色不能进行此操作。", "The role may not do this."),
        Text("由有权限的同事办理，或申请权限。", "Ask a colleague whose role allows it."),
    ),
    _kind(
        "password-change-required",
        403,
        Text("须先修改密码", "Password change required"),
        Text(
            "当前密码由他人设置，只能使用一次。",
            "The password was set by somebody else and is good for one use.",
        ),
        Text("在“我的账户”中修改密码后再办理。", "Change it under the own account, then go on."),
    ),
    _kind(
        "second-factor-required",
        403,
        Text("须输入验证码", "Second factor required"),
        Text(
            "密码已通过，还须输入身份验证器显示的验证码。",
            "The password fits; the authenticator's code is still to come.",
        ),
        Text("在登录验证页输入验证码。", "Give the code on the page after signing in."),
    ),
    _kind(
        "second-factor-missing",
        403,
        Text("须先启用身份验证器", "Second factor to be set up"),
        Text(
            "本机构要求登录时使用第二种验证方式，本账户尚未启用。",
            "The organisation asks for a second factor, and this account has none.",
        ),
        Text("在“我的账户”中启用身份验证器后再办理。", "Set one up under the own account, then go on."),
    ),
    _kind(
        "form-token-invalid",
        403,
        Text("表单校验未通过", "Form token invalid"),
        Text(
            "表单的防伪标记缺失或已过期，通常因页面打开过久或已重新登录。",
            "The form's anti-forgery token is missing or stale, mostly because the page was open for too long.",
        ),
        Text("刷新页面后重新提交；未作任何更改。", "Reload the page and send the form again; nothing was changed."),
    ),
    _kind(
        "not-found",
        404,
        Text("未找到", "Not found"),
        Text("没有这一项，或不属于本机构。", "There is no such thing, or it belongs to another organisation."),
        Text("核对编号或地址。", "Check the number or the address."),
    ),
    _kind(
        "method-not-allowed",
        405,
        Text("不支持的请求方法", "Method not allowed"),
        Text("该地址不支持此请求方法。", "The address does not answer this method."),
        Text("使用 Allow 响应头列出的方法。", "Use a method listed in the Allow header."),
    ),
    _kind(
        "conflict",
        409,
        Text("状态冲突", "Conflict"),
        Text(
            "数据已被改动，或同一幂等键用于不同内容。",
            "The thing has changed meanwhile, or a key was used for something else.",
        ),
        Text("重新读取后再操作；新业务用新的幂等键。", "Read it again before acting; use a new key for new business."),
    ),
    _kind(
        "missing-data",
        409,
        Text("缺少所需数据", "Missing data"),
        Text(
            "计算所需的某项数据尚不掌握；系统不以假设代替。",
            "A fact the answer needs is not known; nothing is assumed in its place.",
        ),
        Text("补充数据，或选择有数据的日期。", "Load what is missing or choose a day for which it is known."),
    ),
    _kind(
        "request-timeout",
        408,
        Text("请求超时", "Request timeout"),
        Text("请求内容未在规定时间内送达。", "The body did not arrive in time."),
        Text("检查网络后重试。", "Check the network and send it again."),
    ),
    _kind(
        "precondition-failed",
        412,
        Text("版本已变化", "Precondition failed"),
        Text(
            "If-Match 所注明的版本不是当前版本：其间已被他人改动。",
            "The version named by If-Match no longer stands: somebody changed it meanwhile.",
        ),
        Text(
            "重新读取，核对改动后以新的 ETag 再次提交。",
            "Read it again, look at what changed, and send the request with the new ETag.",
        ),
    ),
    _kind(
        "content-too-large",
        413,
        Text("内容过大", "Content too large"),
        Text("请求内容超过上限。", "The body is larger than the limit."),
        Text("分批提交。", "Send it in parts."),
    ),
    _kind(
        "unsupported-media-type",
        415,
        Text("不支持的内容类型", "Unsupported media type"),
        Text(
            "接口只接受 application/json；上传文件的接口只接受 multipart/form-data。",
            "The API reads application/json, and multipart/form-data where a file is sent.",
        ),
        Text(
            "按接口说明设置 Content-Type。",
            "Set Content-Type to the one that the operation's description names.",
        ),
    ),
    _kind(
        "invalid-input",
        422,
        Text("输入不符合规则", "Invalid input"),
        Text("某项输入违反了业务规则。", "A value breaks a stated rule."),
        Text("按提示修改该项。", "Change the value as the detail says."),
    ),
    _kind(
        "not-applicable",
        422,
        Text("规则不适用", "Not applicable"),
        Text("所请求的规则不适用于此情形。", "The rule asked for does not apply to this case."),
        Text("核对产品、市场或日期。", "Check product, scheme or day."),
    ),
    _kind(
        "precondition-required",
        428,
        Text("须注明版本", "Precondition required"),
        Text(
            "此操作改动可能正被他人改动的事项，须注明所依据的版本。",
            "This changes what others may change too, so the version that was read must be named.",
        ),
        Text("先读取该项，将其 ETag 放入 If-Match 请求头。", "Read it first and send its ETag in an If-Match header."),
    ),
    _kind(
        "too-many-requests",
        429,
        Text("请求过于频繁", "Too many requests"),
        Text(
            "同一密钥、人员或地址在短时间内的请求超过上限。",
            "One key, person or address sent more requests than the limit in a short time.",
        ),
        Text(
            "等待 Retry-After 响应头所示的秒数后再发送；未作任何更改。",
            "Wait as many seconds as Retry-After says; nothing was changed.",
        ),
    ),
    _kind(
        "internal-error",
        500,
        Text("系统内部错误", "Internal error"),
        Text("系统未能完成请求，未作任何更改。", "The request could not be completed; nothing was changed."),
        Text("凭请求编号联系技术支持。", "Give the request number to support."),
    ),
    _kind(
        "calculation-failed",
        500,
        Text("计算未完成", "Calculation failed"),
        Text(
            "计算未收敛或结果不是有限数值。",
            "A calculation did not converge or gave no finite number.",
        ),
        Text("核对输入；凭请求编号联系技术支持。", "Check the inputs; give the request number to support."),
    ),
    _kind(
        "upstream-failed",
        502,
        Text("外部系统未正常应答", "Upstream failed"),
        Text("登记机构或行情源未按约定应答。", "A registry or provider did not answer as agreed."),
        Text("稍后查询状态后再操作，勿重复提交。", "Query the state before acting again; do not submit twice."),
    ),
    _kind(
        "not-ready",
        503,
        Text("服务尚未就绪", "Not ready"),
        Text("数据库不可用或版本不符。", "The database cannot be reached or is at another revision."),
        Text("稍后再试，或由运维执行数据库升级。", "Try later, or let operations upgrade the database."),
    ),
)

KINDS_BY_CODE: dict[str, ProblemKind] = {kind.code: kind for kind in PROBLEM_KINDS}
CODE_BY_STATUS = {
    400: "malformed-request",
    401: "not-authenticated",
    403: "not-permitted",
    404: "not-found",
    405: "method-not-allowed",
    408: "request-timeout",
    409: "conflict",
    412: "precondition-failed",
    413: "content-too-large",
    415: "unsupported-media-type",
    422: "invalid-input",
    428: "precondition-required",
    429: "too-many-requests",
    500: "internal-error",
    502: "upstream-failed",
    503: "not-ready",
}
