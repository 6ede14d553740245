"""Runs whose batch is finished, but which have to be proposed in again."""

from collections.abc import Mapping
from pathlib import Path

from picking.config import PipelineConfig
from picking.files.batch_record import (
    FEATURE_FOLDERS,
    PROPOSAL_FOLDERS,
    BatchRecord,
    Folders,
    run_files,
)
from picking.workflow.batches import (
    FEATURES_FOLDER,
    PROPOSALS_FOLDER,
    BatchOfRun,
    record_path,
)

# The folders that a stage writes to, by the folder of its records.
STAGES: dict[str, Folders] = {PROPOSALS_FOLDER: PROPOSAL_FOLDERS, FEATURES_FOLDER: FEATURE_FOLDERS}


def lost_runs(results: Path, known: Mapping[str, BatchOfRun], config: PipelineConfig) -> set[str]:
    """Find the runs that a finished batch no longer stands for.

    These are runs that have lost a file, runs that the batch's record does not name, and runs that
    failed and whose tomogram has changed since.

    Parameters
    ----------
    results : Path
        Folder of the result.
    known : mapping of str to BatchOfRun
        Runs that are in a batch.
    config : PipelineConfig
        Says which tomogram of a run is read.

    Raises
    ------
    InputError
        If a record is damaged.
    """
    records = {
        (stage, number): BatchRecord.read(path)
        for stage in STAGES
        for number in {batch.number for batch in known.values()}
        if (path := record_path(results, number, stage)).exists()
    }
    lost = set()
    for run, batch in known.items():
        for stage, folders in STAGES.items():
            record = records.get((stage, batch.number))
            if record is None:
                continue
            if run in record.failed:
                if _is_mended(run, record, results, config):
                    lost.add(run)
                break  # no later stage knows it
            files = run_files(folders, results, run).values()
            if run not in record.runs or not all(file.is_file() for file in files):
                lost.add(run)
    return lost


def _is_mended(run: str, record: BatchRecord, results: Path, config: PipelineConfig) -> bool:
    # Imported only where runs have failed: it takes longer than all else that is planned.
    from picking.files.tomogram import tomogram_digest

    project = results / "copick" / f"{record.split}.json"
    present = tomogram_digest(project, run, config.tomo_type, config.voxel_spacing)
    return present != record.failed[run].tomogram
