"""What a run leaves on disk: Kaggle's layout, readable through copick, the same every time."""

import hashlib
import json
from pathlib import Path

import copick
import numpy as np
import pandas as pd
import pytest
import zarr

from picking.config.synthetic import TOMO_TYPES, SyntheticSettings
from picking.synthetic.finish_dataset import finish_dataset, leftover_runs
from picking.synthetic.kaggle_writer import halve, with_mantissa_bits, write_tomogram
from picking.synthetic.make_run import main, make_run
from tests.picking.synthetic.conftest import SEED, TEST_RUN, TRAIN_RUN

PARTICLE_TYPES = (
    "apo-ferritin",
    "beta-amylase",
    "beta-galactosidase",
    "ribosome",
    "thyroglobulin",
    "virus-like-particle",
)


def tomogram_path(dataset: Path, split: str, run: str, tomo_type: str) -> Path:
    return (
        dataset / split / "static" / "ExperimentRuns" / run / "VoxelSpacing10.000"
        / f"{tomo_type}.zarr"
    )  # fmt: skip


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_layout_is_kaggles(small_dataset: Path) -> None:
    folders = {
        str(path.relative_to(small_dataset))
        for path in small_dataset.rglob("*")
        if path.suffix in (".zarr", ".json")
    }
    train, test = "train/static/ExperimentRuns", "test/static/ExperimentRuns"
    assert folders == {
        *(f"{train}/{TRAIN_RUN}/VoxelSpacing10.000/{t}.zarr" for t in TOMO_TYPES),
        f"{test}/{TEST_RUN}/VoxelSpacing10.000/denoised.zarr",
        *(f"train/overlay/ExperimentRuns/{TRAIN_RUN}/Picks/{p}.json" for p in PARTICLE_TYPES),
    }


def test_nothing_unfinished_is_left(small_dataset: Path) -> None:
    hidden = [path for path in small_dataset.parent.rglob(".*") if not path.name.startswith(".z")]
    assert hidden == []


@pytest.mark.parametrize("tomo_type", TOMO_TYPES)
def test_tomogram_is_ome_zarr_with_real_values(
    small_dataset: Path, small_settings: SyntheticSettings, tomo_type: str
) -> None:
    path = tomogram_path(small_dataset, "train", TRAIN_RUN, tomo_type)
    assert json.loads((path / ".zgroup").read_text()) == {"zarr_format": 2}
    (image,) = json.loads((path / ".zattrs").read_text())["multiscales"]
    assert image["version"] == "0.4"
    assert [(a["name"], a["type"], a["unit"]) for a in image["axes"]] == [
        (name, "space", "angstrom") for name in "zyx"
    ]
    scales = [d["coordinateTransformations"][0]["scale"] for d in image["datasets"]]
    assert scales == [[10.012444 * factor] * 3 for factor in (1, 2, 4)]
    group = zarr.open(str(path), mode="r")
    shapes = [group[level].shape for level in "012"]
    assert shapes == [small_settings.shape_zyx, (24, 49, 51), (12, 25, 26)]
    for level in "012":
        about = json.loads((path / level / ".zarray").read_text())
        assert about["dimension_separator"] == "/"
        assert about["chunks"][1:] == [256, 256]
        assert about["dtype"] == "<f4"
        assert (about["compressor"]["id"], about["compressor"]["cname"]) == ("blosc", "zstd")
    values = group["0"][:]
    assert np.isfinite(values).all()
    assert abs(values.mean()) < 1e-8
    assert values.std() == pytest.approx(7e-6, rel=0.01)


def test_real_shape_has_the_real_levels(tmp_path: Path) -> None:
    values = np.zeros((184, 630, 630), dtype=np.float32)
    write_tomogram(tmp_path / "denoised.zarr", values, 10.012444, 10)
    group = zarr.open(str(tmp_path / "denoised.zarr"), mode="r")
    assert [group[level].shape for level in "012"] == [
        (184, 630, 630),
        (92, 315, 315),
        (46, 158, 158),
    ]


def test_picks_have_the_genuine_schema(small_dataset: Path) -> None:
    folder = small_dataset / "train" / "overlay" / "ExperimentRuns" / TRAIN_RUN / "Picks"
    total = 0
    for particle_type in PARTICLE_TYPES:
        content = json.loads((folder / f"{particle_type}.json").read_text())
        points = content.pop("points")
        assert content == {
            "pickable_object_name": particle_type,
            "user_id": "curation",
            "session_id": "0",
            "run_name": TRAIN_RUN,
            "voxel_spacing": None,
            "unit": "angstrom",
            "trust_orientation": True,
        }
        for point in points:
            assert set(point) == {"location", "transformation_", "instance_id"}
            assert set(point["location"]) == {"x", "y", "z"}
            assert np.shape(point["transformation_"]) == (4, 4)
        total += len(points)
    assert total > 0


def test_tomograms_and_picks_open_in_copick(
    small_dataset: Path, small_settings: SyntheticSettings, tmp_path: Path
) -> None:
    overlay = tmp_path / "overlay" / "ExperimentRuns" / TRAIN_RUN / "Picks"
    overlay.mkdir(parents=True)
    source = small_dataset / "train" / "overlay" / "ExperimentRuns" / TRAIN_RUN / "Picks"
    # copick wants {user}_{session}_{object}.json; Kaggle's files are called {object}.json.
    for path in source.iterdir():
        (overlay / f"curation_0_{path.name}").write_bytes(path.read_bytes())
    config = {
        "config_type": "filesystem",
        "name": "synthetic",
        "description": "",
        "version": "1.0.0",
        "pickable_objects": [
            {"name": name, "is_particle": True, "label": number, "radius": 60}
            for number, name in enumerate(PARTICLE_TYPES, start=1)
        ],
        "overlay_root": f"local://{tmp_path / 'overlay'}",
        "static_root": f"local://{small_dataset / 'train' / 'static'}",
        "overlay_fs_args": {"auto_mkdir": True},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    run = copick.from_file(str(tmp_path / "config.json")).get_run(TRAIN_RUN)
    spacing = run.get_voxel_spacing(10.0)
    assert sorted(t.tomo_type for t in spacing.tomograms) == sorted(TOMO_TYPES)
    (denoised,) = spacing.get_tomograms("denoised")
    assert denoised.numpy().shape == small_settings.shape_zyx
    (picks,) = run.get_picks("ribosome")
    assert picks.numpy()[0].shape[1] == 3


def test_particles_are_dark_where_the_truth_says(
    small_dataset: Path, small_settings: SyntheticSettings
) -> None:
    truth = pd.read_csv(small_dataset.parent / f"{TEST_RUN}.csv")
    assert list(truth.columns) == ["experiment", "particle_type", "x", "y", "z"]
    assert set(truth.experiment) == {TEST_RUN}
    path = tomogram_path(small_dataset, "test", TEST_RUN, "denoised")
    values = zarr.open(str(path), mode="r")["0"][:]
    ribosomes = truth[truth.particle_type == "ribosome"][["z", "y", "x"]].to_numpy()
    assert len(ribosomes) > 0
    grid = np.stack(np.indices(values.shape), axis=-1) * small_settings.voxel_size_angstrom
    for place in ribosomes:
        near = np.linalg.norm(grid - place, axis=-1) < 80
        assert values[near].mean() < -0.5 * values.std()


def test_picks_are_near_the_truth_of_their_run(small_dataset: Path) -> None:
    truth = pd.read_csv(small_dataset.parent / f"{TRAIN_RUN}.csv")
    folder = small_dataset / "train" / "overlay" / "ExperimentRuns" / TRAIN_RUN / "Picks"
    for particle_type in PARTICLE_TYPES:
        points = json.loads((folder / f"{particle_type}.json").read_text())["points"]
        picked = np.array([[p["location"][a] for a in "xyz"] for p in points]).reshape(-1, 3)
        exact = truth[truth.particle_type == particle_type][["x", "y", "z"]].to_numpy()
        assert picked.shape == exact.shape
        if len(exact):
            assert np.abs(picked - exact).max() < 30
            assert not np.array_equal(picked, exact)


def test_same_seed_gives_the_same_bytes_alone_and_on_more_threads(
    small_dataset: Path, small_settings: SyntheticSettings, tmp_path: Path
) -> None:
    # The shared data set made the test run second; here it is made alone.
    make_run(small_settings, SEED, TEST_RUN, "test", tmp_path, workers=2)
    assert digest(tmp_path / "test") == digest(small_dataset / "test")


def test_other_seed_gives_another_run(
    small_dataset: Path, small_settings: SyntheticSettings, tmp_path: Path
) -> None:
    make_run(small_settings, SEED + 1, TEST_RUN, "test", tmp_path, tmp_path / "truth.csv")
    assert digest(tmp_path / "test") != digest(small_dataset / "test")
    ours, theirs = tmp_path / "truth.csv", small_dataset.parent / f"{TEST_RUN}.csv"
    assert ours.read_text() != theirs.read_text()


def test_failure_leaves_no_run(
    small_settings: SyntheticSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("picking.synthetic.make_run.write_tomogram", fail)
    with pytest.raises(OSError, match="disk full"):
        make_run(small_settings, SEED, TEST_RUN, "test", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.name != "ExperimentRuns" and (
        path.is_file() or TEST_RUN in path.name
    )] == []  # fmt: skip


def test_command_makes_a_run(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("seed: 3\nsynthetic:\n  shape_zyx: [48, 64, 64]\n")
    dataset, truth = tmp_path / "data", tmp_path / "truth.csv"
    arguments = ["--config", str(config), "--run", "TS_9_9", "--split", "test"]
    main([*arguments, "--dataset", str(dataset), "--truth", str(truth)])
    path = tomogram_path(dataset, "test", "TS_9_9", "denoised")
    assert zarr.open(str(path), mode="r")["0"].shape == (48, 64, 64)
    assert truth.read_text().startswith("experiment,particle_type,x,y,z\n")


def test_finished_dataset_has_sample_submission_and_joint_truth(
    small_dataset: Path, tmp_path: Path
) -> None:
    parts = [small_dataset.parent / f"{run}.csv" for run in (TRAIN_RUN, TEST_RUN)]
    finish_dataset([TEST_RUN, TRAIN_RUN], tmp_path, parts, tmp_path / "truth.csv")
    submission = (tmp_path / "sample_submission.csv").read_text().splitlines()
    assert submission == [
        "id,experiment,particle_type,x,y,z",
        f"0,{TEST_RUN},apo-ferritin,0,0,0",
        f"1,{TRAIN_RUN},apo-ferritin,0,0,0",
    ]
    joined = pd.read_csv(tmp_path / "truth.csv")
    assert len(joined) == sum(len(pd.read_csv(part)) for part in parts)
    assert set(joined.experiment) == {TRAIN_RUN, TEST_RUN}


def test_runs_of_another_seed_are_named(small_dataset: Path) -> None:
    assert leftover_runs(small_dataset, [TRAIN_RUN], [TEST_RUN]) == []
    assert leftover_runs(small_dataset, [TEST_RUN], []) == [
        f"test/{TEST_RUN}",
        f"train/{TRAIN_RUN}",
    ]
    assert leftover_runs(small_dataset / "missing", [], []) == []


def test_halving_averages_and_rounds_odd_sides_up() -> None:
    values = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)
    half = halve(values)
    assert half.shape == (2, 2, 3)
    assert half[0, 0, 0] == values[:2, :2, :2].mean()
    assert half[1, 1, 2] == values[2, 2:, 4].mean()


def test_rounding_keeps_the_value_to_the_asked_precision() -> None:
    values = np.array([1e-5, -1.4e-4, 0.0, 7.3e-6], dtype=np.float32)
    rounded = with_mantissa_bits(values, 10)
    np.testing.assert_allclose(rounded, values, rtol=2**-11)
    assert (rounded.view(np.uint32) & np.uint32((1 << 13) - 1) == 0).all()
    assert np.array_equal(with_mantissa_bits(values, 23), values)
