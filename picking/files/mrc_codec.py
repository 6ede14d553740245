"""A numcodecs codec by which an MRC file stands for the one chunk of a Zarr array.

The chunk's own file only names the MRC file, so that an OME-Zarr view of a tomogram takes a few
hundred bytes, and the tomogram stays where it is. :mod:`picking.files.ome_zarr` registers the
codec; other programs find it through the entry point in ``pyproject.toml``, where tomosieve is
installed.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ensure_bytes, ensure_contiguous_ndarray
from pydantic import Field, ValidationError

from picking.config.strict_model import StrictModel
from picking.errors import InputError
from picking.files.mrc_file import read_values

CODEC_ID = "tomosieve_mrc"


class MrcChunk(StrictModel):
    """Content of a chunk's file."""

    path: Path = Field(description="the MRC file, absolute")
    shape_zyx: tuple[int, int, int] = Field(description="its voxels along z, y, x")
    is_inverted: bool = Field(description="whether grey values change their sign")


class MrcFileCodec(Codec):
    """Reads a chunk from the MRC file that the chunk's own file names."""

    codec_id = CODEC_ID

    def encode(self, buf: Any) -> Any:
        """Refuse: nothing is written into an MRC file."""
        raise InputError(CODEC_ID, "MRC files are only read", "write to another array")

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Read the values.

        Parameters
        ----------
        buf : buffer
            An :class:`MrcChunk` as JSON.
        out : buffer or None
            Where to write them.

        Returns
        -------
        ndarray, (Z, Y, X), float32
            Or ``out``.

        Raises
        ------
        InputError
            If the MRC file is missing, damaged, or of another shape than it was.
        """
        try:
            chunk = MrcChunk.model_validate_json(bytes(ensure_bytes(buf)))
        except ValidationError:
            raise ValueError("the chunk does not name an MRC file") from None
        values = (
            np.empty(chunk.shape_zyx, np.float32)
            if out is None
            else ensure_contiguous_ndarray(out).view(np.float32).reshape(chunk.shape_zyx)
        )
        read_values(chunk.path, values)
        if chunk.is_inverted:
            np.negative(values, out=values)
        return values if out is None else out
