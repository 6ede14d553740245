"""A zarr store in which a chunk that is not there is an error, not a piece of fill value."""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from zarr.storage import BaseStore, DirectoryStore, FSStore, Store, normalize_store_arg

from picking.files.copick_project import is_on_this_machine

# How many absent chunks a message names.
NAMED_CHUNKS = 3
# What stands between the indices in the names of the chunks that copick writes: 0/1/2.
NESTED_SEPARATOR = "/"
WRITE_EMPTY_CHUNKS = (
    "chunks of nothing but zeros have to be written out too, with zarr's write_empty_chunks"
)


class WholeStore(Store):  # type: ignore[misc]  # zarr 2 tells no types
    """Read-only view of a store whose arrays have to be whole.

    zarr takes a chunk that it cannot find for one that was never written, and gives its fill value.
    So do files that were deleted or not copied, links that lead nowhere, and files that may not be
    read. The metadata of Zarr v2 do not tell these from a chunk that was left out because it holds
    nothing but zeros, which is rare: a hole that is taken for ice costs more than writing it out.

    Parameters
    ----------
    store : mutable mapping
        The store; only read.
    """

    def __init__(self, store: MutableMapping[str, Any]) -> None:
        self._store: BaseStore = normalize_store_arg(store, mode="r")
        # copick looks for chunks named 0/0/0 whatever the array says; zarr's own default is 0.0.0.
        self._as_the_array_says = (
            FSStore(store.path, fs=store.fs, mode="r", normalize_keys=store.normalize_keys)
            if isinstance(store, FSStore)
            else self._store
        )

    @property
    def local_folder(self) -> Path | None:
        """Folder of the store; None if it is not on this machine."""
        is_local = isinstance(self._store, DirectoryStore) or (
            isinstance(self._store, FSStore) and is_on_this_machine(self._store.fs)
        )
        return Path(self._store.path) if is_local else None

    def getitems(self, keys: Sequence[str], *, contexts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read chunks.

        Raises
        ------
        OSError
            If one of them is absent or may not be read.
        """
        found = dict(self._store.getitems(keys, contexts=contexts))
        absent = [key for key in keys if key not in found]
        if absent:
            found |= self._as_the_array_says.getitems(absent, contexts=contexts)
            absent = [key for key in keys if key not in found]
        if absent:
            named = ", ".join(absent[:NAMED_CHUNKS])
            raise OSError(
                f"{len(absent)} of {len(keys)} chunks are absent or may not be read, for "
                f"instance {named}; {WRITE_EMPTY_CHUNKS}"
            )
        return found

    def __getitem__(self, key: str) -> Any:
        try:
            return self._store[key]
        except KeyError as error:
            # zarr takes metadata that may not be read for none.
            if isinstance(error.__cause__, PermissionError):
                raise error.__cause__ from None
            raise

    def __contains__(self, key: object) -> bool:
        if key in self._store:
            return True
        if self.local_folder is not None:
            # What is in a folder that may not be entered is not known to be absent.
            with suppress(FileNotFoundError, NotADirectoryError):
                (self.local_folder / str(key)).stat()
        return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._store)

    def __len__(self) -> int:
        return len(self._store)

    def __setitem__(self, key: str, value: Any) -> None:
        raise PermissionError(f"{key}: this store is only read")

    def __delitem__(self, key: str) -> None:
        raise PermissionError(f"{key}: this store is only read")
