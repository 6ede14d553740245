"""How a copick project elsewhere is reached, and what of that may be written into a result.

A project's configuration may hold credentials among the arguments of its file systems. A result
gets all arguments but those: they stay in the user's own file, which the copy names, and are read
from there whenever the project is opened.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from picking.errors import InputError

# Keys of a copick configuration that hold arguments of file systems, and the address of each.
ARGUMENT_KEYS = {
    "static_fs_args": "static_root",
    "overlay_fs_args": "overlay_root",
    "croissant_fs_args": "croissant_url",
}
ADDRESS_KEYS = ("static_root", "overlay_root", "croissant_url", "croissant_base_url")
# Our key, which copick passes over: by a key of arguments, the file and the key that hold all.
KEPT_IN = "tomosieve_arguments_kept_in"
# Arguments of fsspec's file systems (S3, SSH, https, SMB, Google, Azure) that open no door, at any
# depth. Whatever is not listed is taken for a credential: a new one must not slip through.
NO_CREDENTIALS = frozenset(
    {
        "account_name",
        "addressing_style",
        "anon",
        "auto_mkdir",
        "cache_regions",
        "client_kwargs",
        "config_kwargs",
        "connect_timeout",
        "default_block_size",
        "default_cache_type",
        "default_fill_cache",
        "endpoint_url",
        "host",
        "max_concurrency",
        "max_pool_connections",
        "port",
        "profile",
        "project",
        "read_timeout",
        "region_name",
        "requester_pays",
        "retries",
        "s3",
        "signature_version",
        "skip_instance_cache",
        "timeout",
        "use_listings_cache",
        "use_ssl",
        "verify",
    }
)


# Of addresses that may be signed or hold a token; "ssh://user@host" gives nothing away.
WEB_PROTOCOLS = ("http", "https")


def without_credentials(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out arguments of a file system that may be credentials, at every depth."""
    shown = {}
    for key, value in arguments.items():
        if key not in NO_CREDENTIALS or (isinstance(value, str) and _holds_password(value)):
            continue
        if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            continue
        shown[key] = without_credentials(value) if isinstance(value, Mapping) else value
    return shown


def with_shown_arguments(
    content: Mapping[str, Any], copick_config: Path, sources: Mapping[str, str]
) -> dict[str, Any]:
    """Replace the arguments of all file systems by those that may be written into a result.

    Parameters
    ----------
    content : mapping
        Content of a copick configuration.
    copick_config : Path
        Its file.
    sources : mapping of str to str
        By each key of arguments that the new configuration gets, the key in ``content``.

    Returns
    -------
    dict
        The new content, with KEPT_IN if something was left out.
    """
    kept_before = content.get(KEPT_IN, {})
    replaced = {*ARGUMENT_KEYS, KEPT_IN}
    shown = {key: value for key, value in content.items() if key not in replaced}
    kept = {}
    for key, source in sources.items():
        arguments = content.get(source) or {}
        shown[key] = without_credentials(arguments)
        if source in kept_before:
            kept[key] = kept_before[source]
        elif shown[key] != arguments:
            kept[key] = [str(Path(copick_config).absolute()), source]
    return shown | ({KEPT_IN: kept} if kept else {})


def with_kept_arguments(content: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the arguments of a configuration of ours from the user's file.

    Where that is not there any more, or is of another address, which must not get the credentials,
    the arguments stay without: the environment may hold them (``AWS_ACCESS_KEY_ID`` and the like).
    """
    complete = dict(content)
    for shown_as, (path, key) in content.get(KEPT_IN, {}).items():
        try:
            kept = json.loads(Path(path).read_text(encoding="utf-8"))
            is_same = kept.get(ARGUMENT_KEYS[key]) == content.get(ARGUMENT_KEYS[shown_as])
            if is_same and kept.get(key):
                complete[shown_as] = kept[key]
        except (OSError, ValueError, AttributeError, KeyError):
            continue
    return complete


def refuse_passwords_in_addresses(content: Mapping[str, Any], copick_config: Path) -> None:
    """Refuse an address that holds a password, which a copy of the address would give away.

    Raises
    ------
    InputError
        It names the key, and not the address.
    """
    for key in ADDRESS_KEYS:
        address = content.get(key)
        if isinstance(address, str) and _holds_password(address):
            raise InputError(
                copick_config,
                f"{key} holds a password, which would be copied with the address",
                f"give it as an argument of the file system ({key.split('_')[0]}_fs_args)",
            )


def _holds_password(address: str) -> bool:
    try:
        parts = urlsplit(address)
        # A token stands where a name would, and a signature in the query.
        is_signed = parts.scheme in WEB_PROTOCOLS and bool(parts.username or parts.query)
        return parts.password is not None or is_signed
    except ValueError:  # no address
        return False
