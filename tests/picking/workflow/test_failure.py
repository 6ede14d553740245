"""What a failed workflow says at the end."""

import os
from pathlib import Path

from picking.workflow.failure import failure_reasons


def log(folder: Path, name: str, text: str, seconds: float = 100.0) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (seconds, seconds))
    return path


def test_each_reason_once_and_none_of_an_earlier_call(tmp_path: Path) -> None:
    log(tmp_path, "a/1.txt", "reading\nerror: TS_1: is damaged; copy it again\n")
    log(tmp_path, "a/2.txt", "reading: 50%|##  |  [00:01]error: TS_1: is damaged; copy it again\n")
    log(tmp_path, "b.txt", "error: of yesterday; fix it\n", seconds=50.0)
    assert failure_reasons(tmp_path, since=99.0) == ["error: TS_1: is damaged; copy it again"]


def test_a_trace_is_named_with_its_log(tmp_path: Path) -> None:
    path = log(tmp_path, "a.txt", "Traceback (most recent call last):\n  File\nMemoryError\n\n")
    (reason,) = failure_reasons(tmp_path, since=0.0)
    assert reason == f"error: MemoryError (a bug or the machine; all of it: {path})"


def test_a_job_that_said_nothing(tmp_path: Path) -> None:
    log(tmp_path, "a.txt", "reading\n")
    (reason,) = failure_reasons(tmp_path, since=0.0)
    assert "without a word" in reason
    assert str(tmp_path) in reason
