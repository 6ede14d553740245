"""MRC tomograms with STAR picks become a copick project; mistakes show before any training."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile
import yaml
from numpy.typing import NDArray

from picking.config import ParticleType
from picking.data_in.import_check import ImportCheck
from picking.data_in.import_dataset import main
from picking.errors import InputError
from picking.files.picks_density import PicksDensity
from picking.files.tables import POSITION_COLUMNS, TRUTH
from picking.files.tomogram import read_tomogram
from picking.files.truth import read_truth
from tests.mrc_data import (
    PARTICLES,
    PICKED,
    PICKS,
    SHAPE_ZYX,
    TILT_PIXEL_ANGSTROM,
    UNPICKED,
    VOXEL_ANGSTROM,
    MrcData,
    blobs,
    write_mrc,
    write_mrc_data,
    write_star,
)

KIND = ("denoised", VOXEL_ANGSTROM)


def run_import(data: MrcData, split: str, *more: str, **changes: Any) -> Path:
    """Import a split as the workflow does; returns the folder of the result."""
    results = data.folder.parent / "results"
    config = data.folder.parent / "config.yaml"
    config.write_text(yaml.safe_dump({**data.content, **changes}))
    runs = PICKED if split == "train" else (UNPICKED,)
    arguments = ["--config", str(config), "--mrc", "--split", split, "--runs", *runs]
    arguments += ["--output", str(results / "copick" / f"{split}.json"), *more]
    if split == "train":
        arguments += ["--truth", str(results / "truth.csv")]
        arguments += ["--density", str(results / "picks_density.json")]
    main([*arguments, "--check", str(results / "import_check.json")])
    return results


def contents(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def rewrite(data: MrcData, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> None:
    """Write the picks again; ``change`` takes (n, 3) xyz, in voxels of a tomogram."""
    rows = starfile.read(data.star)["particles"]
    columns = [f"rlnCoordinate{axis}" for axis in "XYZ"]
    scale = TILT_PIXEL_ANGSTROM / VOXEL_ANGSTROM
    x, y, z = (change(rows[columns].to_numpy() * scale) / scale).T
    write_star(
        data.star, pd.DataFrame({"rlnTomoName": rows["rlnTomoName"], "X": x, "Y": y, "Z": z})
    )


def test_it_makes_a_project_and_only_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_mrc_data(tmp_path)
    before = contents(data.folder)
    for path in data.folder.iterdir():
        path.chmod(0o444)
    results = run_import(data, "train")
    run_import(data, "test")
    assert contents(data.folder) == before

    truth = TRUTH.read(results / "truth.csv")
    shown = read_truth(results / "copick" / "train.json", PICKED, [ParticleType(**PARTICLES[0])])
    pd.testing.assert_frame_equal(truth, shown)
    for run in PICKED:
        found = truth[truth["run"] == run][POSITION_COLUMNS].to_numpy()
        np.testing.assert_allclose(found, data.positions[run], atol=1e-4)
    assert PicksDensity.read(results / "picks_density.json").runs[PICKED[0]].picks == {
        "ball": PICKS
    }
    for split, seed, run in (("train", 0, PICKED[0]), ("test", 2, UNPICKED)):
        tomogram = read_tomogram(results / "copick" / f"{split}.json", run, *KIND)
        np.testing.assert_array_equal(tomogram.values_zyx, blobs(seed)[0])
    check = ImportCheck.read(results / "import_check.json")
    assert not check.is_inverted
    assert check.picks == len(PICKED) * PICKS
    assert check.sigmas is not None
    assert check.sigmas < -1
    told = capsys.readouterr().err
    assert "40 picks (40 ball), given in pixels of 1.25 Å (rlnTomoTiltSeriesPixelSize)" in told
    assert f"40 picks are on average {-check.sigmas:.2f} sigmas darker than what is" in told
    assert "warning" not in told


@pytest.mark.parametrize(
    ("wanted", "sign"), [("auto", -1), (True, -1), (False, 1)], ids=["auto", "yes", "no"]
)
def test_bright_particles_are_made_dark_in_all_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wanted: bool | str, sign: int
) -> None:
    data = write_mrc_data(tmp_path, sign=-1)
    results = run_import(data, "train", mrc={"invert_contrast": wanted})
    told = capsys.readouterr().err
    run_import(data, "test", mrc={"invert_contrast": wanted})
    for split, seed, run in (("train", 0, PICKED[0]), ("test", 2, UNPICKED)):
        tomogram = read_tomogram(results / "copick" / f"{split}.json", run, *KIND)
        np.testing.assert_array_equal(tomogram.values_zyx, sign * blobs(seed, -1)[0])
    assert "sigmas brighter than what is around them" in told
    assert ("all grey values change their sign" in told) == (sign == -1)
    assert ("where the tomogram is bright" in told) == (sign == 1)


def test_without_training_runs_it_inverts_only_if_it_is_said(tmp_path: Path) -> None:
    data = write_mrc_data(tmp_path, sign=-1)
    config = tmp_path / "config.yaml"
    for wanted, sign in (("auto", 1), (True, -1)):
        config.write_text(yaml.safe_dump({**data.content, "mrc": {"invert_contrast": wanted}}))
        output = tmp_path / "results" / "test.json"
        arguments = ("--mrc", "--split", "test", "--runs", UNPICKED, "--output", str(output))
        main(["--config", str(config), *arguments])
        tomogram = read_tomogram(output, UNPICKED, *KIND)
        np.testing.assert_array_equal(tomogram.values_zyx, sign * blobs(2, -1)[0])


@pytest.mark.parametrize("sign", [1, -1], ids=["dark", "bright"])
@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda xyz: np.array([SHAPE_ZYX[2] - 1, 0, 0]) + xyz * [-1, 1, 1], "x runs the other way"),
        (lambda xyz: np.array([0, 0, SHAPE_ZYX[0] - 1]) + xyz * [1, 1, -1], "z runs the other way"),
        (lambda xyz: xyz / 2, "their pixels were twice as large as taken"),
    ],
    ids=["x flipped", "z flipped", "binned"],
)
def test_the_likely_mistake_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    cause: str,
    sign: int,
) -> None:
    data = write_mrc_data(tmp_path, sign)
    rewrite(data, change)
    results = run_import(data, "train")
    assert not ImportCheck.read(results / "import_check.json").is_inverted
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(warnings) == 1
    assert f"hardly where particles are; they would be if {cause} " in warnings[0]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda xyz: xyz * 2, "their pixels were half as large as taken"),
        (lambda xyz: xyz[:, [1, 0, 2]], "x and y are swapped"),
    ],
    ids=["binned", "swapped"],
)
def test_positions_outside_are_refused_with_what_would_fit(
    tmp_path: Path, change: Callable[[NDArray[np.float64]], NDArray[np.float64]], cause: str
) -> None:
    data = write_mrc_data(tmp_path)
    rewrite(data, change)
    with pytest.raises(InputError, match=rf"% of the picks lie outside .* seen, if {cause};"):
        run_import(data, "train")
    assert list((tmp_path / "results").rglob("*.*")) == []


def test_a_tomogram_that_was_never_turned(tmp_path: Path) -> None:
    """As IMOD reconstructs: the thickness along y. The header does not tell."""
    data = write_mrc_data(tmp_path)
    for seed, run in enumerate((*PICKED, UNPICKED)):
        turned = np.ascontiguousarray(blobs(seed)[0].transpose(1, 0, 2))
        write_mrc(data.folder / f"{run}.mrc", turned)
    with pytest.raises(InputError, match="where particles are seen, if y and z are swapped"):
        run_import(data, "train")


def test_a_wrong_header_is_overridden_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_mrc_data(tmp_path, voxel_angstrom=1.0)
    results = run_import(data, "train", voxel_spacing=VOXEL_ANGSTROM)
    assert "header gives voxels of 1 x 1 x 1 Å; voxel_spacing = 10 Å is taken" in (
        capsys.readouterr().err
    )
    tomogram = read_tomogram(results / "copick" / "train.json", PICKED[0], *KIND)
    np.testing.assert_array_equal(tomogram.voxel_size_zyx_angstrom, [VOXEL_ANGSTROM] * 3)


def test_axes_of_the_header_count(tmp_path: Path) -> None:
    data = write_mrc_data(tmp_path)
    path = data.folder / f"{PICKED[0]}.mrc"
    stored = np.ascontiguousarray(blobs(0)[0].transpose(1, 0, 2))  # sections are y
    write_mrc(path, stored)
    with mrcfile.open(path, mode="r+") as file:
        file.header.mapr, file.header.maps = 3, 2
        file.header.cella = tuple(10.0 * side for side in SHAPE_ZYX[::-1])
        file.header.mx, file.header.my, file.header.mz = SHAPE_ZYX[::-1]
    results = run_import(data, "train")
    tomogram = read_tomogram(results / "copick" / "train.json", PICKED[0], *KIND)
    np.testing.assert_array_equal(tomogram.values_zyx, blobs(0)[0])


def test_a_test_tomogram_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_mrc_data(tmp_path)
    shutil.copy(data.folder / f"{UNPICKED}.mrc", data.folder / "TS_4.mrc")
    bad = data.folder / f"{UNPICKED}.mrc"
    bad.write_bytes(bad.read_bytes()[:5000])
    run_import(data, "train")
    with pytest.raises(InputError, match=r"TS_3\.mrc: is cut off"):
        run_import(data, "test")
    results = run_import(data, "test", "--on-error", "skip", "--runs", UNPICKED, "TS_4")
    assert "TS_3.mrc: is cut off" in capsys.readouterr().err
    project = results / "copick" / "test.json"
    assert read_tomogram(project, "TS_4", *KIND).values_zyx.shape == SHAPE_ZYX
    with pytest.raises(InputError, match=r"TS_3\.mrc: is cut off"):
        read_tomogram(project, UNPICKED, *KIND)


def test_what_a_person_saves_beside_the_picks_stays(tmp_path: Path) -> None:
    data = write_mrc_data(tmp_path)
    results = run_import(data, "train")
    folder = results / "copick" / "train_overlay" / "ExperimentRuns" / PICKED[0] / "Picks"
    mine = folder / "me_1_ball.json"
    shutil.copy(next(folder.iterdir()), mine)
    run_import(data, "train")
    assert mine.exists()
