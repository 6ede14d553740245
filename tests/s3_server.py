"""An S3 server of this machine: moto's, in a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import s3fs

HOST = "127.0.0.1"
SECONDS_TO_START = 60
SECONDS_TO_STOP = 20
# No secrets: moto takes any. What a result must not hold.
KEY, SECRET = "the-key-of-a-test", "the-secret-of-a-test"


@dataclass(frozen=True)
class S3Server:
    """Address of the server, and its log of all requests."""

    url: str
    log: Path

    @property
    def arguments(self) -> dict[str, str]:
        """Arguments of copick's file systems, with credentials."""
        return {"endpoint_url": self.url, "key": KEY, "secret": SECRET}

    def upload(self, folder: Path, bucket: str, prefix: str = "", *, is_public: bool) -> None:
        """Copy the content of a folder into a bucket, which is made.

        What is not public needs a key, of whatever kind.
        """
        access = {"ACL": "public-read"} if is_public else {}
        files = s3fs.S3FileSystem(
            **self.arguments, s3_additional_kwargs=access, skip_instance_cache=True
        )
        files.makedirs(bucket, exist_ok=True)
        files.put(f"{folder}/", f"{bucket}/{prefix}", recursive=True)

    def requests(self) -> list[str]:
        """What has been asked for so far: method and address, a line each."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line.split('"')[1] for line in lines if line.count('"') > 1]


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Start a server, and stop it; where it does not start, the test is skipped and says why."""
    pytest.importorskip("moto.server", reason="moto[server] is not installed")
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    log = folder / "s3.log"
    with log.open("w", encoding="utf-8") as output:
        command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(process, port, log)
        yield S3Server(f"http://{HOST}:{port}", log)
    finally:
        process.terminate()
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(SECONDS_TO_START * 10):
        with socket.socket() as attempt:
            if attempt.connect_ex((HOST, port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    pytest.skip(f"no S3 server starts here: {log.read_text(encoding='utf-8')[-500:]}")
