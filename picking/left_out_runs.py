"""Runs that fail: left out, so that one bad tomogram does not sink the rest, or the end."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from picking.config.pipeline import OnError
from picking.errors import InputError, in_one_line
from picking.files.batch_record import FailedRun


@contextmanager
def left_out_if_it_fails(
    run: str,
    on_error: OnError,
    leave_out: Callable[[str, FailedRun], None],
    tomogram_digest: Callable[[], str] = str,
) -> Iterator[None]:
    """Work on a run; if it fails, leave it out and go on.

    What the machine is to blame for (a full disk, too little memory) ends the job all the same:
    the next run would fail as well.

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
    except (OSError, MemoryError):
        raise
    except InputError as error:
        if on_error == "stop":
            raise
        reason = str(error)
    except Exception as error:
        if on_error == "stop":
            raise
        traceback.print_exc()
        reason = f"{type(error).__name__}: {in_one_line(error)} (a bug; the log has its trace)"
    print(f"warning: run {run} is left out: {reason}", file=sys.stderr)
    leave_out(run, FailedRun(reason=reason, tomogram=tomogram_digest()))
