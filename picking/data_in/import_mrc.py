"""Import of one split of tomograms in MRC files, with the picks of other programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from picking.config import PipelineConfig
from picking.config.pipeline import OnError
from picking.data_in.check_tomograms import check_tomograms
from picking.data_in.import_check import ImportCheck, check_positions_and_contrast, turned
from picking.data_in.import_masks import import_masks
from picking.data_in.imported_truth import PickedFiles
from picking.data_in.mrc_runs import MrcRuns, read_mrc_runs
from picking.data_in.mrc_tomograms import (
    SPACING_DIGITS,
    listed,
    mrc_tomograms,
    overridden_headers,
    voxel_size_of,
)
from picking.data_in.picks_tables import unit_of
from picking.errors import InputError
from picking.files.copick_project import RUNS_FOLDER, filesystem_config
from picking.files.mrc_codec import MrcChunk
from picking.files.mrc_file import MrcHeader, read_header
from picking.files.mrc_view import write_view
from picking.files.ome_zarr import LEAST_SIDE
from picking.files.own_files import own_files
from picking.files.picks import ANGSTROM, picks_file_name
from picking.files.tables import POSITION_COLUMNS
from picking.files.truth import read_truth
from picking.files.whole_files import write_whole_text

# Who the imported picks are by, in copick's words: files do not say it.
USER_ID, SESSION_ID = "imported", "1"


@dataclass(frozen=True)
class ImportedProject:
    """Where the copick project of a split is written.

    Parameters
    ----------
    output : Path
        copick configuration; views of the tomograms and the overlay stand beside it.
    """

    output: Path

    @property
    def overlay(self) -> Path:
        """Folder of the picks, to which people may write too."""
        return self.output.with_name(f"{self.output.stem}_overlay")

    @property
    def views(self) -> Path:
        """Folder of the views of the tomograms."""
        return self.output.with_name(f"{self.output.stem}_tomograms")


def import_mrc_training_runs(
    config: PipelineConfig,
    runs: Sequence[str],
    output: Path,
    picked: PickedFiles,
    check: Path,
) -> None:
    """Import training runs.

    Parameters
    ----------
    config : PipelineConfig
        Resolved, with ``tomograms`` and ``picks``.
    runs : sequence of str
        The runs.
    output : Path
        copick configuration to write; views of the tomograms and an overlay are made beside it.
    picked : PickedFiles
        Files to write about the picks.
    check : Path
        What was found out by the picks (:class:`ImportCheck`), to write.

    Raises
    ------
    InputError
        If a tomogram or picks cannot be used; nothing is written then.
    """
    data = read_mrc_runs(config)
    headers = {run: read_header(data.tomograms[run]) for run in runs}
    _tell(config, data, headers)
    truth = data.truth(config, runs, headers)
    where = _where(data)
    project = ImportedProject(output)
    with ExitStack() as stack:
        views = stack.enter_context(own_files(project.views))
        overlay = stack.enter_context(own_files(project.overlay))
        chosen = {run: data.tomograms[run] for run in runs}
        _write_views(config, chosen, headers, views, is_inverted=False)
        _write_picks(truth, overlay)
        with TemporaryDirectory() as folder:
            checked = Path(folder) / output.name
            _write_config(config, checked, views, overlay)
            sizes = check_tomograms(config, checked, runs, True, "stop", Path(where))
            import_masks(config, checked, runs, overlay)
            found = check_positions_and_contrast(config, truth, sizes, where)
            table = read_truth(checked, runs, config.known_particles)
        if found.is_inverted:
            _write_views(config, chosen, headers, views, is_inverted=True)
            sizes = turned(sizes)
        if len(table) != len(truth):
            raise InputError(
                where, f"of {len(truth)} picks copick reads {len(table)}", "report this as a bug"
            )
        is_told = found.likely_mistake is not None
        picked.write(table, sizes, where, overlay, config.voxel_spacing, is_told=is_told)
        found.write(check)
    _write_config(config, output, project.views, project.overlay)


def import_mrc_test_runs(
    config: PipelineConfig,
    runs: Sequence[str],
    output: Path,
    check: Path | None,
    on_error: OnError = "stop",
) -> None:
    """Import test runs, whose grey values are read as those of the training runs.

    Parameters
    ----------
    config : PipelineConfig
        Resolved, with ``tomograms``.
    runs : sequence of str
        The runs.
    output : Path
        As for :func:`import_mrc_training_runs`.
    check : Path or None
        What the import of the training runs has found out; None: a bundle picks.
    on_error : {"skip", "stop"}
        Whether a tomogram that cannot be read is only told, as long as there are others.

    Raises
    ------
    InputError
        If a tomogram cannot be read; nothing is written then.
    """
    tomograms = mrc_tomograms(config)
    wanted = config.mrc.invert_contrast
    if isinstance(wanted, bool):
        is_inverted = wanted
    else:
        is_inverted = check is not None and ImportCheck.read(check).is_inverted
    headers = {run: read for run in runs if (read := _header(tomograms[run], on_error))}
    if runs and not headers:
        raise InputError("tomograms", "none of them can be read", "give whole MRC files")
    _tell_headers(config, tomograms, headers)
    project = ImportedProject(output)
    with own_files(project.views) as views, own_files(project.overlay) as overlay:
        chosen = {run: tomograms[run] for run in runs}
        _write_views(config, chosen, headers, views, is_inverted=is_inverted)
        with TemporaryDirectory() as folder:
            checked = Path(folder) / output.name
            _write_config(config, checked, views, overlay)
            check_tomograms(config, checked, list(headers), False, on_error, Path("tomograms"))
            import_masks(config, checked, list(headers), overlay, on_error)
    _write_config(config, output, project.views, project.overlay)


def _header(path: Path, on_error: OnError) -> MrcHeader | None:
    try:
        return read_header(path)
    except InputError as error:
        if on_error == "stop":
            raise
        print(f"warning: {error} (nothing is picked from it)", file=sys.stderr)
        return None


def _where(data: MrcRuns) -> str:
    return listed(str(table.path) for table in data.tables) or "picks"


def _tell(config: PipelineConfig, data: MrcRuns, headers: Mapping[str, MrcHeader]) -> None:
    """Say how the files are read, as far as they leave it open."""
    for table in data.tables:
        unit = unit_of(table, config.mrc.picks_pixel_size)
        counts = table.types[table.types != ""].value_counts()
        of_types = ", ".join(f"{number} {name}" for name, number in counts.items())
        print(
            f"{table.path}: {len(table.rows)} picks ({of_types}), given in {unit}", file=sys.stderr
        )
    if data.left_alone:
        print(
            f"warning: {data.left_alone} picks are left alone: their types are not among the "
            "particle types",
            file=sys.stderr,
        )
    others = data.matched_otherwise()
    if others:
        pairs = listed(f"{name} is {run}" for name, run in sorted(others.items()))
        print(f"warning: tomograms named otherwise in the picks: {pairs}", file=sys.stderr)
    _tell_headers(config, data.tomograms, headers)


def _tell_headers(
    config: PipelineConfig, tomograms: Mapping[str, Path], headers: Mapping[str, MrcHeader]
) -> None:
    others = overridden_headers(headers, config.voxel_spacing)
    if others:
        sides = headers[others[0]].voxel_size_xyz_angstrom
        said = " x ".join(f"{side:g}" for side in sides)
        print(
            f"warning: {tomograms[others[0]]}: its header gives voxels of {said} Å; voxel_spacing "
            f"= {config.voxel_spacing:g} Å is taken for it ({len(others)} of {len(headers)} "
            "headers)",
            file=sys.stderr,
        )


def _write_views(
    config: PipelineConfig,
    tomograms: Mapping[str, Path],
    headers: Mapping[str, MrcHeader],
    views: Path,
    *,
    is_inverted: bool,
) -> None:
    """Write a view of every tomogram; of one without a header, reading it says what is wrong."""
    spacing = f"VoxelSpacing{config.voxel_spacing:.{SPACING_DIGITS}f}"
    for run, path in tomograms.items():
        header = headers.get(run)
        shape = header.shape_zyx if header else (LEAST_SIDE, LEAST_SIDE, LEAST_SIDE)
        voxel = voxel_size_of(header, config.voxel_spacing) if header else config.voxel_spacing
        folder = views / RUNS_FOLDER / run / spacing / f"{config.tomo_type}.zarr"
        chunk = MrcChunk(path=path, shape_zyx=shape, is_inverted=is_inverted)
        write_view(folder, chunk, voxel)


def _write_picks(truth: pd.DataFrame, overlay: Path) -> None:
    """Write picks as copick's own files."""
    for (run, particle_type), picks in truth.groupby(["run", "particle_type"]):
        points = [
            {"location": {"x": x, "y": y, "z": z}}
            for x, y, z in picks[POSITION_COLUMNS].to_numpy(float).tolist()
        ]
        content = {
            "pickable_object_name": particle_type,
            "user_id": USER_ID,
            "session_id": SESSION_ID,
            "run_name": run,
            "voxel_spacing": None,
            "unit": ANGSTROM,
            "points": points,
            "trust_orientation": False,
        }
        name = picks_file_name(USER_ID, SESSION_ID, str(particle_type))
        write_whole_text(
            overlay / RUNS_FOLDER / str(run) / "Picks" / name, json.dumps(content) + "\n"
        )


def _write_config(config: PipelineConfig, path: Path, views: Path, overlay: Path) -> None:
    content = filesystem_config(views, overlay, config.known_particles)
    write_whole_text(path, json.dumps(content, indent=2) + "\n")
