"""A run's mask in a result: by position, on maps of other voxels, and as copick sees it."""

import json
from pathlib import Path

import copick
import numpy as np
import pytest

from picking.errors import InputError
from picking.files.copick_project import filesystem_config
from picking.files.mask import Mask, mask_stamp, read_mask, share_inside, write_mask

VOXEL = np.array([10.0, 10.0, 10.0])


def block() -> Mask:
    """Inside from voxel 4 on along x, of 8 x 6 x 10 voxels."""
    inside = np.zeros((8, 6, 10), dtype=bool)
    inside[:, :, 4:] = True
    return Mask(inside, VOXEL)


def test_the_nearest_voxel_counts_and_beyond_the_border_that_at_the_border() -> None:
    positions = np.array([[34.9, 0, 0], [35.1, 0, 0], [500, 20, 20], [-500, 20, 20]])
    assert block().holds(positions).tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("voxel", "stride", "first"),
    [(10.0, 1, 4), (10.0, 2, 2), (5.0, 1, 7), (5.0, 2, 4), (20.0, 1, 2)],
    ids=["same", "strided", "finer", "finer and strided", "coarser"],
)
def test_maps_of_other_voxels(voxel: float, stride: int, first: int) -> None:
    """The first map voxel along x whose centre is at 35 Å or more."""
    on_map = block().on_map((3, 4, 5 if first < 5 else 9), np.full(3, voxel), stride)
    assert not on_map[:, :, :first].any()
    assert on_map[:, :, first:].all()


def test_it_is_written_as_a_segmentation_and_read_again(tmp_path: Path) -> None:
    project = tmp_path / "train.json"
    overlay = tmp_path / "overlay"
    project.write_text(json.dumps(filesystem_config(tmp_path / "static", overlay, [])))
    (tmp_path / "static" / "ExperimentRuns" / "R").mkdir(parents=True)
    write_mask(block(), overlay, "R", 10.0, "as it was")
    mask = read_mask(project, "R", 10.0)
    assert mask is not None
    np.testing.assert_array_equal(mask.inside_zyx, block().inside_zyx)
    np.testing.assert_array_equal(mask.voxel_size_zyx_angstrom, VOXEL)
    assert share_inside(project, "R", 10.0) == mask.share_inside == pytest.approx(0.6)
    assert mask_stamp(project, "R", 10.0) == "as it was"
    (shown,) = copick.from_file(str(project)).get_run("R").get_segmentations(name="mask")
    assert (shown.user_id, shown.session_id, shown.is_multilabel) == ("tomosieve", "0", False)
    np.testing.assert_array_equal(shown.numpy(), block().inside_zyx)

    assert read_mask(project, "other", 10.0) is None
    assert share_inside(project, "other", 10.0) == 1
    assert mask_stamp(project, "other", 10.0) == ""
    # A person's, under our name: whoever gave no masks means none.
    copick.from_file(str(project)).get_run("R").get_segmentations(name="mask")[0].from_numpy(
        np.ones((8, 6, 10), np.uint8)
    )
    assert read_mask(project, "R", 10.0) is None
    write_mask(block(), overlay, "R", 10.0, "as it was")
    (chunk,) = (path for path in overlay.rglob("0/0/0/0") if path.is_file())
    chunk.unlink()
    with pytest.raises(InputError, match="is damaged, which the import wrote"):
        read_mask(project, "R", 10.0)
