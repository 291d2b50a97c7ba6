"""Tables that the tests share, written out by hand."""

from collections.abc import Sequence

from carbonfin.rules.domains import domain_from
from carbonfin.rules.tables import (
    Clause,
    DecisionTable,
    HitPolicy,
    InputColumn,
    OutputColumn,
    OutputKind,
    OutputValue,
    RowDraft,
    table_of,
)

SAMPLE = Clause(document="示例", article="第1条", confirmed=True)


def input_column(name: str, domain: str) -> InputColumn:
    return InputColumn(name=name, title_zh=name, title_en=name, domain=domain_from(domain))


def output_column(name: str, kind: OutputKind = OutputKind.BP, ranking: Sequence[OutputValue] = ()) -> OutputColumn:
    return OutputColumn(name=name, title_zh=name, title_en=name, kind=kind, ranking=tuple(ranking))


def sample_table(
    columns: dict[str, str],
    rows: Sequence[tuple[str, ...]],
    *,
    policy: HitPolicy = HitPolicy.FIRST,
    outputs: Sequence[OutputColumn] = (output_column("bp"),),
) -> DecisionTable:
    """Give a table; each row holds its cells and then its outputs, and is called R1, R2 and so on."""
    return table_of(
        name="sample.table", title_zh="示例表", title_en="Sample table", hit_policy=policy,
        inputs=[input_column(name, domain) for name, domain in columns.items()], outputs=outputs,
        rows=[
            RowDraft(id=f"R{place}", when=row[: len(columns)], then=row[len(columns) :], clause=SAMPLE)
            for place, row in enumerate(rows, 1)
        ],
    )  # fmt: skip
