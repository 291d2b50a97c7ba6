"""The rulebook at rest: parameters and decision tables that come with the product, and each organisation's own."""

from carbonfin.storage.rulebook.faults import RulebookFault
from carbonfin.storage.rulebook.parameters import (
    PARAMETER_APPROVAL,
    ParameterRow,
    book_for,
    builtin_book,
    enter_parameter,
    own_book,
    proposed_value,
    unconfirmed_value,
    verify_parameters,
)
from carbonfin.storage.rulebook.table_drafts import draft_table, propose_table, submit_table, table_subject
from carbonfin.storage.rulebook.tables import (
    TABLE_APPROVAL,
    DecisionTableRow,
    builtin_tables,
    draft_of,
    table_book_for,
    unconfirmed_clauses,
    verify_tables,
)
from carbonfin.storage.rulebook.value_drafts import (
    draft_parameter,
    proposal_faults,
    propose_parameter,
    submit_parameter,
)

__all__ = [
    "PARAMETER_APPROVAL",
    "TABLE_APPROVAL",
    "DecisionTableRow",
    "ParameterRow",
    "RulebookFault",
    "book_for",
    "builtin_book",
    "builtin_tables",
    "draft_of",
    "draft_parameter",
    "draft_table",
    "enter_parameter",
    "own_book",
    "proposal_faults",
    "propose_parameter",
    "propose_table",
    "proposed_value",
    "submit_parameter",
    "submit_table",
    "table_book_for",
    "table_subject",
    "unconfirmed_clauses",
    "unconfirmed_value",
    "verify_parameters",
    "verify_tables",
]
