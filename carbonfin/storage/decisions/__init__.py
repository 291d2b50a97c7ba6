"""Decisions on record: appended with inputs, outputs and trace, chained by hashes for each organisation, replayable."""

from carbonfin.storage.decisions.audit import DecisionSample, UnconfirmedUse, sample_decisions, unconfirmed_uses
from carbonfin.storage.decisions.chain import ChainFault, ChainPoint, ChainReport, verify_chain
from carbonfin.storage.decisions.heads import DecisionHead, decision_heads
from carbonfin.storage.decisions.records import (
    DecisionRecord,
    Recorded,
    Replay,
    decisions_of,
    load_decision,
    load_outcome,
    record_decision,
    replay_decision,
)
from carbonfin.storage.decisions.rows import ChainHeadRow, DecisionChainRow, DecisionRow, DecisionSealRow
from carbonfin.storage.decisions.sealing import seal_waiting, unsealed_of

__all__ = [
    "ChainFault",
    "ChainHeadRow",
    "ChainPoint",
    "ChainReport",
    "DecisionChainRow",
    "DecisionHead",
    "DecisionRecord",
    "DecisionRow",
    "DecisionSample",
    "DecisionSealRow",
    "Recorded",
    "Replay",
    "UnconfirmedUse",
    "decision_heads",
    "decisions_of",
    "load_decision",
    "load_outcome",
    "record_decision",
    "replay_decision",
    "sample_decisions",
    "seal_waiting",
    "unconfirmed_uses",
    "unsealed_of",
    "verify_chain",
]
