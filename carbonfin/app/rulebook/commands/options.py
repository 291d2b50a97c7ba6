"""What is said on a command line beside a JDM file, which has no days, domains, kinds and clauses."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

ValidFrom = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="JDM 文件的生效日 / of a JDM file")]
KnownFrom = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="JDM 文件的知悉日 / of a JDM file")]
Follows = Annotated[str, typer.Option(help="JDM 文件沿用的决策表 / the table a JDM file takes its columns from")]
Node = Annotated[str, typer.Option(help="JDM 文件中要读取的节点 / the only node of a JDM file to read")]
Draft = Annotated[bool, typer.Option("--draft", help="存为草稿，暂不提交复核 / keep as a draft")]
Sheet = Annotated[Path | None, typer.Option(help="JDM 文件的取值范围，TOML / a JDM file's domains, TOML")]
