"""Types read by many threads at once: none finds another still learning them, which would end the process."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from litestar import Litestar, post
from litestar.params import JSONBody
from msgspec import Struct

from carbonfin.storage.learned_types import _LEARNED, converted, decoded
from carbonfin.web.connections import learn_bodies

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("shape", ["dataclass", "struct"])
def test_many_threads_read_a_new_type_at_once(shape: str) -> None:
    command = [sys.executable, "-m", "tests.storage.learning_threads", shape]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr


class Wanted(Struct, kw_only=True):
    name: str
    count: int = 1


def test_values_are_read_and_refused_as_the_library_does() -> None:
    assert converted({"name": "a"}, Wanted) == decoded('{"name": "a", "count": 1}', Wanted) == Wanted(name="a")
    with pytest.raises(msgspec.ValidationError, match="missing required field `name`"):
        converted({}, Wanted)
    with pytest.raises(msgspec.ValidationError, match=r"Expected `int`.*`\$.count`"):
        decoded(b'{"name": "a", "count": "x"}', Wanted)


class Body(Struct, kw_only=True):
    name: str


@post("/bodies", sync_to_thread=False)
def _take(data: JSONBody[Body]) -> None:
    assert data.name


def test_the_bodies_of_routes_are_learned_before_any_request() -> None:
    app = Litestar(route_handlers=[_take], openapi_config=None)
    assert Body not in _LEARNED
    learn_bodies(app)
    assert Body in _LEARNED
