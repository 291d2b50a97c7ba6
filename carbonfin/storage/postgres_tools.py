"""PostgreSQL's own `pg_dump` and `pg_restore`, found on the path and not older than the server."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from carbonfin.kernel.errors import InvalidInput, NotFound, UpstreamFailed

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_TOLD_CHARACTERS = 400


class PostgresTools:
    """The two programs for one database; the password travels in the environment, never among the arguments."""

    def __init__(self, engine: sa.Engine) -> None:
        url = engine.url
        named = {**url.query, **url.translate_connect_args(username="user", database="dbname")}
        self._password = named.pop("password", None)
        self._connection = make_conninfo(**{name: str(value) for name, value in named.items()})
        with engine.connect() as connection:
            self._server_version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000

    def dump(self, file: Path) -> None:
        """Write the database without owners and grants: both belong to the place, not to the data.

        Raises:
            NotFound: The program is missing.
            InvalidInput: It is older than the server.
            UpstreamFailed: It failed.
        """
        self._run(
            "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--enable-row-security",
            "--exclude-schema=carbonfin_jobs", f"--file={file}", f"--dbname={self._connection}",
        )  # fmt: skip

    def restore(self, file: Path, *, leaves_out: str) -> list[str]:
        """Fill the database in one transaction with all but the entries that a text is in, and give those.

        Raises:
            NotFound: The program is missing.
            InvalidInput: It is older than the server.
            UpstreamFailed: It failed; nothing was restored.
        """
        entries = self._run("pg_restore", "--list", str(file)).splitlines()
        with tempfile.NamedTemporaryFile("w", suffix=".list") as kept:
            kept.write("\n".join(entry for entry in entries if leaves_out not in entry))
            kept.flush()
            self._run(
                "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error",
                f"--use-list={kept.name}", f"--dbname={self._connection}", str(file),
            )  # fmt: skip
        return [entry for entry in entries if leaves_out in entry]

    def data_of(self, file: Path, table: str) -> str:
        """Give the rows of one table of a dump as text.

        Raises:
            NotFound: The program is missing.
            UpstreamFailed: The file is no dump or is damaged.
        """
        return self._run("pg_restore", "--data-only", f"--table={table}", "--file=-", str(file))

    def _run(self, program: str, *arguments: str) -> str:
        environment = dict(os.environ) | ({} if self._password is None else {"PGPASSWORD": str(self._password)})
        # Only these two programs are started, with arguments of our own.
        done = subprocess.run(  # noqa: S603 - see above
            [self._found(program), *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            told = done.stderr.strip()[:_TOLD_CHARACTERS]
            raise UpstreamFailed(f"{program} failed: {told}", zh=f"{program} 执行失败", field="file")
        return done.stdout

    def _found(self, program: str) -> str:
        path = shutil.which(program)
        if path is None:
            raise NotFound(
                f"{program} is not on the path",
                zh=f"找不到 {program}",
                field="PATH",
                remedy="Install PostgreSQL's client programs, or put their folder on PATH.",
                remedy_zh="请安装 PostgreSQL 客户端工具，或将其目录加入 PATH。",
            )
        shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - as above
        found = _VERSION.search(shown)
        version = 0 if found is None else int(found[1])
        if version < self._server_version:
            raise InvalidInput(
                f"{program} is of version {version}, the server of {self._server_version}",
                zh=f"{program} 版本 {version} 低于服务器版本 {self._server_version}",
                field="PATH",
                remedy="Put the programs of the server's version first on PATH.",
                remedy_zh="请将与服务器同版本的工具置于 PATH 前列。",
            )
        return path
