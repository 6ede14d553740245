"""Tomograms in MRC files: which there are, what their runs are called, how large their voxels are.

The Snakefile calls this at parse time, so headers alone are read.
"""

import glob
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from picking.config import PipelineConfig
from picking.errors import InputError
from picking.files.mrc_file import COMPRESSED_ENDING, MrcHeader, read_header
from picking.files.ome_zarr import MOST_SCALE_DEVIATION

# Endings of tomograms; each may be followed by .gz.
TOMOGRAM_ENDINGS = (".mrc", ".rec", ".map")
# What else follows the name of a tomogram in STAR files: tilt series by IMOD, RELION and Warp.
OTHER_ENDINGS = (".tomostar", ".mrcs", ".st", ".ali", ".star", ".hdf")
# What the name of a mask has behind that of its run.
MASK_ENDING = "_mask"
# copick's folders are named by the voxel size with three digits.
SPACING_DIGITS = 3
# Runs that a message names.
NAMED = 5


def bare_name(path: str) -> str:
    """Name of a tomogram without folders and endings, as it names its run."""
    name = path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    lower = name.lower()
    if lower.endswith(COMPRESSED_ENDING):
        name = name[: -len(COMPRESSED_ENDING)]
    ending = next((end for end in (*TOMOGRAM_ENDINGS, *OTHER_ENDINGS) if _ends(name, end)), "")
    return name[: len(name) - len(ending)]


def mrc_tomograms(config: PipelineConfig) -> dict[str, Path]:
    """List the MRC files that a configuration names.

    Parameters
    ----------
    config : PipelineConfig
        With ``tomograms``.

    Returns
    -------
    dict of str to Path
        Files by run, sorted; runs that are left out are missing.

    Raises
    ------
    InputError
        If an entry of ``tomograms`` leads to no file, or two files have the same name.
    """
    files = [
        (bare_name(path.name), path)
        for entry in config.tomograms or ()
        for path in _files(entry, "tomograms")
    ]
    if config.masks is not None:  # they may stand beside their tomograms
        files = [(run, path) for run, path in files if not run.lower().endswith(MASK_ENDING)]
    found = _one_of_each_run(
        files,
        "tomograms",
        "give one tomogram of each run, for instance by a pattern "
        "(tomograms='FOLDER/*_denoised.mrc'), and different names to different runs",
    )
    return {run: found[run] for run in sorted(found)}


def mrc_masks(config: PipelineConfig) -> dict[str, Path]:
    """List the MRC files that a configuration names as masks.

    Parameters
    ----------
    config : PipelineConfig
        With ``masks`` that are files.

    Returns
    -------
    dict of str to Path
        Files by the name of the run, which is theirs without ``_mask`` and endings. Files that are
        tomograms are left out.

    Raises
    ------
    InputError
        If an entry leads to no file, or two files are of one run.
    """
    entries = config.masks if isinstance(config.masks, tuple) else ()
    tomograms = {*mrc_tomograms(config).values()}
    files = [path for entry in entries for path in _files(entry, "masks") if path not in tomograms]
    return _one_of_each_run(
        [(_run_of_mask(path), path) for path in files],
        "masks",
        "give one mask of each run, for instance by a pattern (masks='FOLDER/*_mask.mrc')",
    )


def _run_of_mask(path: Path) -> str:
    name = bare_name(path.name)
    return name[: -len(MASK_ENDING)] if name.lower().endswith(MASK_ENDING) else name


def _one_of_each_run(files: Sequence[tuple[str, Path]], key: str, remedy: str) -> dict[str, Path]:
    """Files by run, in the order found; two that are not the same file are refused."""
    found: dict[str, Path] = {}
    for run, path in files:
        if found.setdefault(run, path) != path:
            raise InputError(key, f"{found[run]} and {path} are both of run {run}", remedy)
    return found


def with_whole_mask_paths(config: PipelineConfig) -> PipelineConfig:
    """Name masks that are files by absolute paths, so that two spellings are one file."""
    if not isinstance(config.masks, tuple):
        return config
    return config.model_copy(update={"masks": _whole(config.masks)})


def with_whole_mrc_paths(config: PipelineConfig) -> PipelineConfig:
    """Name tomograms and picks by absolute paths, so that two spellings are one file."""
    picks = config.picks
    if isinstance(picks, Mapping):
        picks = {name: _whole(paths) for name, paths in picks.items()}
    elif picks is not None:
        picks = _whole(picks)
    numbers = config.mrc.tomogram_numbers
    mrc = config.mrc.model_copy(
        update={"tomogram_numbers": None if numbers is None else Path(*_whole([str(numbers)]))}
    )
    tomograms = _whole(config.tomograms or ())
    return config.model_copy(update={"tomograms": tomograms, "picks": picks, "mrc": mrc})


def _whole(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(Path(path).expanduser().absolute()) for path in paths)


def _files(entry: str, key: str) -> list[Path]:
    """Files that one entry of a key of the configuration leads to, absolute."""
    path = Path(entry).expanduser()
    if path.is_dir():
        names = sorted(item.name for item in path.iterdir())
        files = [path / name for name in names if not name.startswith(".") and _is_tomogram(name)]
        what = f"holds no file that ends in {', '.join(TOMOGRAM_ENDINGS)} or these and .gz"
    elif path.is_file():
        files, what = [path], ""
    else:
        # Unlike pathlib's, this takes patterns that begin with a slash.
        found = glob.glob(str(path), recursive=True)  # noqa: PTH207
        files = [Path(name) for name in sorted(found)]
        files = [file for file in files if file.is_file()]
        what = "there is no such file or folder, and as a pattern it fits none"
    if not files:
        raise InputError(entry, what, f"give MRC files, their folder or a pattern as {key}")
    return [file.absolute() for file in files]


def _is_tomogram(name: str) -> bool:
    lower = name.lower().removesuffix(COMPRESSED_ENDING)
    return lower.endswith(TOMOGRAM_ENDINGS)


def _ends(name: str, ending: str) -> bool:
    return name.lower().endswith(ending) and len(name) > len(ending)


def with_voxel_spacing(config: PipelineConfig, is_chosen: bool) -> PipelineConfig:
    """Take the voxel spacing of MRC tomograms from their headers, unless the user has given one.

    Parameters
    ----------
    config : PipelineConfig
        With ``tomograms``.
    is_chosen : bool
        Whether ``voxel_spacing`` is the user's own.

    Returns
    -------
    PipelineConfig
        With the voxel spacing of the tomograms.

    Raises
    ------
    InputError
        If a header does not say the voxel size, or they differ.
    """
    if is_chosen:
        return config
    tomograms = mrc_tomograms(config)
    headers = mrc_headers(config, tomograms)
    sizes = {run: header.voxel_angstrom for run, header in headers.items()}
    unknown = [run for run, size in sizes.items() if size is None]
    if unknown:
        said = " x ".join(f"{side:g}" for side in headers[unknown[0]].voxel_size_xyz_angstrom)
        raise InputError(
            tomograms[unknown[0]],
            f"its header gives voxels of {said} Å, which is no tomogram's voxel size "
            f"(so do {len(unknown)} of {len(sizes)} headers)",
            "give the size in Å as voxel_spacing=SIZE, or write it into the headers",
        )
    known = {run: size for run, size in sizes.items() if size is not None}
    middle = round(float(np.median(list(known.values()))), SPACING_DIGITS) if known else 0.0
    others = [run for run, size in known.items() if not _agrees(size, middle)]
    if others:
        raise InputError(
            tomograms[others[0]],
            f"has voxels of {known[others[0]]:g} Å, most others {middle:g} Å (other than these: "
            f"{listed(others)})",
            "give tomograms of one voxel size, name the others in leave_out, or if their headers "
            "are wrong give the true size as voxel_spacing=SIZE",
        )
    return config.model_copy(update={"voxel_spacing": middle}) if known else config


def mrc_headers(config: PipelineConfig, tomograms: Mapping[str, Path]) -> dict[str, MrcHeader]:
    """Read the headers of tomograms that are not left out.

    Raises
    ------
    InputError
        If one cannot be read, unless runs that cannot be picked are skipped.
    """
    headers = {}
    for run, path in tomograms.items():
        try:
            if run not in config.leave_out:
                headers[run] = read_header(path)
        except InputError:
            if config.on_error_of_test_runs == "stop":
                raise
    return headers


def _agrees(size: float, spacing: float) -> bool:
    return abs(size / spacing - 1) <= MOST_SCALE_DEVIATION


def voxel_size_of(header: MrcHeader, voxel_spacing: float) -> float:
    """Side of a tomogram's voxel, Å: the header's, if it is near the voxel spacing, else that."""
    size = header.voxel_angstrom
    return size if size is not None and _agrees(size, voxel_spacing) else voxel_spacing


def overridden_headers(headers: Mapping[str, MrcHeader], voxel_spacing: float) -> list[str]:
    """List the runs whose headers give another voxel size than what is taken."""
    return [
        run
        for run, header in headers.items()
        if header.voxel_angstrom is None or not _agrees(header.voxel_angstrom, voxel_spacing)
    ]


def listed(names: Iterable[str]) -> str:
    """Name the first few of many."""
    named = list(names)
    more = len(named) - NAMED
    return ", ".join(named[:NAMED]) + (f" and {more} more" if more > 0 else "")
