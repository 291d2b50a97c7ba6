"""What is said on a command line: by which dates to ask, and beside a JDM file what such a file does not say."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

On = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="适用日，默认今日 / valid on")]
KnownOn = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="知悉截至，默认现在 / as known on")]
KnownAt = Annotated[
    str,
    typer.Option(help="知悉截至的时点，须带时区，代替 --known-on / as known at 2025-06-30T10:00:00+08:00"),
]
ValidFrom = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="JDM 文件的生效日 / of a JDM file")]
KnownFrom = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="JDM 文件的知悉日 / of a JDM file")]
Follows = Annotated[str, typer.Option(help="JDM 文件沿用的决策表 / the table a JDM file takes its columns from")]
Node = Annotated[str, typer.Option(help="JDM 文件中要读取的节点 / the only node of a JDM file to read")]
Draft = Annotated[bool, typer.Option("--draft", help="存为草稿，暂不提交复核 / keep as a draft")]
Sheet = Annotated[Path | None, typer.Option(help="JDM 文件的取值范围，TOML / a JDM file's domains, TOML")]
