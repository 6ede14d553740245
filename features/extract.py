"""Measure the features of candidates, and write a table for each run of a batch.

A job that was interrupted goes on with the run that it was at.
"""

import sys
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import IMAGE_FAMILIES, RUN_FAMILIES, catalogue
from features.feature import Measured
from features.learnt_averages.fold_averages import FoldAverages
from features.run_context import RunContext, make_run_context
from features.subtomograms import (
    Subtomograms,
    cut_subtomograms,
    level_for_radius,
    make_resolution_levels,
)
from picking.command_line import command_parser, run_command
from picking.config import FeatureSettings, ParticleType, PipelineConfig, load_config
from picking.config.pipeline import OnError
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.batch_record import (
    FEATURE_FOLDERS,
    BatchRecord,
    feature_file,
    proposal_files,
)
from picking.files.embedding import EMBEDDING, embedding_channels
from picking.files.mask import Mask, read_mask
from picking.files.score_maps import ScoreMaps
from picking.files.tables import CANDIDATES, FEATURES
from picking.files.tomogram import (
    Tomogram,
    normalised,
    read_tomogram,
    tomogram_digest,
    tomogram_stamp,
)
from picking.files.unfinished_batch import UnfinishedBatch, files_digest
from picking.left_out_runs import left_out_if_it_fails
from picking.structures.structure import Structure
from picking.structures.structure_file import read_structures
from picking.threads import in_threads

# Cubes that are measured together: their temporary arrays stay near the processor's cache.
CUBES_PER_BATCH = 64
BACKGROUND_LEVEL = 1  # the context family reads the half-size tomogram


def extract_features(
    tomogram: Tomogram,
    candidates: pd.DataFrame,
    score_maps: ScoreMaps,
    embedding: pd.DataFrame,
    particles: Sequence[ParticleType],
    settings: FeatureSettings,
    structures: Mapping[str, Structure],
    averages: Mapping[str, Structure],
    threads: int = 1,
    mask: Mask | None = None,
) -> pd.DataFrame:
    """Measure every feature of the catalogue for every candidate of a run.

    Parameters
    ----------
    tomogram : Tomogram
        The run's tomogram as it was read; it is normalised here.
    candidates : DataFrame
        Table ``CANDIDATES`` of the run. The order of its rows does not matter.
    score_maps : ScoreMaps
        Stage 1's maps of the run.
    embedding : DataFrame
        Table ``picking.files.embedding.EMBEDDING`` of the same candidates, in any order.
    particles : sequence of ParticleType
        The configuration's particle types; radii in Å.
    settings : FeatureSettings
        Section ``features``.
    structures : mapping of str to Structure
        Structures of the particle types that have one.
    averages : mapping of str to Structure
        Averages of their training picks, of those that have one.
    threads : int
        Threads that share the work; the table does not depend on them.
    mask : Mask or None
        Where picks count; None: everywhere.

    Returns
    -------
    DataFrame
        Table ``FEATURES``: a row for each candidate, in the order given, and a float32 column for
        each feature of :func:`features.catalogue.catalogue`. Every value is finite.

    Raises
    ------
    InputError
        If a candidate belongs to another run or to an unknown type, a type has no score map, the
        embedding is of other candidates, or the tomogram or the maps make a feature that is not
        finite.
    """
    candidates = CANDIDATES.check(candidates, f"candidates of run {tomogram.run}")
    strangers = sorted(set(candidates["run"]) - {tomogram.run})
    if strangers:
        raise InputError(
            f"candidates of run {tomogram.run}",
            f"they hold candidates of run {strangers[0]}",
            "give the candidates table of this run",
        )
    particle_types = tuple(particle.name for particle in particles)
    features = catalogue(settings, particle_types, embedding_channels(particle_types))
    names = [feature.name for feature in features]
    keys = candidates[FEATURES.column_names]
    if candidates.empty:
        empty = pd.DataFrame({name: pd.Series(dtype="float32") for name in names})
        return pd.concat([FEATURES.empty(), empty], axis=1)

    deepest = max(
        level_for_radius(particle.radius_angstrom, tomogram.voxel_size_zyx_angstrom)
        for particle in particles
    )
    resolutions = make_resolution_levels(
        normalised(tomogram.values_zyx, threads),
        tomogram.voxel_size_zyx_angstrom,
        max(deepest, BACKGROUND_LEVEL),
        threads,
    )
    run_context = make_run_context(
        candidates,
        score_maps,
        embedding,
        particles,
        resolutions,
        structures,
        averages,
        threads,
        mask,
    )
    measured = measure_images(run_context, settings)
    for family in settings.families:
        if family in RUN_FAMILIES:
            measured |= RUN_FAMILIES[family].measure(run_context, settings)

    order = np.argsort(candidates["candidate_id"].to_numpy(), kind="stable")
    table = np.empty((len(candidates), len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        table[order, column] = measured[name]
    bad = ~np.isfinite(table).all(axis=0)
    if bad.any():
        raise InputError(
            f"run {tomogram.run}",
            f"feature {names[int(np.argmax(bad))]} is not finite",
            "check the tomogram and the score maps for values that are not finite",
        )
    return pd.concat([keys, pd.DataFrame(table, columns=names)], axis=1)


def measure_images(run_context: RunContext, settings: FeatureSettings) -> Measured:
    """Measure the families that look at one cube at a time; values (n,) by feature name."""
    families = [IMAGE_FAMILIES[name] for name in settings.families if name in IMAGE_FAMILIES]
    count = len(run_context.types)
    names = [feature.name for family in families for feature in family.declared(settings)]
    measured: Measured = {name: np.zeros(count, dtype=np.float32) for name in names}
    if not families:
        return measured

    def measure(members: NDArray[np.int64]) -> None:
        subtomograms = cut(run_context, members)
        for family in families:
            for name, values in family.measure(subtomograms, settings).items():
                measured[name][members] = values

    in_threads(measure, batches_of_one_type(run_context), run_context.threads)
    return measured


def batches_of_one_type(run_context: RunContext) -> list[NDArray[np.int64]]:
    """Numbers of the candidates, in batches that hold one particle type each."""
    batches = []
    for number in np.unique(run_context.types):
        members = np.flatnonzero(run_context.types == number)
        batches += [
            members[start : start + CUBES_PER_BATCH]
            for start in range(0, len(members), CUBES_PER_BATCH)
        ]
    return batches


def cut(run_context: RunContext, members: NDArray[np.int64]) -> Subtomograms:
    """Cut the cubes of some candidates, which are of one type."""
    return cut_subtomograms(
        run_context.resolutions,
        run_context.positions_xyz_angstrom[members],
        float(run_context.radii_angstrom[members[0]]),
    )


def extract_run(
    config: PipelineConfig,
    copick_config: Path,
    run: str,
    results: Path,
    structures: Mapping[str, Structure],
    averages: Mapping[str, Structure],
    threads: int = 1,
) -> pd.DataFrame:
    """Measure the features of a run's candidates.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    copick_config : Path
        copick project that holds the run.
    run : str
        Name of the run.
    results : Path
        Folder of the result, which holds what stage 1 wrote for the run
        (:func:`picking.files.batch_record.proposal_files`).
    structures : mapping of str to Structure
        Structures of the particle types that have one.
    averages : mapping of str to Structure
        Averages of their training picks, of those that have one.
    threads : int
        Threads that share the work; the table does not depend on them.

    Returns
    -------
    DataFrame
        Table ``FEATURES``.
    """
    files = proposal_files(results, run)
    return extract_features(
        read_tomogram(copick_config, run, *config.tomogram_kind),
        CANDIDATES.read(files["candidates"]),
        ScoreMaps.read(files["score_maps"]),
        EMBEDDING.read(files["embeddings"]),
        config.known_particles,
        config.features,
        structures,
        averages,
        threads,
        read_mask(copick_config, run, config.voxel_spacing) if config.features.has_mask else None,
    )


def extract_batch(
    config: PipelineConfig,
    copick_config: Path,
    proposals: Path,
    runs: Collection[str],
    results: Path,
    structures_paths: Sequence[Path],
    record: Path,
    on_error: OnError = "stop",
    threads: int = 1,
    averages_paths: Sequence[Path] = (),
) -> None:
    """Write the feature tables of the runs of a batch, then the batch's record.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    copick_config : Path
        copick project that holds the runs.
    proposals : Path
        Record of the batch's proposals, which does not name the runs that were left out.
    runs : collection of str
        Runs of the batch that are wanted; others may be gone.
    results : Path
        Folder of the result.
    structures_paths : sequence of Path
        File with the particle types' structures; none if the features do without.
    record : Path
        Record to write (:class:`picking.files.batch_record.BatchRecord`).
    on_error : {"skip", "stop"}
        Whether a run that fails is left out or ends the job.
    threads : int
        Threads that share the work; the tables do not depend on them.
    averages_paths : sequence of Path
        File with the averages of picks and that of the folds; none if nothing was averaged.

    Raises
    ------
    InputError
        If a file is missing or damaged, or with on_error "stop" a run cannot be measured.
    """
    proposed = BatchRecord.read(proposals)
    structures = {
        name: structure
        for path in structures_paths
        for name, structure in read_structures(path).items()
    }
    averages = FoldAverages.read(*averages_paths) if averages_paths else None
    made_from = files_digest(
        [proposals, *structures_paths, *averages_paths], config.model_dump_json()
    )
    stamps = {run: tomogram_stamp(copick_config, run, *config.tomogram_kind[:2]) for run in runs}
    batch = UnfinishedBatch(record, proposed.split, FEATURE_FOLDERS, results, made_from, stamps)
    for run in batch.left([run for run in proposed.runs if run in runs]):
        with left_out_if_it_fails(
            run,
            on_error,
            batch.fail,
            partial(tomogram_digest, copick_config, run, *config.tomogram_kind[:2]),
        ):
            learnt = averages.of_run(run) if averages else {}
            known = {**learnt, **structures}
            features = extract_run(config, copick_config, run, results, known, learnt, threads)
            FEATURES.write(features, feature_file(results, run))
            batch.finish(run)
            print(f"{run}: features of {len(features)} candidates", file=sys.stderr)
    batch.close()


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and measure."""
    parser = command_parser(__doc__)
    parser.add_argument("--copick", type=Path, required=True, help="copick project of the runs")
    parser.add_argument("--proposals", type=Path, required=True, help="record of the proposals")
    parser.add_argument("--runs", nargs="+", required=True, help="names of the runs")
    parser.add_argument("--results", type=Path, required=True, help="folder of the result")
    parser.add_argument(
        "--structures", type=Path, nargs="*", default=[], help="structures of the particle types"
    )
    parser.add_argument(
        "--averages", type=Path, nargs="*", default=[], help="averages of picks, and the folds"
    )
    parser.add_argument("--record", type=Path, required=True, help="JSON file to write at the end")
    parser.add_argument(
        "--on-error", choices=get_args(OnError), default="stop", help="what a bad run does"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads that share the work")
    arguments = parser.parse_args(argv)
    extract_batch(
        resolve(load_config(arguments.config)),
        arguments.copick,
        arguments.proposals,
        arguments.runs,
        arguments.results,
        arguments.structures,
        arguments.record,
        arguments.on_error,
        arguments.threads,
        arguments.averages,
    )


if __name__ == "__main__":
    run_command(main)
