"""Picks of RELION and Dynamo are read where these programs mean them."""

from pathlib import Path
from typing import Any

import dynamotable
import numpy as np
import pandas as pd
import pytest
import starfile
from numpy.typing import NDArray

from picking.config import PipelineConfig
from picking.data_in.inventory import resolve
from picking.data_in.picks_tables import (
    PicksTable,
    picks_files,
    positions_xyz_angstrom,
    read_picks_table,
    unit_of,
)
from picking.errors import InputError

PARTICLES = [
    {"name": "ball", "radius_angstrom": 60, "label": 3},
    {"name": "cube", "radius_angstrom": 40},
]
SHAPE_ZYX, VOXEL_ANGSTROM = (20, 30, 40), 10.0
# (n, 3) xyz Å.
PLACES = np.array([[10.0, 20.0, 30.0], [390.0, 250.0, 70.0], [100.0, 200.0, 150.0]])
CENTRE = np.array([200.0, 150.0, 100.0])


def configured(path: Path | dict[str, Path], **mrc: Any) -> PipelineConfig:
    picks = {key: str(one) for key, one in path.items()} if isinstance(path, dict) else str(path)
    content = {"tomograms": "t", "picks": picks, "particles": PARTICLES, "mrc": mrc}
    return resolve(PipelineConfig.model_validate(content))


def read(path: Path, particle_type: str | None = "ball", **mrc: Any) -> PicksTable:
    return read_picks_table(path, particle_type, configured(path, **mrc))


def positions(table: PicksTable, pixel_size: float | None = None) -> NDArray[np.float64]:
    everything = np.ones(len(table.rows), bool)
    return positions_xyz_angstrom(table, everything, SHAPE_ZYX, VOXEL_ANGSTROM, pixel_size)


def relion(places: NDArray[np.float64], name: str = "rlnCoordinate{}", **more: Any) -> pd.DataFrame:
    columns = {name.format(axis): places[:, place] for place, axis in enumerate("XYZ")}
    return pd.DataFrame({"rlnTomoName": "TS_1", **columns, **more})


def test_relion_4_gives_pixels_of_the_tilt_series(tmp_path: Path) -> None:
    rows = relion(PLACES / [[1.25], [1.25], [2.5]], rlnOpticsGroup=[1, 1, 2])
    sizes = {"rlnTomoTiltSeriesPixelSize": [1.25, 2.5], "rlnImagePixelSize": [5.0, 5.0]}
    optics = pd.DataFrame({"rlnOpticsGroup": [1, 2], **sizes})
    starfile.write({"optics": optics, "particles": rows}, tmp_path / "p.star")
    table = read(tmp_path / "p.star")
    np.testing.assert_allclose(positions(table), PLACES, atol=1e-4)
    assert table.tomograms.tolist() == ["TS_1"] * 3
    assert unit_of(table, None) == "pixels of 1.25, 2.5 Å (rlnTomoTiltSeriesPixelSize)"


def test_relion_5_measures_from_the_centre(tmp_path: Path) -> None:
    rows = relion(PLACES - CENTRE, "rlnCenteredCoordinate{}Angst")
    starfile.write({"particles": rows}, tmp_path / "p.star")
    np.testing.assert_allclose(positions(read(tmp_path / "p.star")), PLACES, atol=1e-4)


def test_refined_shifts_are_taken_off(tmp_path: Path) -> None:
    """RELION turns the shift with the subtomogram: by 90 degrees about z, x becomes y."""
    shifts = {"rlnOriginXAngst": [8.0] * 3, "rlnOriginYAngst": 0.0, "rlnOriginZAngst": 0.0}
    starfile.write({"particles": relion(PLACES / 10, **shifts)}, tmp_path / "p.star")
    found = positions(read(tmp_path / "p.star"))
    np.testing.assert_allclose(found, PLACES - [8, 0, 0], atol=1e-4)
    turns = {f"rlnTomoSubtomogram{name}": [angle] * 3 for name, angle in
             (("Rot", 90.0), ("Tilt", 0.0), ("Psi", 0.0))}  # fmt: skip
    starfile.write({"particles": relion(PLACES / 10, **shifts, **turns)}, tmp_path / "q.star")
    moved = PLACES - positions(read(tmp_path / "q.star"))
    np.testing.assert_allclose(np.abs(moved), [[0, 8, 0]] * 3, atol=1e-4)


@pytest.mark.parametrize("column", ["rlnPixelSize", "rlnImagePixelSize", None])
def test_older_files(tmp_path: Path, column: str | None) -> None:
    """Without a pixel size, coordinates are voxels of the tomogram."""
    size = VOXEL_ANGSTROM if column is None else 2.5
    more = {} if column is None else {column: [size] * 3}
    rows = relion(PLACES / size, **more).rename(columns={"rlnTomoName": "rlnMicrographName"})
    starfile.write(rows, tmp_path / "p.star")
    table = read(tmp_path / "p.star")
    np.testing.assert_allclose(positions(table), PLACES, atol=1e-4)
    np.testing.assert_allclose(positions(table, 20.0), PLACES / size * 20, atol=1e-3)


def write_dynamo(path: Path, numbers: list[int], **more: Any) -> Path:
    x, y, z = (PLACES / VOXEL_ANGSTROM - [1, 2, 3]).T
    shifts = {"dx": 1.0, "dy": 2.0, "dz": 3.0}
    dynamotable.write(
        pd.DataFrame({"tomo": numbers, "x": x, "y": y, "z": z, **shifts, **more}), str(path)
    )
    return path


def test_dynamo_gives_voxels_and_shifts_and_numbers_of_tomograms(tmp_path: Path) -> None:
    path = write_dynamo(tmp_path / "t.tbl", [2, 7, 2])
    (tmp_path / "t.doc").write_text("# numbers\n2 /data/TS_2.mrc\n7\tTS_7.rec\n9, TS 9.mrc\n\n")
    table = read(path)
    np.testing.assert_allclose(positions(table), PLACES, atol=1e-4)
    assert table.tomograms.tolist() == ["/data/TS_2.mrc", "TS_7.rec", "/data/TS_2.mrc"]
    assert unit_of(table, None) == "voxels of the tomograms"
    elsewhere = tmp_path / "numbers.txt"
    (tmp_path / "t.doc").rename(elsewhere)
    assert read(path, tomogram_numbers=elsewhere).tomograms.tolist() == table.tomograms.tolist()
    with pytest.raises(InputError, match=r"has picks of 2 tomograms, and .*t\.doc, .* not there"):
        read(path)
    (tmp_path / "t.doc").write_text("2 TS_2.mrc\n")
    with pytest.raises(InputError, match=r"t\.doc: does not name tomogram 7"):
        read(path)


def test_of_one_type_a_file_says_nothing_and_several_have_one_each(tmp_path: Path) -> None:
    paths = {"cube": tmp_path / "c.star", "ball": tmp_path / "b.star"}
    for path in paths.values():
        path.touch()
    assert picks_files(configured(paths)) == {path: name for name, path in paths.items()}
    assert picks_files(configured(paths["cube"])) == {paths["cube"]: None}
    single = configured(paths["cube"]).model_copy(
        update={"particles": resolve(configured(paths)).known_particles[:1]}
    )
    assert picks_files(single) == {paths["cube"]: "ball"}


@pytest.mark.parametrize(
    ("column", "values", "mrc"),
    [
        ("rlnClassNumber", [3, 1, 7], {"type_column": "rlnClassNumber"}),
        ("rlnClassNumber", [3.0, 1.0, 7.0], {"type_column": "rlnClassNumber"}),
        ("particle_type", ["ball", "cube", "disk"], {}),
        ("rlnGroupName", ["ball", "cube", "disk"], {"type_column": "rlnGroupName"}),
    ],
)
def test_a_column_holds_names_or_labels(
    tmp_path: Path, column: str, values: list[Any], mrc: dict[str, str]
) -> None:
    starfile.write(relion(PLACES, **{column: values}), tmp_path / "p.star")
    assert read(tmp_path / "p.star", None, **mrc).types.tolist() == ["ball", "cube", ""]


def test_the_class_of_a_dynamo_table_is_a_label(tmp_path: Path) -> None:
    path = write_dynamo(tmp_path / "t.tbl", [1, 1, 1], **{"class": [1, 3, 3]})
    types = read(path, None, type_column="class").types
    assert types.tolist() == ["cube", "ball", "ball"]
    with pytest.raises(InputError, match="does not say which of the 2 particle types"):
        read(path, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "2 particle types a pick is .no column particle_type"),
        # Most programs write 1 there, whatever the particle is.
        ({"rlnClassNumber": [1, 1, 1]}, "2 particle types a pick is"),
        ({"particle_type": [8, 9, 9]}, "particle_type holds 8, 9, none .* ball or 3, cube or 1"),
    ],
)
def test_types_that_are_not_told_are_asked_for(
    tmp_path: Path, content: dict[str, Any], message: str
) -> None:
    starfile.write(relion(PLACES, **content), tmp_path / "p.star")
    with pytest.raises(InputError, match=message):
        read(tmp_path / "p.star", None)


def test_names_of_digits_stay_as_they_are_written(tmp_path: Path) -> None:
    rows = relion(PLACES).assign(rlnTomoName=["001", "002", "002"])
    starfile.write(rows, tmp_path / "p.star")
    assert read(tmp_path / "p.star").tomograms.tolist() == ["001", "002", "002"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"rlnTomoName": ["TS_1", None, "TS_1"]}, "picks without a tomogram in rlnTomoName"),
        ({"rlnPixelSize": [10.0, 0.0, 10.0]}, "rlnPixelSize holds other things than sizes"),
        ({"rlnPixelSize": ["10", "about 10", "10"]}, "rlnPixelSize holds other things than sizes"),
    ],
)
def test_what_is_missing_or_no_size_is_named(
    tmp_path: Path, content: dict[str, Any], message: str
) -> None:
    rows = relion(PLACES).drop(columns=["rlnTomoTiltSeriesPixelSize"], errors="ignore")
    starfile.write(rows.assign(**content), tmp_path / "p.star")
    with pytest.raises(InputError, match=message):
        read(tmp_path / "p.star")


def test_files_that_hold_no_picks_are_named(tmp_path: Path) -> None:
    starfile.write(pd.DataFrame({"rlnTomoName": ["TS_1"] * 2}), tmp_path / "tomograms.star")
    with pytest.raises(InputError, match=r"tomograms\.star: has no coordinates"):
        read(tmp_path / "tomograms.star")
    (tmp_path / "empty.star").touch()
    with pytest.raises(InputError, match=r"empty\.star: "):
        read(tmp_path / "empty.star")
    (tmp_path / "text.tbl").write_text("no table at all\n")
    with pytest.raises(InputError, match=r"text\.tbl: "):
        read(tmp_path / "text.tbl")
    starfile.write(relion(PLACES * np.nan), tmp_path / "nan.star")
    with pytest.raises(InputError, match=r"nan\.star: "):
        positions(read(tmp_path / "nan.star"))
    with pytest.raises(InputError, match=r"p\.csv: is no picks file by its name"):
        picks_files(configured(tmp_path / "p.csv"))
    with pytest.raises(InputError, match=r"p\.star: there is no such file"):
        picks_files(configured(tmp_path / "p.star"))
