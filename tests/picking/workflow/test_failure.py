"""What a failed workflow says at the end."""

import os
import time
from pathlib import Path

from picking.workflow.failure import ahead_of_the_clock, clock_of_folder, failure_reasons, log_times


def log(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_each_reason_once_and_none_of_an_earlier_call(tmp_path: Path) -> None:
    log(tmp_path, "b.txt", "error: of yesterday; fix it\n")
    again = log(tmp_path, "c.txt", "error: of yesterday as well; fix it\n")
    before = log_times(tmp_path)
    log(tmp_path, "a/1.txt", "reading\nerror: TS_1: is damaged; copy it again\n")
    log(tmp_path, "a/2.txt", "reading: 50%|##  |  [00:01]error: TS_1: is damaged; copy it again\n")
    again.write_text("done\n")
    # A server whose clock lags far behind ours.
    os.utime(again, (100.0, 100.0))
    assert failure_reasons(tmp_path, before) == ["error: TS_1: is damaged; copy it again"]


def test_a_log_of_a_lagging_file_server_is_read(tmp_path: Path) -> None:
    path = log(tmp_path, "a.txt", "error: TS_1: is damaged; copy it again\n")
    os.utime(path, (100.0, 100.0))
    assert failure_reasons(tmp_path, {}) == ["error: TS_1: is damaged; copy it again"]


def test_a_trace_is_named_with_its_log(tmp_path: Path) -> None:
    path = log(tmp_path, "a.txt", "Traceback (most recent call last):\n  File\nMemoryError\n\n")
    (reason,) = failure_reasons(tmp_path, {})
    assert reason == f"error: MemoryError (a bug or the machine; all of it: {path})"


def test_a_job_that_said_nothing_gives_no_reason(tmp_path: Path) -> None:
    log(tmp_path, "a.txt", "reading\n")
    assert failure_reasons(tmp_path, {}) == []


def test_a_file_ahead_of_the_clock_is_named(tmp_path: Path) -> None:
    now, later = log(tmp_path, "now.txt", ""), log(tmp_path, "later.txt", "")
    os.utime(now, (1000.0, 1000.0))
    os.utime(later, (1600.0, 1600.0))
    files = [tmp_path / "none", now, later]
    said = ahead_of_the_clock(files, now=1000.0)
    assert said is not None
    assert said.startswith(f"error: {later}: its time lies 600 s ahead of this machine's clock")
    assert ahead_of_the_clock(files, now=1599.0) is None


def test_a_file_server_whose_clock_is_off_is_named(tmp_path: Path) -> None:
    assert clock_of_folder(tmp_path, time.time()) is None
    for shift, said in ((600, "600 s behind this"), (-600, "600 s ahead of this")):
        line = clock_of_folder(tmp_path, time.time() + shift)
        assert line is not None
        assert said in line
    assert list(tmp_path.iterdir()) == []
