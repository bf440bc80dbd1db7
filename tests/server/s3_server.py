"""An S3 server of a test's own: SeaweedFS, one program, with a bucket in a folder."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from random import Random

import obstore
from obstore.store import S3Store

from waiting import wait_for

BUCKET = "recordings"
KEY, SECRET = "the-key-of-the-tests", "the-secret-of-the-tests"
GRPC = 10_000
"""By so much each of its ports has a second one above it."""
SERVERS = ("s3", "master", "volume", "filer")


class S3Server:
    """It can be ended and started again; its objects stay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = dict(zip(SERVERS, _free_ports(len(SERVERS)), strict=True))
        self.address = f"http://127.0.0.1:{self._ports['s3']}"

    def environment(self, secret: str = SECRET) -> dict[str, str]:
        """What a process is told that uses it."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.address,
        }

    def start(self) -> None:
        program = shutil.which("weed", path=str(Path(sys.executable).parent))
        assert program is not None, "make .venv/.test installs it"
        self.process = subprocess.Popen(
            [
                *(program, "mini", f"-dir={self.folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                *(f"-{name}.port={port}" for name, port in self._ports.items()),
                *("-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"),
                "-master.telemetry=false",
            ],
            env=self.environment() | {"S3_BUCKET": BUCKET, "HOME": str(self.folder)},
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._answers, "the S3 server answers", 60)

    def end(self) -> None:
        self.process.kill()
        self.process.wait(30)

    @property
    def store(self) -> S3Store:
        return S3Store(
            BUCKET,
            endpoint=self.address,
            access_key_id=KEY,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True},
        )

    def listed(self) -> list[str]:
        """The keys of all objects."""
        return sorted(one["path"] for some in obstore.list(self.store) for one in some)

    def unfinished(self) -> list[str]:
        """What is there of objects that were begun and never finished: no listing of the bucket has it."""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self._ports['filer']}/buckets/{BUCKET}/.uploads/",
            headers={"Accept": "application/json"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return sorted(one["FullPath"] for one in json.load(answer)["Entries"] or [])
        except urllib.error.HTTPError as error:
            assert error.code == 404
            return []

    def _answers(self) -> bool:
        try:
            return bool(self.listed() or True)
        except Exception:
            return False


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    random = Random()
    while len(found) < count:
        port = random.randrange(20_000, 32_000)
        if port not in found and _is_free(port) and _is_free(port + GRPC):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
