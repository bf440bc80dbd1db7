"""`rolltape serve` as people start it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rolltape.__main__ import main
from rolltape.room.client import new_secret
from rolltape.room.messages import VERSION, Role
from server.visitors import post
from waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"^(Guest|Director|Home): +(\S+)$", re.M)


class Started:
    """A server, its links and its port."""

    def __init__(self, folder: Path, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.said, self.log = folder / "out.txt", folder / "log.txt"
        is_said = {"--takes", "--no-takes"} & {*options}
        kept = [] if is_said else ["--takes", str(folder / "takes")]
        with self.said.open("w") as said, self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rolltape", "serve", "--port", str(self.port), *kept, *options],
                cwd=ROOT,
                env=os.environ | {"XDG_STATE_HOME": str(folder / "state")},
                stdout=said,
                stderr=log,
            )
        wait_for(lambda: "Serving." in self.log.read_text(), "it serves", 20)

    @property
    def links(self) -> dict[str, str]:
        return dict(LINK.findall(self.said.read_text()))

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=5)
        connection.request("GET", path, headers={name.replace("_", "-"): to for name, to in headers.items()})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found

    def join(self, room: str, role: Role, **more: str) -> tuple[int, dict[str, object]]:
        asked = {"v": VERSION, "room": room, "role": role, "secret": new_secret()} | more
        return post(f"http://localhost:{self.port}/api/join", asked)


@contextmanager
def started(folder: Path, *options: str) -> Iterator[Started]:
    server = Started(folder, *options)
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(10)


def test_the_links_it_prints_open_one_room_at_once_and_after_a_restart(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        assert list(server.links) == ["Guest", "Director", "Home"]
        match = re.fullmatch(
            r"http://localhost:\d+/\?room=([\w-]+)&record=6000#invite=(\S+)", server.links["Guest"]
        )
        assert match
        room, invite = match.groups()
        directing = re.fullmatch(
            rf"http://localhost:\d+/\?director={room}#key=(\S+)", server.links["Director"]
        )
        assert directing

        guest = server.join(room, Role.GUEST, invite=invite)
        director = server.join(room, Role.DIRECTOR, key=directing[1])
        assert (guest[0], director[0]) == (200, 200)
        assert guest[1]["key_id"] == director[1]["key_id"] != ""
        assert server.get("/healthz") == (200, "ok\n")
        assert server.get("/metrics")[0] == 404

    with started(tmp_path) as server:
        assert room not in server.links["Guest"]
        assert server.join(room, Role.GUEST, invite=invite)[1]["key_id"] == guest[1]["key_id"]
    assert [json.loads(line)["from"] for line in server.log.read_text().splitlines()]


def test_figures_are_for_who_has_their_token(tmp_path: Path) -> None:
    token = tmp_path / "metrics-token"
    with started(tmp_path, "--metrics-token-file", str(token)) as server:
        server.join("studio", Role.GUEST)

        assert token.stat().st_mode & 0o777 == 0o600
        status, text = server.get("/metrics", Authorization=f"Bearer {token.read_text()}")
        assert status == 200
        assert 'rolltape_joins_total{what="ok"} 1\n' in text
        assert server.get("/metrics")[0] == 404
        assert server.get("/metrics", Authorization="Bearer \u00e4")[0] == 404
        assert server.get("/metrics", Authorization=f"Bearer {token.read_text()[1:]}")[0] == 404


def test_a_page_of_another_site_does_not_reach_the_server_under_its_own_name(tmp_path: Path) -> None:
    with started(tmp_path, "--allowed-host", "record.example.org", "--allowed-host", "*.home.arpa") as server:
        own = ["record.example.org", "RECORD.example.org:443", "studio.home.arpa", "[::1]:8000", "192.0.2.7"]
        for host in [*own, "localhost", f"a.localhost:{server.port}"]:
            assert server.get("/", Host=host)[0] == 200, host
        for host in (
            "evil.example",
            "record.example.org.evil.example",
            "home.arpa",
            "127.0.0.1.evil.example",
        ):
            status, text = server.get("/api/join", Host=host, Origin=f"http://{host}")
            assert (status, "--allowed-host" in text) == (421, True), host


def test_pages_are_served_over_https_with_their_rooms(tmp_path: Path) -> None:
    import ssl
    import urllib.request

    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
        + ["-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True,
        capture_output=True,
    )
    with started(
        tmp_path, "--cert", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem")
    ) as server:
        address = server.links["Home"]
        assert address == f"https://localhost:{server.port}/"
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        body = {"v": VERSION, "room": "a", "role": "guest", "secret": "s" * 16}
        request = urllib.request.Request(
            f"{address}api/join", json.dumps(body).encode(), {"Origin": address.rstrip("/")}
        )
        with urllib.request.urlopen(request, context=trust) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--root", "/"], "There is no page in /"),
        (["--cert", "x"], "HTTPS needs both"),
        (["--turn-url", "turn:x"], "TURN needs both"),
        (["--redis", "x"], "--redis is not an address"),
        (["--redis", "redis://127.0.0.1:1"], "Redis does not answer"),
        (["--host", "192.0.2.1"], "Nothing can listen on 192.0.2.1"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(
    options: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["serve", "--port", "0", "--no-takes", "--secret-file", str(tmp_path / "secret")]
    handlers, level = logging_state()

    status = main([*given, *options])

    restore_logging(handlers, level)
    assert status == 1
    assert sentence in capsys.readouterr().err


def logging_state() -> tuple[list[object], int]:
    import logging

    return list(logging.getLogger().handlers), logging.getLogger().level


def restore_logging(handlers: list[object], level: int) -> None:
    import logging

    logging.getLogger().handlers[:] = handlers  # type: ignore[assignment]
    logging.getLogger().setLevel(level)
