"""Where the weights that a training starts from lie, and what tells them from others."""

import hashlib
from pathlib import Path

from picking.config.stage1_proposals import NOTHING, PRETRAINED, Start
from picking.errors import InputError

# One file for each encoder that was pretrained.
SHIPPED_WEIGHTS = Path(__file__).parents[2] / "stage1_proposals" / "pretrained"
# Digits of a file's digest: enough to tell the weights of two versions.
DIGEST_DIGITS = 12


def start_file(start: Start, encoder: str) -> Path | None:
    """File that trainings of an encoder start from; None: they start from nothing."""
    if start == NOTHING:
        return None
    if start != PRETRAINED:
        return Path(start)
    shipped = SHIPPED_WEIGHTS / f"{encoder}.safetensors"
    return shipped if shipped.exists() else None


def start_name(start: Start, encoder: str) -> str:
    """Name what trainings start from, without a path: the same file has the same name anywhere.

    Raises
    ------
    InputError
        If the user's file cannot be read.
    """
    path = start_file(start, encoder)
    if path is None:
        return NOTHING
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            path,
            f"these weights cannot be read ({error.strerror})",
            "give stage1_proposals.start another file, or nothing",
        ) from error
    name = PRETRAINED if start == PRETRAINED else path.name
    return f"{name} {hashlib.sha256(content).hexdigest()[:DIGEST_DIGITS]}"
