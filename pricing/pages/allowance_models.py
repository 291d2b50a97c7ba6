"""Allowance models for people: fitted to stored quotes, their uncertainty, options by them, kept on demand."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from pricing import service
from pricing.calc.models.model_fits import CALIBRATION_LABELS, MODEL_LABELS, PARAMETER_LABELS, ModelKind, ModelQuestion
from pricing.calc.options.kinds import OptionType
from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH
from pricing.pages.trials import KEEP, filled, kind_named, read_form, unread
from pricing.schemas.allowance_models import HISTORY_DAYS, ModelValueIn

_TYPES = {"看涨": "call", "看跌": "put", "call": "call", "put": "put"}
_TYPE_WORDS = {OptionType.CALL: Text("看涨", "call"), OptionType.PUT: Text("看跌", "put")}
_WORDS_MIN, _WORDS_MAX = 3, 4
_PLAIN = (
    "unit", "penalty_per_t", "compliance_date", "calibrated_to", "following_unit", "penalty_next_per_t",
    "next_compliance_date", "carried_fraction",
)  # fmt: skip
_FIELDS = (*_PLAIN, "history_days", "valuation_date", "options")


def read_question(kind: ModelKind, form: Mapping[str, str]) -> ModelQuestion:
    """Read the form as the API reads its body.

    Raises:
        InvalidInput: A field cannot be read; its name stands in `field`.
    """
    plain: dict[str, Any] = {name: text for name in _PLAIN if (text := form.get(name, "").strip())}
    days = form.get("history_days", "").strip()
    plain |= {"history_days": int(days) if days.isdecimal() else days} if days else {}
    plain["options"] = [_option(line.split()) for line in form.get("options", "").splitlines() if line.strip()]
    plain |= {"model": kind.value, "valuation_date": form.get("valuation_date", "")}
    return read_form(ModelValueIn, plain, other_field="options").question()


def _option(words: list[str]) -> dict[str, str]:
    """Read a line: type, strike, expiry and, on a future, its delivery."""
    if not _WORDS_MIN <= len(words) <= _WORDS_MAX or words[0] not in _TYPES:
        raise unread("options", f"{' '.join(words)!r} is no option")
    names = ("option_type", "strike_per_t", "expiry_date", "delivery_date")
    return dict(zip(names, (_TYPES[words[0]], *words[1:]), strict=False))


@get("/models", sync_to_thread=True)
def model_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    kind: Annotated[str, QueryParameter(max_length=40)] = ModelKind.SCHWARTZ_SMITH,
) -> Template:
    """Show the form of a model."""
    with sessions.read() as session:
        business_date = standing_of(session, actor.organization_id, clock).business_date
    given = {"valuation_date": business_date.isoformat(), "history_days": str(HISTORY_DAYS)}
    return _form(request, _kind(kind), given)


@post("/models", sync_to_thread=True, status_code=200)
def value_by_model_now(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template | Redirect:
    """Fit the model of the form; keep the decision and go there, or show the answer and keep nothing."""
    kind = _kind(data.get("kind", ""))
    work = service.record_model_value if data.get("action") == KEEP else service.model_value_of
    try:
        question = read_question(kind, data)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            valuation = work(
                session,
                actor,
                question,
                valuation_date=day_of(data.get("valuation_date", ""), field="valuation_date"),
                known_at=standing.known_at,
            )
    except CarbonFinError as error:
        return _form(request, kind, data, failure=error)
    if valuation.decision_id is not None:
        return Redirect(f"/models/{valuation.decision_id}", status_code=303)
    return _form(request, kind, data, valuation=valuation)


@get("/models/{decision_id:str}", sync_to_thread=True)
def model_value_page(*, request: WebRequest, sessions: Sessions, actor: Actor, decision_id: FromPath[str]) -> Template:
    """Show a model's answer on record with its trace."""
    with sessions.read() as session:
        valuation = service.load_model_value(session, actor, decision_id)
    return page(
        request,
        "pricing/model.html",
        title=Text(*(f"{words} {valuation.question.unit}" for words in MODEL_LABELS[valuation.question.kind])),
        labels={figure.name: figure for figure in valuation.answer.trace},
        **_shown(valuation),
    )


def _kind(text: str) -> ModelKind:
    return kind_named(ModelKind, text, what=Text("模型", "model"))


def _shown(valuation: service.ModelValuation | None) -> dict[str, Any]:
    """Give what both pages show of an answer."""
    return {
        "valuation": valuation,
        "number_words": {name: Text(*labels) for name, labels in PARAMETER_LABELS.items()},
        "type_words": _TYPE_WORDS,
        "valuation_only": Text(VALUATION_ONLY_ZH, VALUATION_ONLY_EN),
    }


def _form(
    request: WebRequest,
    kind: ModelKind,
    given: Mapping[str, str],
    *,
    valuation: service.ModelValuation | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    return page(
        request,
        "pricing/models.html",
        title=Text("配额模型", "Allowance models"),
        kind=kind,
        kinds=[(one, Text(*MODEL_LABELS[one])) for one in ModelKind],
        calibrations=[(one.value, Text(*words)) for one, words in CALIBRATION_LABELS.items()],
        **filled(given, failure, names=_FIELDS),
        **_shown(valuation),
    )
