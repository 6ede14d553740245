"""What the data of a result are, as the workflow that a person started found them.

A cluster's jobs read the Snakefile again, several times each. They take this from a file of the
result: listing a project of hundreds of tomograms, maybe on a server, is done once.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from picking.config import PipelineConfig
from picking.data_in.import_inputs import ImportInputs
from picking.data_in.inventory import RunInventory, Split
from picking.errors import InputError
from picking.files.json_models import StoredModel

FILE_NAME = "lists/data.json"


class KeptData(StoredModel):
    """The file that keeps it."""

    PROBLEM = "does not say what the data are"
    IF_MISSING = "start again"

    config: str = Field(description="digest of the configuration that the data were looked at by")
    asked: str = Field(description="digest of the configuration as it was given")
    voxel_spacing: float = Field(description="taken from the tomograms, or as it was given, Å")
    runs: RunInventory
    inputs: dict[Split, ImportInputs]


def keep_data(
    results: Path,
    asked: PipelineConfig,
    config: PipelineConfig,
    runs: RunInventory,
    inputs: Mapping[Split, ImportInputs],
) -> None:
    """Write what the data are into the folder of a result.

    ``asked`` is the configuration before a voxel spacing was taken from the tomograms.
    """
    KeptData(
        config=_digest(config),
        asked=_digest(asked),
        voxel_spacing=config.voxel_spacing,
        runs=runs,
        inputs=dict(inputs),
    ).write(results / FILE_NAME)


def kept_spacing(results: Path, asked: PipelineConfig) -> float | None:
    """Read the voxel spacing that was taken from the tomograms; None as of :func:`kept_data`."""
    kept = _read(results)
    return kept.voxel_spacing if kept is not None and kept.asked == _digest(asked) else None


def kept_data(
    results: Path, config: PipelineConfig
) -> tuple[RunInventory, dict[Split, ImportInputs]] | None:
    """Read what :func:`keep_data` wrote.

    Returns
    -------
    tuple or None
        None where there is no such file, or it is damaged or of another configuration: then the
        data have to be looked at.
    """
    kept = _read(results)
    return None if kept is None or kept.config != _digest(config) else (kept.runs, kept.inputs)


def _read(results: Path) -> KeptData | None:
    try:
        return KeptData.read(results / FILE_NAME)
    except InputError:
        return None


def _digest(config: PipelineConfig) -> str:
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()
