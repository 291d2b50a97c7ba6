"""Decisions on record: appended with inputs, outputs and trace, chained by hashes for each organisation, replayable."""

from carbonfin.storage.decisions.audit import DecisionSample, UnconfirmedUse, sample_decisions, unconfirmed_uses
from carbonfin.storage.decisions.chain import ChainFault, ChainPoint, ChainReport, verify_chain
from carbonfin.storage.decisions.heads import DecisionHead, decision_heads
from carbonfin.storage.decisions.records import (
    DecisionRecord,
    Recorded,
    Replay,
    decisions_of,
    decisions_since,
    load_decision,
    load_outcome,
    rebuilt,
    record_decision,
    replay_decision,
)
from carbonfin.storage.decisions.rows import ChainHeadRow, DecisionChainRow, DecisionRow, DecisionSealRow
from carbonfin.storage.decisions.sealing import seal_waiting, unsealed_of
from carbonfin.storage.decisions.signed_heads import (
    FINGERPRINT_DIGITS_MIN,
    ChainState,
    SignedHead,
    Signing,
    TrustedKeys,
    all_signed_heads,
    chain_state,
    head_line,
    heads_from,
    sign_head,
    signed_heads_of,
    verify_signed_chain,
)

__all__ = [
    "FINGERPRINT_DIGITS_MIN",
    "ChainFault",
    "ChainHeadRow",
    "ChainPoint",
    "ChainReport",
    "ChainState",
    "DecisionChainRow",
    "DecisionHead",
    "DecisionRecord",
    "DecisionRow",
    "DecisionSample",
    "DecisionSealRow",
    "Recorded",
    "Replay",
    "SignedHead",
    "Signing",
    "TrustedKeys",
    "UnconfirmedUse",
    "all_signed_heads",
    "chain_state",
    "decision_heads",
    "decisions_of",
    "decisions_since",
    "head_line",
    "heads_from",
    "load_decision",
    "load_outcome",
    "rebuilt",
    "record_decision",
    "replay_decision",
    "sample_decisions",
    "seal_waiting",
    "sign_head",
    "signed_heads_of",
    "unconfirmed_uses",
    "unsealed_of",
    "verify_chain",
    "verify_signed_chain",
]
