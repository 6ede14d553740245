"""Masks as people give them: found by their runs' names, brought onto the tomograms, or refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import copick
import numpy as np
import pytest
from numpy.typing import NDArray

from picking.config import PipelineConfig
from picking.config.masks import SegmentationMasks
from picking.data_in.import_dataset import import_copick, import_kaggle
from picking.data_in.import_inputs import import_inputs
from picking.data_in.imported_truth import PickedFiles
from picking.data_in.inventory import list_runs, resolve
from picking.data_in.masks_of_runs import masks_of_runs
from picking.data_in.mrc_tomograms import mrc_masks, mrc_tomograms
from picking.errors import InputError
from picking.files.mask import mask_stamp, read_mask
from picking.files.picks_density import PicksDensity
from picking.files.tables import TRUTH
from tests.conftest import TINY_SHAPE_ZYX, picks_content, tiny_values, write_ome_zarr
from tests.mrc_data import write_mrc

RUNS = ("TS_1_1", "TS_2_2", "TS_3_3")
SPACING = 10.0


def inside_from(first_x: int, shape_zyx: tuple[int, ...] = TINY_SHAPE_ZYX) -> NDArray[np.int8]:
    values = np.zeros(shape_zyx, np.int8)
    values[:, :, first_x:] = 1
    return values


def import_training_runs(dataset: Path, folder: Path, **changes: Any) -> Path:
    """Import a Kaggle folder; returns the folder of the result."""
    config = resolve(PipelineConfig(dataset=dataset, masks=str(folder), **changes))
    results = dataset.parent / "results"
    picked = PickedFiles(results / "truth.csv", results / "picks_density.json")
    runs = list_runs(config).train
    import_kaggle(config, dataset, "train", runs, results / "copick" / "train.json", picked)
    return results


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Inside from voxel 4 along x on: on the tomogram's voxels, binned and zipped, and finer."""
    write_mrc(tmp_path / "masks" / "TS_1_1_mask.mrc", inside_from(4))
    small = write_mrc(tmp_path / "masks" / "TS_2_2.mrc", inside_from(2, (4, 6, 8)), 1.0)
    small.with_name("TS_2_2.mrc.gz").write_bytes(gzip.compress(small.read_bytes()))
    small.unlink()
    write_mrc(tmp_path / "masks" / "TS_3_3_MASK.rec", inside_from(8, (16, 24, 32)))
    return tmp_path / "masks"


def test_picks_outside_do_not_count(
    kaggle_dataset: Path, masks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = import_training_runs(kaggle_dataset, masks)
    truth = TRUTH.read(results / "truth.csv")
    assert truth["run"].value_counts().to_dict() == dict.fromkeys(RUNS, 2)
    assert (truth["x"] >= 50).all()
    told = capsys.readouterr().err
    assert "3 of 9 picks lie outside the masks and do not count (1 of TS_1_1, 1 of" in told
    assert "no mask" not in told
    density = PicksDensity.read(results / "picks_density.json").runs
    whole = np.prod(TINY_SHAPE_ZYX) * 10.012444**3
    for run in RUNS:
        assert density[run].volume_cubic_angstrom == pytest.approx(0.75 * whole)
        mask = read_mask(results / "copick" / "train.json", run, SPACING)
        assert mask is not None
        np.testing.assert_array_equal(mask.inside_zyx, inside_from(4))


def test_sides_that_binning_does_not_divide(kaggle_dataset: Path, masks: Path) -> None:
    (masks / "TS_2_2.mrc.gz").unlink()
    # Of 8 x 12 x 16 voxels by 3: what is left over was left out, or filled up.
    write_mrc(masks / "TS_2_2_mask.mrc", inside_from(1, (3, 4, 5)))
    results = import_training_runs(kaggle_dataset, masks)
    mask = read_mask(results / "copick" / "train.json", "TS_2_2", SPACING)
    assert mask is not None
    np.testing.assert_array_equal(mask.inside_zyx, inside_from(3))


def test_a_run_without_a_mask_is_told_and_counts_everywhere(
    kaggle_dataset: Path, masks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (masks / "TS_1_1_mask.mrc").unlink()
    results = import_training_runs(kaggle_dataset, masks)
    assert "1 of 3 runs have no mask, so picks count everywhere in them: TS_1_1" in (
        capsys.readouterr().err
    )
    assert (TRUTH.read(results / "truth.csv")["run"] == "TS_1_1").sum() == 3
    assert read_mask(results / "copick" / "train.json", "TS_1_1", SPACING) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            inside_from(0, (8, 12, 15)),
            r"TS_1_1_mask\.mrc: has 15 x 12 x 8 voxels \(x, y, z\), but the tomogram of run TS_1_1 "
            "16 x 12 x 8",
        ),
        (inside_from(0, (12, 8, 16)), "neither the same nor binned alike along all axes"),
        (inside_from(16), r"TS_1_1_mask\.mrc: is 0 everywhere"),
        (1 - inside_from(1), r"none of the 3 picks of run TS_1_1 lies inside its mask"),
    ],
    ids=["shape", "axes", "empty", "inverted"],
)
def test_what_cannot_be_right_is_refused(
    kaggle_dataset: Path, masks: Path, values: NDArray[np.int8], message: str
) -> None:
    write_mrc(masks / "TS_1_1_mask.mrc", values)
    with pytest.raises(InputError, match=message):
        import_training_runs(kaggle_dataset, masks)
    assert not list((kaggle_dataset.parent / "results").rglob("*.*"))


def test_masks_beside_their_tomograms(tmp_path: Path) -> None:
    for name in ("A", "B", "A_mask", "B_cell"):
        write_mrc(tmp_path / f"{name}.mrc", inside_from(4))

    def config(masks: str | None) -> PipelineConfig:
        return PipelineConfig(tomograms=str(tmp_path), masks=masks)

    assert list(mrc_tomograms(config(None))) == ["A", "A_mask", "B", "B_cell"]
    beside = config(str(tmp_path))
    assert list(mrc_tomograms(beside)) == ["A", "B", "B_cell"]
    assert mrc_masks(beside) == {"A": tmp_path / "A_mask.mrc"}
    write_mrc(tmp_path / "more" / "A.mrc", inside_from(4))
    with pytest.raises(InputError, match=r"masks: .* are both of run A"):
        mrc_masks(config(f"{tmp_path}/**/A*.mrc"))
    with pytest.raises(InputError, match=r"none: .*as masks$"):
        mrc_masks(config(f"{tmp_path}/none"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copick project of two picked runs."""
    for seed, run in enumerate(("R1", "R2")):
        folder = tmp_path / "static" / "ExperimentRuns" / run
        write_ome_zarr(folder / "VoxelSpacing10.000" / "denoised.zarr", tiny_values(seed))
        (folder / "Picks").mkdir()
        content = picks_content(run, "mine", [[20, 50, 50], [120, 50, 50]])
        (folder / "Picks" / "me_1_mine.json").write_text(json.dumps(content))
    objects = [
        {"name": "mine", "is_particle": True, "radius": 40},
        {"name": "cell", "is_particle": False, "label": 2},
    ]
    content = {
        "config_type": "filesystem",
        "pickable_objects": objects,
        "overlay_root": f"local://{tmp_path}/overlay",
        "overlay_fs_args": {"auto_mkdir": True},
        "static_root": f"local://{tmp_path}/static",
    }
    path = tmp_path / "copick.json"
    path.write_text(json.dumps(content))
    return path


def segment(
    project: Path, run: str, values: NDArray[np.int8], voxel: float = SPACING, user: str = "me"
) -> None:
    found = copick.from_file(str(project)).get_run(run)
    found.new_segmentation(voxel, "cell", "7", user_id=user).from_numpy(values)


def configured(project: Path, **masks: str) -> PipelineConfig:
    return resolve(PipelineConfig(copick=project, masks={"segmentation": "cell", **masks}))


def test_a_segmentation_is_a_mask_at_any_voxel_spacing(project: Path, tmp_path: Path) -> None:
    segment(project, "R1", inside_from(8))
    # Of another binning alone, and with several labels.
    segment(project, "R2", 3 * inside_from(4, (4, 6, 8)), 20.0)
    before = {path for path in project.parent.rglob("*") if path.is_file()}
    config = configured(project)
    results = tmp_path / "results"
    picked = PickedFiles(results / "truth.csv", results / "picks_density.json")
    output = results / "copick" / "train.json"
    import_copick(config, project, ("R1", "R2"), output, picked)
    assert TRUTH.read(picked.truth)[["run", "x"]].to_numpy().tolist() == [["R1", 120], ["R2", 120]]
    for run in ("R1", "R2"):
        mask = read_mask(output, run, SPACING)
        assert mask is not None
        np.testing.assert_array_equal(mask.inside_zyx, inside_from(8))
    written = {path for path in project.parent.rglob("*") if path.is_file()} - before
    assert all(results in path.parents for path in written)
    # The plan and the jobs notice a changed mask by the same.
    stamps = import_inputs(config, "train", ("R1", "R2")).stamps
    for run in ("R1", "R2"):
        assert stamps[run].endswith(f" mask {mask_stamp(output, run, SPACING)}")


def test_which_of_several_segmentations(project: Path) -> None:
    segment(project, "R1", inside_from(4, (4, 6, 8)), 20.0)
    segment(project, "R1", inside_from(8))
    found = masks_of_runs(configured(project), ("R1", "R2"))
    assert list(found) == ["R1"]
    assert found["R1"].location.rpartition("/")[2] == "10.000_me_7_cell.zarr"
    segment(project, "R1", inside_from(2), user="you")
    with pytest.raises(InputError, match=r"run R1: has several .* cell \(user/session me/7, you/7"):
        masks_of_runs(configured(project), ("R1",))
    (mine,) = masks_of_runs(configured(project, user_id="you"), ("R1",)).values()
    assert mine.read().inside_zyx[0, 0].sum() == 14


def test_a_mask_that_is_edited_in_place_is_noticed(project: Path) -> None:
    segment(project, "R1", inside_from(8))
    before = import_inputs(configured(project), "train", ("R1", "R2"))
    assert before.masked == ("R1",)
    segmentation = copick.from_file(str(project)).get_run("R1").get_segmentations(name="cell")[0]
    segmentation.set_region(np.ones((1, 1, 1), np.uint8), x=slice(1), y=slice(1), z=slice(1))
    after = import_inputs(configured(project), "train", ("R1", "R2"))
    assert after.stamps["R1"] != before.stamps["R1"]
    assert after.stamps["R2"] == before.stamps["R2"]
    assert after.digest != before.digest


def test_a_segmentation_needs_a_copick_project(kaggle_dataset: Path) -> None:
    wanted = SegmentationMasks(segmentation="cell")
    config = resolve(PipelineConfig(dataset=kaggle_dataset, masks=wanted))
    with pytest.raises(InputError, match=r"the segmentation cell, which only a copick project has"):
        masks_of_runs(config, RUNS)
