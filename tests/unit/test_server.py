"""The server over real HTTP: types, compression, caching, headers, and nothing but the page."""

from __future__ import annotations

import http.client
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rolltape.server.app import ROOT_FILES
from rolltape.server.headers import CONTENT_SECURITY_POLICY, KEEP, REVALIDATE, cache_control
from rolltape.server.serve import PAGE
from serving import served

ROOT = Path(__file__).parents[2]
VENDOR = PAGE / "static" / "vendor"


def get(
    base_url: str, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=10)
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def pyodide(name: str) -> str:
    (folder,) = VENDOR.glob("pyodide-*")
    return f"/static/vendor/{folder.name}/{name}"


@pytest.mark.parametrize("path", ["/", "/?record=6000", "/sw.js", "/static/boot.js", "/nowhere", "/healthz"])
def test_every_answer_carries_the_security_headers(base_url: str, path: str) -> None:
    answer, _ = get(base_url, path)

    assert answer.headers["Content-Security-Policy"] == f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "server" not in answer.headers


def test_an_answer_to_what_nobody_expected_carries_them_too_and_no_trace(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    with served(tmp_path) as address:  # a folder without a page: reading it raises
        answer, body = get(address, "/")

    assert answer.status == 500
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert body == b"Internal Server Error"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/static/style.css", "text/css; charset=utf-8"),
        ("/static/icon.svg", "image/svg+xml"),
        ("/static/pyscript.json", "application/json"),
        (pyodide("pyodide.asm.wasm"), "application/wasm"),
        (pyodide("pyodide.mjs"), "text/javascript; charset=utf-8"),
    ],
)
def test_files_have_the_type_browsers_insist_on(base_url: str, path: str, kind: str) -> None:
    answer, _ = get(base_url, path, "HEAD")

    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("br, gzip", "br"), ("gzip", None), ("gzip, br;q=0", None), ("", None)]
)
def test_the_compressed_copy_goes_to_those_who_accept_it(
    base_url: str, accepted: str, encoding: str | None
) -> None:
    answer, body = get(base_url, pyodide("pyodide.mjs"), Accept_Encoding=accepted)

    assert answer.headers["Content-Encoding"] == encoding
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert len(body) == int(answer.headers["Content-Length"])


def test_an_unchanged_file_is_not_sent_again(base_url: str) -> None:
    first, _ = get(base_url, "/static/style.css")

    again, body = get(base_url, "/static/style.css", If_None_Match=first.headers["ETag"])

    assert (again.status, body) == (304, b"")


def test_the_page_names_the_version_of_all_its_files(tmp_path: Path) -> None:
    for name in (*ROOT_FILES, "static/style.css", "static/vendor/manifest.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    with served(tmp_path) as address:
        first, _ = get(address, "/")
        seen = first.headers["ETag"]
        same, _ = get(address, "/?record=6000", If_None_Match=seen)
        (tmp_path / "static" / "style.css").write_text("other colours")
        changed, page = get(address, "/", If_None_Match=seen)
        later, _ = get(address, "/index.html", If_None_Match=seen)
        style, _ = get(address, "/static/style.css")
        (tmp_path / "static" / "vendor" / "manifest.json").unlink()
        unbuilt, _ = get(address, "/")

    assert (first.status, same.status, changed.status) == (200, 304, 200)
    assert page == b"index.html"
    versions = [answer.headers["Rolltape-Version"] for answer in (first, changed, later)]
    assert versions[0] != versions[1] == versions[2]
    assert "Rolltape-Version" not in style.headers
    assert unbuilt.status == 200 and "Rolltape-Version" not in unbuilt.headers


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("index.html", REVALIDATE),
        ("static/style.css", REVALIDATE),
        ("static/vendor/pyodide-1/pyodide.asm.wasm", KEEP),
        ("static/vendor/pyodide-1/rolltape-0.1.0-0abc-py3-none-any.whl", KEEP),
        ("static/vendor/pyodide-1/pyodide-lock.json", REVALIDATE),
        ("static/vendor/manifest.json", REVALIDATE),
    ],
)
def test_only_names_that_promise_their_content_are_kept(path: str, wanted: str) -> None:
    assert cache_control(path) == wanted


@pytest.mark.parametrize(
    "path",
    ["/pyproject.toml", "/Makefile", "/py/rolltape/__init__.py", "/.git/config", "/static/../pyproject.toml"]
    + ["/static/%2e%2e/pyproject.toml", "/%2e%2e/%2e%2e/etc/passwd", "/static/", "/static/vendor"],
)
def test_nothing_but_the_page_is_served(base_url: str, path: str) -> None:
    answer, body = get(base_url, path)

    assert answer.status in (404, 405)
    assert b"rolltape" not in body


def test_the_page_carries_the_same_policy_for_hosts_that_send_no_headers() -> None:
    html = (ROOT / "index.html").read_text()

    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert policy == CONTENT_SECURITY_POLICY


def test_everything_the_page_names_is_there(base_url: str) -> None:
    html = (PAGE / "index.html").read_text() + (PAGE / "static" / "boot.js").read_text()
    named = set(re.findall(r'(?:href|src|config)="(static/[^"]+)"', html))
    named |= {f"static/{name}" for name in re.findall(r'import\("\./([^"]+)"\)', html)}

    assert len(named) > 8
    assert [name for name in sorted(named) if get(base_url, f"/{name}", "HEAD")[0].status != 200] == []
