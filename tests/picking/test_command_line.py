"""What a command says when the file system refuses, and what stays a stack trace."""

import errno
from collections.abc import Sequence
from pathlib import Path

import pytest

from picking.command_line import EXIT_BAD_INPUT, command_parser, run_command
from picking.errors import InputError, in_one_line


def failing(error: Exception):
    def main(argv: Sequence[str] | None) -> None:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("a.csv", "is empty", "fill it"), "error: a.csv: is empty; fill it\n"),
        (
            PermissionError(errno.EACCES, "Permission denied", "a.csv"),
            "error: a.csv: Permission denied; give yourself the permission, or take another "
            "folder\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "error: a file: No space left on device; make room; what is finished is kept, start "
            "again\n",
        ),
    ],
)
def test_one_line_and_an_exit_status(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_command(failing(error))
    assert stopped.value.code == EXIT_BAD_INPUT
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "No such file"), KeyError("x")])
def test_a_bug_keeps_its_trace(error: Exception) -> None:
    with pytest.raises(type(error)):
        run_command(failing(error))


def test_many_lines_become_one() -> None:
    assert in_one_line(ValueError("first\n   second")) == "first second"


def test_a_list_may_be_a_file(tmp_path: Path) -> None:
    parser = command_parser("any", with_config=False)
    parser.add_argument("--runs", nargs="*")
    (tmp_path / "runs.txt").write_text("TS_1\nTS 2\n")
    (tmp_path / "none.txt").write_text("")
    assert parser.parse_args(["--runs", f"@{tmp_path}/runs.txt"]).runs == ["TS_1", "TS 2"]
    assert parser.parse_args(["--runs", f"@{tmp_path}/none.txt"]).runs == []
