"""Styles, script, htmx and fonts: from this package and from installed ones, never from elsewhere."""

from importlib.resources import files
from pathlib import Path

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Response

from carbonfin.web.pages import STATIC_FOLDER

_HOUR = "public, max-age=3600"
_YEAR = "public, max-age=31536000, immutable"
_OWN = {
    "app.css": "text/css",
    "app.js": "text/javascript",
    "jobs.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "api-try.js": "text/javascript",
}
_HTMX = {"htmx.min.js": "text/javascript"}
_SWAGGER = {"swagger_bundle.js": "text/javascript", "swagger_style.css": "text/css"}
_FONTS = {"NotoSansSC-Regular.otf": "font/otf"}


@get("/static/{file_name:str}", sync_to_thread=True, include_in_schema=False)
def own_file(file_name: FromPath[str]) -> Response[bytes]:
    """Serve our own style, script and sign."""
    return _served(STATIC_FOLDER / file_name, _OWN, cache=_HOUR)


@get("/favicon.ico", sync_to_thread=True, include_in_schema=False)
def favicon() -> Response[bytes]:
    """Serve the sign to browsers that ask without being told."""
    return _served(STATIC_FOLDER / "icon.svg", _OWN, cache=_HOUR)


@get("/assets/htmx/{file_name:str}", sync_to_thread=True, include_in_schema=False)
def htmx_file(file_name: FromPath[str]) -> Response[bytes]:
    """Serve htmx from its installed package."""
    return _served(_package_folder("js_lib_htmx") / "static" / "htmx" / file_name, _HTMX, cache=_HOUR)


@get("/assets/swagger/{file_name:str}", sync_to_thread=True, include_in_schema=False)
def swagger_file(file_name: FromPath[str]) -> Response[bytes]:
    """Serve Swagger UI from its installed package."""
    return _served(_package_folder("offapi") / file_name, _SWAGGER, cache=_HOUR)


@get("/assets/fonts/{file_name:str}", sync_to_thread=True, include_in_schema=False)
def font_file(file_name: FromPath[str]) -> Response[bytes]:
    """Serve the Chinese typeface from its installed package, for machines that have none."""
    return _served(_package_folder("pylopdf_fonts_zh_cn") / file_name, _FONTS, cache=_YEAR)


def _package_folder(name: str) -> Path:
    return Path(str(files(name)))


def _served(file: Path, known: dict[str, str], *, cache: str) -> Response[bytes]:
    media_type = known.get(file.name)
    if media_type is None:
        raise NotFoundException
    return Response(file.read_bytes(), media_type=media_type, headers={"Cache-Control": cache})


routes = [own_file, favicon, htmx_file, swagger_file, font_file]
