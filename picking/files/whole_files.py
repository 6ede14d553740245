"""Files that appear whole or not at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# In the name of what is being written.
UNFINISHED = "-unfinished-"


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """Give a temporary sibling of ``path`` that takes its place when the block succeeds.

    If the block raises, the sibling is removed and whatever stood at ``path`` before stays as it
    was. For folders see :func:`picking.files.own_files.own_files`.

    Parameters
    ----------
    path : Path
        Where the finished file shall stand; missing parent folders are made.

    Yields
    ------
    Path
        The temporary path to write to, on the same file system and with the same suffix.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{uuid.uuid4().hex[:8]}{UNFINISHED}{path.name}")
    try:
        yield unfinished
        # On the disk before it has its name: a power cut would leave the name of an empty file.
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed process that wrote to ``folder`` has left; no other may write there."""
    for leftover in Path(folder).glob(f".*{UNFINISHED}*"):
        leftover.unlink()


def write_whole_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, whole or not at all."""
    with whole_path(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
