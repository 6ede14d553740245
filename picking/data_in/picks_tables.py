"""Picks as other programs write them: RELION's STAR files and Dynamo's tables, read by copick."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.config import ParticleType, PipelineConfig
from picking.errors import InputError, in_one_line

STAR_ENDING, DYNAMO_ENDING = ".star", ".tbl"
NUMBERS_ENDING = ".doc"
# Columns that name the tomogram of a pick: RELION 4 and 5, RELION 3 and Warp, Warp's own.
TOMOGRAM_COLUMNS = ("rlnTomoName", "rlnMicrographName", "wrpSourceName")
# Columns that hold a pick's type where the configuration names none. rlnClassNumber and Dynamo's
# class are none of them: most programs write 1 there, whatever the particle is.
TYPE_COLUMNS: dict[str, tuple[str, ...]] = {STAR_ENDING: ("particle_type",), DYNAMO_ENDING: ()}
CENTRED_COLUMNS = tuple(f"rlnCenteredCoordinate{axis}Angst" for axis in "XYZ")
PIXEL_COLUMNS = tuple(f"rlnCoordinate{axis}" for axis in "XYZ")
# RELION 4 and 5 give coordinates in pixels of the tilt series. Older programs leave that out, and
# what they say of the images is the best guess. The first that there is counts.
TILT_SERIES_PIXEL = "rlnTomoTiltSeriesPixelSize"
PIXEL_SIZE_COLUMNS = (
    TILT_SERIES_PIXEL,
    "rlnPixelSize",
    "rlnMicrographPixelSize",
    "rlnImagePixelSize",
)


@dataclass(frozen=True)
class PicksTable:
    """One picks file.

    Parameters
    ----------
    path : Path
        The file.
    rows : DataFrame
        Its picks, with the columns of the file.
    tomograms : Series of str
        Name of each pick's tomogram, as the file gives it; "" where there is only one.
    types : Series of str
        Particle type of each pick; "" where it is none of the types that are looked for.
    optics : DataFrame or None
        RELION's optics table.
    """

    path: Path
    rows: pd.DataFrame
    tomograms: pd.Series
    types: pd.Series
    optics: pd.DataFrame | None

    @property
    def ending(self) -> str:
        """Kind of the file."""
        return self.path.suffix.lower()


def picks_files(config: PipelineConfig) -> dict[Path, str | None]:
    """List the picks files of a configuration, each with the type that it holds, if that is said.

    Raises
    ------
    InputError
        If a file is missing or of another kind, or is for a type that is not looked for.
    """
    names = [particle.name for particle in config.known_particles]
    by_type: list[tuple[str | None, Sequence[str]]]
    if isinstance(config.picks, Mapping):
        unknown = [name for name in config.picks if name not in names]
        if unknown:
            raise InputError(
                "picks",
                f"has a file for {', '.join(unknown)}, which is not among the particle types",
                f"the types are {', '.join(names)}: correct the name, or add it to particles",
            )
        by_type = [*config.picks.items()]
    else:
        # Of one type, there is nothing that a file could say.
        by_type = [(names[0] if len(names) == 1 else None, config.picks or ())]
    files: dict[Path, str | None] = {}
    for particle_type, paths in by_type:
        for name in paths:
            path = Path(name).expanduser().absolute()
            if path.suffix.lower() not in TYPE_COLUMNS:
                raise InputError(
                    path, "is no picks file by its name", "give FILE.star or FILE.tbl (Dynamo)"
                )
            if not path.is_file():
                raise InputError(path, "there is no such file", "correct the path in picks")
            if path in files:
                raise InputError(path, "is given twice", "give it once")
            files[path] = particle_type
    return files


def tomogram_numbers_file(config: PipelineConfig, table: Path) -> Path:
    """File that says which tomogram a number in a Dynamo table stands for."""
    return config.mrc.tomogram_numbers or table.with_suffix(NUMBERS_ENDING)


def read_picks_table(path: Path, particle_type: str | None, config: PipelineConfig) -> PicksTable:
    """Read one picks file.

    Parameters
    ----------
    path : Path
        STAR file or Dynamo table.
    particle_type : str or None
        Type of all picks; None: a column of the file says it.
    config : PipelineConfig
        Resolved.

    Raises
    ------
    InputError
        If the file is damaged, or lacks a column.
    """
    from copick.util.formats import read_star_particles_with_optics

    optics = None
    try:
        if path.suffix.lower() == STAR_ENDING:
            rows, optics = read_star_particles_with_optics(str(path))
            if isinstance(rows, dict):  # a block of a single row is no loop
                rows = pd.DataFrame({key: [value] for key, value in rows.items()})
            if isinstance(optics, dict):
                optics = pd.DataFrame({key: [value] for key, value in optics.items()})
            tomograms = _named_tomograms(rows, path)
        else:
            import dynamotable

            rows = dynamotable.read(str(path))
            tomograms = _numbered_tomograms(rows, path, config)
    except (OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise InputError(
            path, f"cannot be read as picks ({in_one_line(error)})", "give a whole file"
        ) from None
    _check_pixel_sizes(rows, optics, path)
    if particle_type is None:
        types = _types_by_column(rows, path, config)
    else:
        types = pd.Series(particle_type, index=rows.index, dtype="str")
    return PicksTable(path, rows, tomograms, types, optics)


def _check_pixel_sizes(rows: pd.DataFrame, optics: pd.DataFrame | None, path: Path) -> None:
    where, column = pixel_size_column(rows, optics)
    source = optics if where == "optics" else rows
    if column is None or source is None:
        return
    sizes = pd.to_numeric(source[column], errors="coerce").to_numpy(float)
    if not (np.isfinite(sizes) & (sizes > 0)).all():
        raise InputError(
            path,
            f"its column {column} holds other things than sizes of pixels",
            "correct it, or leave the column out and give mrc={picks_pixel_size: ANGSTROM}",
        )


def _named_tomograms(rows: pd.DataFrame, path: Path) -> pd.Series:
    column = next((name for name in TOMOGRAM_COLUMNS if name in rows), None)
    if not any(set(names) <= set(rows) for names in (CENTRED_COLUMNS, PIXEL_COLUMNS)):
        raise InputError(
            path,
            "has no coordinates of particles",
            f"give a file with {', '.join(PIXEL_COLUMNS)} or {', '.join(CENTRED_COLUMNS)}",
        )
    if column is None:
        return pd.Series("", index=rows.index, dtype="str")
    names = _as_written(rows, column, path)
    if names.isna().any() or (names.str.strip() == "").any():
        raise InputError(
            path, f"has picks without a tomogram in {column}", "name the tomogram of every pick"
        )
    return names


def _as_written(rows: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """Give a column as text: starfile makes numbers of names such as 001."""
    if not pd.api.types.is_numeric_dtype(rows[column]):
        return rows[column].astype("str")
    import starfile

    blocks = starfile.read(path, always_dict=True, parse_as_string=[column])
    for block in blocks.values():
        if isinstance(block, dict) and column in block:
            return pd.Series([str(block[column])], index=rows.index, dtype="str")
        if isinstance(block, pd.DataFrame) and column in block and len(block) == len(rows):
            return pd.Series(block[column].to_numpy(str), index=rows.index, dtype="str")
    return rows[column].astype("str")


def _numbered_tomograms(rows: pd.DataFrame, path: Path, config: PipelineConfig) -> pd.Series:
    numbers = rows["tomo"].astype(int)
    doc = tomogram_numbers_file(config, path)
    if not doc.is_file():
        if (numbers == numbers.iloc[0]).all():
            return pd.Series("", index=rows.index, dtype="str")
        raise InputError(
            path,
            f"has picks of {len(set(numbers))} tomograms, and {doc}, which says what their numbers "
            "stand for, is not there",
            "give it as mrc={tomogram_numbers: FILE}: a number and a tomogram's name in each line",
        )
    names = _read_numbers(doc)
    unknown = sorted(set(numbers) - set(names))
    if unknown:
        raise InputError(
            doc,
            f"does not name tomogram {', '.join(map(str, unknown))} of {path}",
            "add a line with the number and the tomogram's name",
        )
    return numbers.map(names).astype("str")


def _read_numbers(doc: Path) -> dict[int, str]:
    names: dict[int, str] = {}
    for line in doc.read_text(encoding="utf-8").splitlines():
        words = re.split(r"[\s,]+", line.strip(), maxsplit=1)
        if words == [""] or line.lstrip().startswith(("#", "%")):
            continue
        if len(words) < 2 or not words[0].isdigit() or int(words[0]) in names:
            raise InputError(
                doc,
                f"the line {line.strip()!r} is no number with a name, or repeats a number",
                "write a number and a tomogram's name in each line",
            )
        names[int(words[0])] = words[1].strip()
    return names


def _types_by_column(rows: pd.DataFrame, path: Path, config: PipelineConfig) -> pd.Series:
    known = config.known_particles
    wanted = config.mrc.type_column
    columns = (wanted,) if wanted else TYPE_COLUMNS[path.suffix.lower()]
    column = next((name for name in columns if name in rows), None)
    if column is None:
        raise InputError(
            path,
            f"does not say which of the {len(known)} particle types a pick is"
            + (f" (no column {' or '.join(columns)})" if columns else ""),
            "give a file for each type, as picks={TYPE: FILE.star}, or the column that says it as "
            "mrc={type_column: NAME}, for instance rlnClassNumber if it holds the types' labels",
        )
    types = _names_of(rows[column], known)
    if rows.size and not (types != "").any():
        raise InputError(
            path,
            f"its column {column} holds {', '.join(map(str, rows[column].unique()[:5]))}, none of "
            "the particle types",
            "it has to hold names or labels: "
            + ", ".join(f"{item.name} or {item.label}" for item in known),
        )
    return types


def _names_of(values: pd.Series, known: Collection[ParticleType]) -> pd.Series:
    """Names of types by their names or labels; "" for others."""
    names = {item.name: item.name for item in known}
    names |= {str(item.label): item.name for item in known if str(item.label) not in names}
    # A column of numbers may have been read as real ones.
    text = values.map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))
    return text.map(names).fillna("").astype("str")


def positions_xyz_angstrom(
    table: PicksTable,
    chosen: NDArray[np.bool_],
    shape_zyx: tuple[int, int, int],
    voxel_angstrom: float,
    picks_pixel_size: float | None,
) -> NDArray[np.float64]:
    """Positions of some picks of one tomogram; refined shifts are taken into account.

    Parameters
    ----------
    table : PicksTable
        The picks.
    chosen : ndarray, (rows,), bool
        Which of them.
    shape_zyx : tuple of int
        Voxels of the tomogram, from whose centre RELION 5 measures.
    voxel_angstrom : float
        Side of its voxels, Å.
    picks_pixel_size : float or None
        Pixel size that the user gives, Å; None: see :func:`pixel_size_column`.

    Returns
    -------
    ndarray, (n, 3), float64
        Positions xyz, Å.

    Raises
    ------
    InputError
        If a position is no number, or optics groups are not told.
    """
    rows = table.rows[chosen]
    try:
        if table.ending == DYNAMO_ENDING:
            voxels = rows[["x", "y", "z"]].to_numpy(np.float64) + rows[["dx", "dy", "dz"]].to_numpy(
                np.float64
            )
            positions: NDArray[np.float64] = voxels * (picks_pixel_size or voxel_angstrom)
        else:
            positions = _relion_positions(
                rows, table.optics, shape_zyx, voxel_angstrom, picks_pixel_size
            )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            table.path, f"its coordinates cannot be read ({in_one_line(error)})", "fix the file"
        ) from None
    if not np.isfinite(positions).all():
        raise InputError(table.path, "holds a position that is no number", "fix the file")
    return positions


def _relion_positions(
    rows: pd.DataFrame,
    optics: pd.DataFrame | None,
    shape_zyx: tuple[int, int, int],
    voxel_angstrom: float,
    picks_pixel_size: float | None,
) -> NDArray[np.float64]:
    from copick.util.formats import relion_coordinates_to_angstrom
    from copick.util.relion import relion_rows_to_poses

    x, y, z = (side / 2 * voxel_angstrom for side in reversed(shape_zyx))
    where, column = pixel_size_column(rows, optics)
    size = picks_pixel_size
    if size is None and column is not None:
        if where == "particles":
            # One size a row, as copick takes them from an optics table.
            optics = pd.DataFrame({TILT_SERIES_PIXEL: rows[column].astype(float)})
            optics["rlnOpticsGroup"] = range(len(rows))
            rows = rows.assign(rlnOpticsGroup=range(len(rows)))
        elif optics is not None:
            optics = optics.assign(**{TILT_SERIES_PIXEL: optics[column].astype(float)})
    elif size is None:
        size = voxel_angstrom
    located: NDArray[np.float64] = relion_coordinates_to_angstrom(
        rows, tomogram_center=(x, y, z), tilt_series_pixel_size=size, optics=optics
    )
    _, shifts = relion_rows_to_poses(rows)
    return np.asarray(located - shifts, dtype=np.float64)


def pixel_size_column(rows: pd.DataFrame, optics: pd.DataFrame | None) -> tuple[str, str | None]:
    """Find where a STAR file says what its pixels are: "particles" or "optics", and the column."""
    for column in PIXEL_SIZE_COLUMNS:
        if optics is not None and column in optics:
            return "optics", column
        if column in rows:
            return "particles", column
    return "", None


def unit_of(table: PicksTable, picks_pixel_size: float | None) -> str:
    """Say in what a table's positions are taken to be given."""
    if table.ending == STAR_ENDING and set(CENTRED_COLUMNS) <= set(table.rows):
        return "Å from the tomograms' centres"
    where, column = pixel_size_column(table.rows, table.optics)
    if picks_pixel_size is not None:
        return f"pixels of {picks_pixel_size:g} Å (mrc.picks_pixel_size)"
    if column is None or table.ending == DYNAMO_ENDING:
        return "voxels of the tomograms"
    source = table.optics if where == "optics" else table.rows
    sizes = sorted({float(size) for size in source[column]}) if source is not None else []
    return f"pixels of {', '.join(f'{size:g}' for size in sizes[:3])} Å ({column})"
