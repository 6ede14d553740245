"""The error that is meant for a person."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

# What a person can fix, and how; any other failure of the file system is a bug of ours.
REFUSED_BY_FILE_SYSTEM = {
    errno.EACCES: "give yourself the permission, or take another folder",
    errno.EPERM: "give yourself the permission, or take another folder",
    errno.EROFS: "run in a folder that you may write to (--directory)",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.ENOSPC: "make room; what is finished is kept, start again",
    errno.EDQUOT: "make room in your quota; what is finished is kept, start again",
}
# What has to do with no file in particular.
OF_THE_MACHINE = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.ESTALE,
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
}


class InputError(Exception):
    """Something the user gave is wrong; the message says what, where, and how to fix it.

    Parameters
    ----------
    where : object
        The file, configuration key or run at fault.
    what : str
        What is wrong with it.
    fix : str
        What the user can do about it.
    """

    def __init__(self, where: object, what: str, fix: str) -> None:
        super().__init__(f"{where}: {what}; {fix}")


def in_one_line(error: Exception) -> str:
    """Say what an exception says in one line; of a failed validation the first key's fault.

    What a file says may be part of it, so that characters that would steer a terminal are left out.
    """
    text = str(error)
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        key = ".".join(str(part) for part in detail["loc"])
        message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        text = f"{key}: {message}" if key else message
    line = " ".join(text.split())
    return "".join(character for character in line if character.isprintable())


class MachineError(InputError):
    """The machine is at fault, not what it works on: the next run would fail as well."""


def is_of_the_machine(error: BaseException) -> bool:
    """Whether an exception, or one that it was raised for, is the machine's fault."""
    return any(
        isinstance(cause, MachineError | ConnectionError | TimeoutError | socket.gaierror)
        or (isinstance(cause, OSError) and cause.errno in OF_THE_MACHINE)
        for cause in with_causes(error)
    )


def with_causes(error: BaseException) -> Iterator[BaseException]:
    """Give an exception, the one that it was raised for, and so on."""
    present: BaseException | None = error
    while present is not None:
        yield present
        present = present.__cause__ or present.__context__


@contextmanager
def refusals_for_people() -> Iterator[None]:
    """Turn what the file system refuses (REFUSED_BY_FILE_SYSTEM) into an error for a person.

    Raises
    ------
    InputError
        It names the file, the reason and what to do.
    """
    try:
        yield
    except OSError as error:
        fix = REFUSED_BY_FILE_SYSTEM.get(error.errno or 0)
        if fix is None:
            raise
        raise InputError(error.filename or "a file", str(error.strerror), fix) from None
