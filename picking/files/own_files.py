"""Folders that people may write to as well: only files of ours in them are ever replaced.

copick's overlays are such folders: ChimeraX and napari save a person's picks into the one that
holds ours. So a list of what we wrote is kept, with a digest of every file; what is not on it, or
has changed since, is a person's.
"""

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from picking.errors import InputError
from picking.files.whole_files import UNFINISHED, write_whole_text

# The list in a folder that may be moved, as that of a command, which writes wherever it is told to.
LIST_INSIDE = ".own-files.json"

# Digests of a file that are ours, by its path within the folder.
Written = Mapping[str, list[str]]


@contextmanager
def own_files(
    folder: Path,
    *,
    listing: Path | None = None,
    named_as_ours: Callable[[Path], bool] = lambda _: False,
) -> Iterator[Path]:
    """Give an empty folder whose files take their places in ``folder`` when the block succeeds.

    Files that we wrote there before and that are no longer made are removed; all others stay. If
    the block raises, everything stays.

    Parameters
    ----------
    folder : Path
        Where the finished files shall stand; it may hold a person's files.
    listing : Path or None
        The list of what we wrote; None: beside the folder (:func:`list_of_own_files`).
    named_as_ours : callable
        Whether a path within the folder has a name that nobody else gives: in a folder without a
        list, such files are ours.

    Yields
    ------
    Path
        The temporary folder to write to, on the same file system.

    Raises
    ------
    InputError
        If a person's file stands where one of ours has to; nothing is changed then.
    """
    folder = Path(folder)
    if folder.is_symlink():  # what we make has to be on the disk where it is going to stand
        folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{uuid.uuid4().hex[:8]}{UNFINISHED}{folder.name}")
    unfinished.mkdir()
    try:
        yield unfinished
        _take_places(unfinished, folder, listing or list_of_own_files(folder), named_as_ours)
    finally:
        shutil.rmtree(unfinished)


def list_of_own_files(folder: Path) -> Path:
    """Name the file beside a folder that lists what we wrote into it."""
    return folder.with_name(f".{folder.name}-own-files.json")


def _take_places(
    made: Path, folder: Path, listing: Path, named_as_ours: Callable[[Path], bool]
) -> None:
    before = _read(listing) if listing.exists() else _named(folder, named_as_ours)
    new = {
        path.relative_to(made).as_posix(): [_digest(path)]
        for path in sorted(made.rglob("*"))
        if path.is_file()
    }

    def is_ours(name: str) -> bool:
        path = folder / name
        if path.is_symlink() or not path.is_file():
            return False
        return _digest(path) in (*before.get(name, ()), *new.get(name, ()))

    for name in new:
        path = folder / name
        for parent in path.relative_to(folder).parents:
            if (folder / parent).exists() and not (folder / parent).is_dir():
                raise _not_ours(folder / parent, folder)
        if (path.exists() or path.is_symlink()) and not is_ours(name):
            raise _not_ours(path, folder)
    # Both, in case that we are stopped half-way.
    _write(listing, {name: [*before.get(name, ()), *new.get(name, ())] for name in before | new})
    for name in new:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (made / name).replace(path)
    for name in before:
        if name not in new and is_ours(name):
            (folder / name).unlink()
            _remove_if_empty((folder / name).parent, folder)
    folder.mkdir(exist_ok=True)
    _write(listing, new)


def _not_ours(path: Path, folder: Path) -> InputError:
    return InputError(
        path,
        "was not written by this workflow, or was changed since, and a file of ours has to stand "
        "there",
        f"move it away, or all of {folder} if nothing in it is yours; save your own picks under a "
        "user or session of your own",
    )


def _named(folder: Path, named_as_ours: Callable[[Path], bool]) -> dict[str, list[str]]:
    """Digests of the files whose names alone make them ours."""
    inside = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {path.as_posix(): [_digest(folder / path)] for path in inside if named_as_ours(path)}


def _remove_if_empty(path: Path, root: Path) -> None:
    while path != root and not any(path.iterdir()):
        path.rmdir()
        path = path.parent


def _read(listing: Path) -> dict[str, list[str]]:
    """Digests of what we wrote; none where the list is missing or damaged: all is a person's."""
    try:
        content = json.loads(listing.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {
        str(name): [str(digest) for digest in digests]
        for name, digests in (content.items() if isinstance(content, dict) else ())
        if isinstance(digests, list)
    }


def _write(listing: Path, written: Written) -> None:
    write_whole_text(listing, json.dumps(written, indent=1, sort_keys=True) + "\n")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
