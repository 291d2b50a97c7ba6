"""The rulebook at rest: parameters and decision tables that come with the product, and each organisation's own."""

from carbonfin.storage.rulebook.faults import RulebookFault
from carbonfin.storage.rulebook.parameters import (
    PARAMETER_APPROVAL,
    ParameterRow,
    book_for,
    builtin_book,
    enter_parameter,
    own_book,
    propose_parameter,
    proposed_value,
    unconfirmed_value,
    verify_parameters,
)
from carbonfin.storage.rulebook.tables import (
    TABLE_APPROVAL,
    DecisionTableRow,
    builtin_tables,
    draft_of,
    propose_table,
    publishing_obstacles,
    table_book_for,
    unconfirmed_clauses,
    verify_tables,
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
    "enter_parameter",
    "own_book",
    "propose_parameter",
    "propose_table",
    "proposed_value",
    "publishing_obstacles",
    "table_book_for",
    "unconfirmed_clauses",
    "unconfirmed_value",
    "verify_parameters",
    "verify_tables",
]
