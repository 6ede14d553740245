"""Runs that fail: left out, so that one bad tomogram does not sink the rest, or the end."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from picking.config.pipeline import OnError
from picking.errors import InputError, in_one_line, is_of_the_machine, with_causes
from picking.files.batch_record import FailedRun


@contextmanager
def left_out_if_it_fails(
    run: str,
    on_error: OnError,
    leave_out: Callable[[str, FailedRun], None],
    tomogram_digest: Callable[[], str] = str,
) -> Iterator[None]:
    """Work on a run; if it fails, leave it out and go on.

    What the machine is to blame for (a full disk, a network that is gone, a graphics card without
    memory) ends the job all the same: the next run would fail as well.

    Parameters
    ----------
    run : str
        Name of the run.
    on_error : {"skip", "stop"}
        With "stop" every failure is raised.
    leave_out : callable
        Is told the run and why it failed.
    tomogram_digest : callable
        Digest of the run's tomogram, by which a mended one is noticed.
    """
    try:
        yield
        return
    except Exception as error:
        if on_error == "stop" or is_of_the_machine(error):
            raise
        reason = str(error)
        if not isinstance(error, InputError):
            traceback.print_exc()
            reason = f"{type(error).__name__}: {in_one_line(error)} (a bug; the log has its trace)"
        # Damaged metadata ask for more memory than there is, and so does a busy machine.
        memory = any(isinstance(cause, MemoryError) for cause in with_causes(error))
        is_its_fault = isinstance(error, InputError) and not memory
        failed = FailedRun(reason=reason, tomogram=tomogram_digest() if is_its_fault else "")
    print(f"warning: run {run} is left out: {failed.reason}", file=sys.stderr)
    leave_out(run, failed)
