"""An OME-Zarr tomogram that is a view of an MRC file: metadata, and the name of the file."""

import json
from pathlib import Path

from picking.files.mrc_codec import CODEC_ID, MrcChunk
from picking.files.tomogram_stamp import VIEWED_FILE
from picking.files.whole_files import write_whole_text

# The one chunk, as copick names it.
CHUNK = Path("0", "0", "0", "0")


def write_view(folder: Path, chunk: MrcChunk, voxel_angstrom: float) -> None:
    """Write a view.

    Parameters
    ----------
    folder : Path
        Folder of the OME-Zarr tomogram; made if it is missing.
    chunk : MrcChunk
        The MRC file and how it is read.
    voxel_angstrom : float
        Side of a voxel, Å.
    """
    scale = {"type": "scale", "scale": [voxel_angstrom] * 3}
    multiscale = {
        "version": "0.4",
        "name": "/",
        "axes": [{"name": axis, "type": "space", "unit": "angstrom"} for axis in "zyx"],
        "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
    }
    array = {
        "zarr_format": 2,
        "shape": list(chunk.shape_zyx),
        "chunks": list(chunk.shape_zyx),
        "dtype": "<f4",
        "compressor": {"id": CODEC_ID},
        "fill_value": 0.0,
        "order": "C",
        "filters": None,
        "dimension_separator": "/",
    }
    contents = {
        ".zgroup": {"zarr_format": 2},
        ".zattrs": {"multiscales": [multiscale], VIEWED_FILE: str(chunk.path)},
        "0/.zarray": array,
    }
    for name, content in contents.items():
        write_whole_text(folder / name, json.dumps(content, indent=2) + "\n")
    write_whole_text(folder / CHUNK, chunk.model_dump_json() + "\n")
