"""A graphics card for every job of its own, where jobs run side by side on one machine.

Snakemake counts cards (``--resources gpu=N``) but does not hand them out, so that every job would
take the first. A job locks the card that it takes, by the card's own identifier: the lock holds
wherever the card's number differs between jobs (CUDA_VISIBLE_DEVICES, Slurm), and the system
releases it when the process ends, however it ends.
"""

import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from picking.errors import InputError

LOCKS = Path(tempfile.gettempdir()) / "tomosieve-gpu"
# Other users' jobs may hold the same cards: they may add and lock files, not remove them (sticky).
FOLDER_MODE, FILE_MODE = 0o1777, 0o644
SECONDS_BETWEEN_LOOKS = 2.0

# Open files of the cards that this process holds, until it ends.
_held: dict[str, int] = {}


def take_card(identifiers: Sequence[str], *, wait: bool = True, locks: Path = LOCKS) -> int:
    """Lock a card that no other process has locked.

    A process that holds one of them already gets the same again.

    Parameters
    ----------
    identifiers : sequence of str
        One for each card that this process may use, the same in every process.
    wait : bool
        Whether to wait until a card is free.
    locks : Path
        Folder of the lock files.

    Returns
    -------
    int
        Place of the card among ``identifiers``.

    Raises
    ------
    InputError
        If all are locked and ``wait`` is false, or no file can be locked there.
    """
    for index, identifier in enumerate(identifiers):
        if identifier in _held:
            return index
    said = False
    while True:
        for index, identifier in enumerate(identifiers):
            try:
                handle = _locked(_lock_file(identifier, locks))
            except OSError as error:
                raise InputError(
                    locks,
                    f"no file can be locked there ({error.strerror})",
                    "set TMPDIR to a folder where one can",
                ) from error
            if handle is not None:
                _held[identifier] = handle
                return index
        if not wait:
            raise InputError(
                "graphics cards",
                f"all {len(identifiers)} are taken, by other jobs or this training's own processes",
                "give no more stage1_proposals.training.processes than there are cards, and "
                "--resources gpu=N with their number, so that no other job takes one",
            )
        if not said:
            print("waiting for a graphics card that no other job uses", file=sys.stderr)
            said = True
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _lock_file(identifier: str, locks: Path) -> Path:
    if not locks.is_dir():
        locks.mkdir(parents=True, exist_ok=True)
        with suppress(PermissionError):  # another user has just made it
            locks.chmod(FOLDER_MODE)
    return locks / f"{identifier}.lock"


def _locked(path: Path) -> int | None:
    """Handle of the file, locked; None if another process has it locked."""
    try:
        # A lock needs no right to write, so another user's file serves as well.
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        handle = os.open(path, os.O_RDONLY | os.O_CREAT, FILE_MODE)
        with suppress(PermissionError):
            os.fchmod(handle, FILE_MODE)  # whatever the umask
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
