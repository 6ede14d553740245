"""Whose fault a failure is: the run's, which is left out, or the machine's, which ends the job."""

import errno
import socket

import pytest

from picking.errors import InputError, MachineError
from picking.files.batch_record import FailedRun
from picking.left_out_runs import left_out_if_it_fails


def failure_of(error: Exception, cause: Exception | None = None) -> FailedRun:
    failed: dict[str, FailedRun] = {}
    with left_out_if_it_fails("R1", "skip", failed.__setitem__, lambda: "digest"):
        try:
            if cause is not None:
                raise cause
        except type(cause or error):
            raise error from None
        raise error
    return failed["R1"]


def test_a_bad_tomogram_is_left_out_until_it_has_changed() -> None:
    assert failure_of(InputError("R1", "is damaged", "mend it")) == FailedRun(
        reason="R1: is damaged; mend it", tomogram="digest"
    )


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ZeroDivisionError("by nothing"), None),
        (InputError("R1", "cannot be read", "copy it"), MemoryError()),
    ],
)
def test_what_may_not_be_its_fault_is_tried_again(
    error: Exception, cause: Exception | None
) -> None:
    assert failure_of(error, cause).tomogram == ""


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.ENOSPC, "No space left"), None),
        (MachineError("the card", "has too little memory", "give smaller windows"), None),
        (InputError("R1", "cannot be read", "copy it"), OSError(errno.EMFILE, "Too many files")),
        (InputError("project", "cannot be reached", "look"), socket.gaierror(-2, "no name")),
        (InputError("project", "cannot be reached", "look"), ConnectionResetError()),
    ],
)
def test_faults_of_the_machine_end_the_job(error: Exception, cause: Exception | None) -> None:
    with pytest.raises(type(error)):
        failure_of(error, cause)


def test_every_failure_does_where_nothing_is_to_be_left_out() -> None:
    with (
        pytest.raises(InputError, match="is damaged"),
        left_out_if_it_fails("R1", "stop", lambda *_: None),
    ):
        raise InputError("R1", "is damaged", "mend it")
