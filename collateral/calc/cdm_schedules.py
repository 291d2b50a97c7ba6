"""Eligible-collateral schedules as FINOS CDM JSON, read whole or refused by path, and written back equal.

Source: github.com/finos/common-domain-model, EligibleCollateralSpecification (version 7).
"""

from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from collateral.calc.cdm_nodes import CdmNode
from collateral.calc.eligibility import (
    AllOf,
    AnyOf,
    Boundary,
    ConcentrationLimit,
    Criteria,
    DebtTraits,
    EligibilityRule,
    Leaf,
    MaturityBound,
    MaturityIs,
    MaturityKind,
    Mismatch,
    NoneOf,
    PeriodUnit,
    RatedBy,
    Rating,
    Trait,
    TraitIs,
    Treatment,
    TypeIs,
    leaves_of,
)

Json = dict[str, object]

_TRAITS: dict[str, tuple[Trait, str]] = {
    "CollateralIssuerType": (Trait.ISSUER_TYPE, "issuerType"),
    "IssuerCountryOfOrigin": (Trait.ISSUER_COUNTRY, "issuerCountryOfOrigin"),
    "IndexType": (Trait.INDEX, "equityIndex"),
}
_TRAIT_NAMES = {trait: (name, member) for name, (trait, member) in _TRAITS.items()}
_RATINGS = {"IssuerAgencyRating": "issuerAgencyRating", "AssetAgencyRating": "assetAgencyRating"}
_RATIOS = {
    "marginPercentage": "margin_ratio",
    "haircutPercentage": "haircut_ratio",
    "fxHaircutPercentage": "fx_haircut_ratio",
    "additionalHaircutPercentage": "additional_haircut_ratio",
}


def read_schedule(document: object) -> tuple[EligibilityRule, ...]:
    """Read a schedule from parsed JSON; with `parse_float=Decimal` its numbers stay as written.

    Raises:
        InvalidInput: A member is not known here, or reads what it cannot; nothing is left out.
    """
    root = CdmNode(document, "")
    root.only("criteria")
    return tuple(_rule(one) for one in root.at("criteria").items)


def _rule(node: CdmNode) -> EligibilityRule:
    node.only("collateralCriteria", "treatment")
    return EligibilityRule(
        criteria=_criteria(node.at("collateralCriteria")), treatment=_treatment(node.at("treatment"))
    )


def _criteria(node: CdmNode) -> Criteria:
    name, body = node.the_one()
    if name == "AllCriteria":
        body.only("allCriteria")
        return AllOf(parts=tuple(_criteria(one) for one in body.at("allCriteria").items))
    if name == "AnyCriteria":
        body.only("anyCriteria")
        return AnyOf(parts=tuple(_criteria(one) for one in body.at("anyCriteria").items))
    if name == "NegativeCriteria":
        body.only("negativeCriteria")
        return NoneOf(part=_criteria(body.at("negativeCriteria")))
    return _leaf(name, body)


def _leaf(name: str, body: CdmNode) -> Leaf:
    if name == "AssetType":
        return _type(body)
    if name in _TRAITS:
        trait, member = _TRAITS[name]
        body.only(member)
        return TraitIs(trait=trait, value=body.at(member).text)
    if name == "CurrencyCodeEnum":
        return TraitIs(trait=Trait.CURRENCY, value=body.text)
    if name in _RATINGS:
        body.only(_RATINGS[name])
        return _rated(body.at(_RATINGS[name]), of_issuer=name == "IssuerAgencyRating")
    if name == "AssetMaturity":
        body.only("assetMaturity")
        return _maturity(body.at("assetMaturity"))
    raise InvalidInput(f"{body.path} is not known here", zh=f"{body.path} 无法识别，未予导入", field=body.path)


def _type(node: CdmNode) -> TypeIs:
    node.only("assetType", "securityType", "debtType", "equityType")
    debts: tuple[DebtTraits, ...] = ()
    if (debt := node.find("debtType")) is not None:
        debt.only("debtEconomics")
        debts = tuple(_debt(one) for one in debt.at("debtEconomics").items)
    if (equity := node.find("equityType")) is not None:
        equity.only("equityType", "depositaryReceipt")
    return TypeIs(
        asset_type=node.at("assetType").text,
        security_type=_word(node.find("securityType")),
        debt=debts,
        equity_type=_word(node.find_at("equityType", "equityType")),
        depositary_receipt=_word(node.find_at("equityType", "depositaryReceipt")),
    )


def _debt(node: CdmNode) -> DebtTraits:
    node.only("interest", "redemption", "secured")
    if (redemption := node.find("redemption")) is not None:
        redemption.only("redemptionType")
    if (secured := node.find("secured")) is not None:
        secured.only("securedType", "assetBacked")
    return DebtTraits(
        interest=_word(node.find("interest")),
        redemption=_word(node.find_at("redemption", "redemptionType")),
        secured=_word(node.find_at("secured", "securedType")),
        backing=_word(node.find_at("secured", "assetBacked")),
    )


def _word(node: CdmNode | None) -> str:
    return "" if node is None else node.text


def _rated(node: CdmNode, *, of_issuer: bool) -> RatedBy:
    node.only("boundary", "creditNotation", "mismatchResolution")
    notation = node.at("creditNotation")
    notation.only("agency", "notation")
    notation.at("notation").only("value")
    mismatch = node.find("mismatchResolution")
    return RatedBy(
        of_issuer=of_issuer,
        rating=Rating(agency=notation.at("agency").text, notation=notation.at("notation", "value").text),
        boundary=Boundary(node.at("boundary").one_of(Boundary)),
        mismatch=Mismatch.OWN if mismatch is None else Mismatch(mismatch.one_of(Mismatch)),
    )


def _maturity(node: CdmNode) -> MaturityIs:
    node.only("maturityType", "maturityRange")
    spread = node.at("maturityRange")
    spread.only("lowerBound", "upperBound")
    return MaturityIs(
        kind=MaturityKind(node.at("maturityType").one_of(MaturityKind)),
        lower=_bound(spread.find("lowerBound")),
        upper=_bound(spread.find("upperBound")),
    )


def _bound(node: CdmNode | None) -> MaturityBound | None:
    if node is None:
        return None
    node.only("period", "inclusive")
    period = node.at("period")
    period.only("periodMultiplier", "period")
    return MaturityBound(
        count=period.at("periodMultiplier").integer,
        unit=PeriodUnit(period.at("period").one_of(PeriodUnit)),
        is_inclusive=node.at("inclusive").flag,
    )


def _treatment(node: CdmNode) -> Treatment:
    node.only("isIncluded", "valuationTreatment", "concentrationLimit")
    ratios: dict[str, Decimal | None] = dict.fromkeys(_RATIOS.values())
    if (valuation := node.find("valuationTreatment")) is not None:
        valuation.only(*_RATIOS)
        for name, field in _RATIOS.items():
            stated = valuation.find(name)
            ratios[field] = None if stated is None else stated.number
    limits = node.find("concentrationLimit")
    return Treatment(
        is_included=node.at("isIncluded").flag,
        limits=() if limits is None else tuple(_limit(one) for one in limits.items),
        margin_ratio=ratios["margin_ratio"],
        haircut_ratio=ratios["haircut_ratio"],
        fx_haircut_ratio=ratios["fx_haircut_ratio"],
        additional_haircut_ratio=ratios["additional_haircut_ratio"],
    )


def _limit(node: CdmNode) -> ConcentrationLimit:
    node.only("concentrationLimitCriteria", "percentageLimit", "valueLimit")
    criteria = node.at("concentrationLimitCriteria")
    criteria.only("concentrationLimitType")
    is_share = node.find("percentageLimit") is not None
    limit = node.at("percentageLimit" if is_share else "valueLimit")
    node.only("concentrationLimitCriteria", "percentageLimit" if is_share else "valueLimit")
    limit.only("upperBound")
    upper = limit.at("upperBound")
    upper.only("inclusive", "number" if is_share else "money")
    if not is_share:
        upper.at("money").only("unit", "value")
        upper.at("money", "unit").only("currency")
        upper.at("money", "unit", "currency").only("value")
    return ConcentrationLimit(
        kind=criteria.at("concentrationLimitType").text,
        upper=upper.at("number").number if is_share else upper.at("money", "value").number,
        is_inclusive=upper.at("inclusive").flag,
        currency="" if is_share else upper.at("money", "unit", "currency", "value").text,
    )


def write_schedule(rules: tuple[EligibilityRule, ...]) -> Json:
    """Write a schedule as CDM; a schedule read before comes back equal as JSON."""
    return {"criteria": [_rule_out(rule) for rule in rules]}


def _rule_out(rule: EligibilityRule) -> Json:
    treatment = rule.treatment
    written: Json = {"isIncluded": treatment.is_included}
    stated = {name: getattr(treatment, field) for name, field in _RATIOS.items()}
    ratios = {name: _number_out(value) for name, value in stated.items() if value is not None}
    if ratios:
        written["valuationTreatment"] = ratios
    if treatment.limits:
        written["concentrationLimit"] = [_limit_out(one) for one in treatment.limits]
    return {"collateralCriteria": _criteria_out(rule.criteria), "treatment": written}


def _number_out(value: Decimal) -> int | float:
    return int(value) if value == int(value) else to_float(value)


def _limit_out(limit: ConcentrationLimit) -> Json:
    criteria = {"concentrationLimitType": limit.kind}
    number = _number_out(limit.upper)
    if not limit.currency:
        share = {"upperBound": {"inclusive": limit.is_inclusive, "number": number}}
        return {"concentrationLimitCriteria": criteria, "percentageLimit": share}
    money = {"unit": {"currency": {"value": limit.currency}}, "value": number}
    amount = {"upperBound": {"inclusive": limit.is_inclusive, "money": money}}
    return {"concentrationLimitCriteria": criteria, "valueLimit": amount}


def _criteria_out(criteria: Criteria) -> Json:
    match criteria:
        case AllOf(parts=parts):
            return {"AllCriteria": {"allCriteria": [_criteria_out(part) for part in parts]}}
        case AnyOf(parts=parts):
            return {"AnyCriteria": {"anyCriteria": [_criteria_out(part) for part in parts]}}
        case NoneOf(part=part):
            return {"NegativeCriteria": {"negativeCriteria": _criteria_out(part)}}
        case TypeIs():
            return {"AssetType": _type_out(criteria)}
        case TraitIs(trait=Trait.CURRENCY, value=value):
            return {"CurrencyCodeEnum": value}
        case TraitIs(trait=trait, value=value):
            name, member = _TRAIT_NAMES[trait]
            return {name: {member: value}}
        case RatedBy():
            name = "IssuerAgencyRating" if criteria.of_issuer else "AssetAgencyRating"
            return {name: {_RATINGS[name]: _rated_out(criteria)}}
        case MaturityIs():
            bounds = {"lowerBound": criteria.lower, "upperBound": criteria.upper}
            spread = {name: _bound_out(bound) for name, bound in bounds.items() if bound is not None}
            return {"AssetMaturity": {"assetMaturity": {"maturityType": criteria.kind.value, "maturityRange": spread}}}


def _type_out(asked: TypeIs) -> Json:
    equity = _stated(equityType=asked.equity_type, depositaryReceipt=asked.depositary_receipt)
    return {
        "assetType": asked.asset_type,
        **_stated(securityType=asked.security_type),
        **({"debtType": {"debtEconomics": [_debt_out(one) for one in asked.debt]}} if asked.debt else {}),
        **({"equityType": equity} if equity else {}),
    }


def _debt_out(debt: DebtTraits) -> Json:
    redemption = _stated(redemptionType=debt.redemption)
    secured = _stated(securedType=debt.secured, assetBacked=debt.backing)
    return {
        **_stated(interest=debt.interest),
        **({"redemption": redemption} if redemption else {}),
        **({"secured": secured} if secured else {}),
    }


def _stated(**words: str) -> Json:
    return {name: word for name, word in words.items() if word}


def _rated_out(asked: RatedBy) -> Json:
    return {
        "boundary": asked.boundary.value,
        "creditNotation": {"agency": asked.rating.agency, "notation": {"value": asked.rating.notation}},
        **_stated(mismatchResolution=asked.mismatch.value),
    }


def _bound_out(bound: MaturityBound) -> Json:
    period = {"periodMultiplier": bound.count, "period": bound.unit.value}
    return {"period": period, "inclusive": bound.is_inclusive}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFault:
    """Something in a schedule that a person should look at, with the place of the rule."""

    place: int
    message_zh: str
    message_en: str


def schedule_faults(rules: tuple[EligibilityRule, ...]) -> tuple[ScheduleFault, ...]:
    """Find rules no asset can meet, notations no agency uses, shares above 1 (meant in percent?), margins below 1."""
    found = []
    for place, rule in enumerate(rules):
        if _is_contradictory(rule.criteria):
            message = "同时要求互斥的资产类型，没有资产能满足", "asks for asset types that no asset has at once"
            found.append(ScheduleFault(place=place, message_zh=message[0], message_en=message[1]))
        for leaf in leaves_of(rule.criteria):
            if isinstance(leaf, RatedBy) and leaf.rating.grade is None:
                said = f"{leaf.rating.agency} {leaf.rating.notation}"
                message = f"评级 {said} 不在该机构的评级序列中", f"{said} is no notation of the agency"
                found.append(ScheduleFault(place=place, message_zh=message[0], message_en=message[1]))
        for limit in rule.treatment.limits:
            if not limit.currency and limit.upper > 1:
                message = f"比例上限 {limit.upper} 大于 1，疑为百分数", f"share limit {limit.upper} is above 1"
                found.append(ScheduleFault(place=place, message_zh=message[0], message_en=message[1]))
        ratio = rule.treatment.margin_ratio
        if ratio is not None and ratio < 1:
            message = f"保证金比例 {ratio} 小于 1", f"margin ratio {ratio} is below 1"
            found.append(ScheduleFault(place=place, message_zh=message[0], message_en=message[1]))
    return tuple(found)


def _is_contradictory(criteria: Criteria) -> bool:
    """Whether parts that must all hold ask one word of an asset to be two."""
    match criteria:
        case AllOf():
            types = [one for one in _joined(criteria) if isinstance(one, TypeIs)]
            for field in ("asset_type", "security_type", "equity_type", "depositary_receipt"):
                if len({getattr(one, field) for one in types} - {""}) > 1:
                    return True
            return any(_is_contradictory(part) for part in criteria.parts)
        case AnyOf(parts=parts):
            return all(_is_contradictory(part) for part in parts)
        case _:
            return False


def _joined(criteria: AllOf) -> tuple[Criteria, ...]:
    """Give the parts of an all-of, with those of an all-of within in its place."""
    return tuple(one for part in criteria.parts for one in (_joined(part) if isinstance(part, AllOf) else (part,)))
