"""Runs whose batch is finished, but which have to be proposed in again."""

from collections.abc import Mapping
from pathlib import Path

from picking.config.pipeline import OnError
from picking.data_in.import_inputs import ImportInputs
from picking.data_in.inventory import Split
from picking.errors import InputError
from picking.files.batch_record import (
    FEATURE_FOLDERS,
    PROPOSAL_FOLDERS,
    BatchRecord,
    FailedRun,
    Folders,
    run_files,
)
from picking.files.tomogram_stamp import is_another
from picking.workflow.batches import (
    FEATURES_FOLDER,
    PROPOSALS_FOLDER,
    BatchOfRun,
    record_path,
)

# The folders that a stage writes to, by the folder of its records.
STAGES: dict[str, Folders] = {PROPOSALS_FOLDER: PROPOSAL_FOLDERS, FEATURES_FOLDER: FEATURE_FOLDERS}


def lost_runs(
    results: Path,
    known: Mapping[str, BatchOfRun],
    inputs: Mapping[Split, ImportInputs],
    on_error: OnError,
) -> set[str]:
    """Find the runs that a finished batch no longer stands for.

    These are runs that have lost a file, runs whose tomogram or mask is another one now, runs that
    the batch's record does not name, all runs of a damaged record, and of the runs that failed
    those that may succeed: their tomogram has changed, it was the machine's fault, or failures are
    to stop the workflow.

    Parameters
    ----------
    results : Path
        Folder of the result.
    known : mapping of str to BatchOfRun
        Runs that are in a batch.
    inputs : mapping of Split to ImportInputs
        What the data are now; empty for the synthetic set.
    on_error : {"skip", "stop"}
        What a test run that fails does to the others.
    """
    records = {
        (stage, number): _record_or_none(path)
        for stage in STAGES
        for number in {batch.number for batch in known.values()}
        if (path := record_path(results, number, stage)).exists()
    }
    stamps = {
        (split, run): stamp
        for split, of_split in inputs.items()
        for run, stamp in of_split.stamps.items()
    }
    lost = set()
    for run, batch in known.items():
        for stage, folders in STAGES.items():
            if (stage, batch.number) not in records:
                continue
            record = records[stage, batch.number]
            if record is None:
                lost.add(run)
                break
            if run in record.failed:
                if on_error == "stop" or _may_succeed(
                    run, record.failed[run], inputs.get(batch.split)
                ):
                    lost.add(run)
                break  # no later stage knows it
            files = run_files(folders, results, run).values()
            stamp = stamps.get((batch.split, run))
            if (
                run not in record.runs
                or not all(map(_holds_something, files))
                or (stamp is not None and is_another(record.tomograms.get(run, stamp), stamp))
            ):
                lost.add(run)
    return lost


def _may_succeed(run: str, failed: FailedRun, present: ImportInputs | None) -> bool:
    if not failed.tomogram:
        return True
    return present is not None and present.tomogram_digest(run) != failed.tomogram


def _record_or_none(path: Path) -> BatchRecord | None:
    try:
        return BatchRecord.read(path)
    except InputError:
        return None


def _holds_something(path: Path) -> bool:
    # A power cut may leave a file without its content.
    return path.is_file() and path.stat().st_size > 0
