"""The picture of tomograms with their picks, to look at before a training."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from matplotlib.figure import Figure
from PIL import Image

from picking.config import ParticleType
from picking.files.copick_project import filesystem_config
from picking.files.mask import Mask, write_mask
from picking.files.tables import TRUTH
from picking.files.tomogram import Tomogram
from picking.files.truth import read_truth
from picking.preview.import_check import densest, main, mean_around
from picking.preview.slice_drawing import MASK_COLOR, outline_mask
from tests.conftest import KaggleRunWriter
from tests.mrc_data import SHAPE_ZYX, VOXEL_ANGSTROM, blobs

COLORS = {"ball": (230, 30, 30, 255), "cube": (30, 230, 30, 255)}


def test_it_shows_the_runs_with_the_most_picks(
    tmp_path: Path, write_kaggle_run: KaggleRunWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    particles = [
        ParticleType(name=name, radius_angstrom=60, color=color) for name, color in COLORS.items()
    ]
    for number, run in enumerate(("A", "B", "C", "D")):
        values, places = blobs(number)
        picks = {"ball": places[: 5 + number] * 10, "cube": places[:2] * 10 + 50}
        write_kaggle_run(tmp_path, "train", run, values, picks)
    for path in (tmp_path / "train" / "overlay").rglob("*.json"):
        path.rename(path.with_name(f"me_1_{path.name}"))
    project = tmp_path / "copick.json"
    static, overlay = tmp_path / "train" / "static", tmp_path / "train" / "overlay"
    project.write_text(json.dumps(filesystem_config(static, overlay, particles)))
    inside = np.ones(SHAPE_ZYX, dtype=bool)
    inside[:, :20] = False
    write_mask(Mask(inside, np.full(3, 10.0)), overlay, "D", 10.0, "")
    TRUTH.write(read_truth(project, "ABCD", particles), tmp_path / "truth.csv")
    config = tmp_path / "config.yaml"
    dumped = [item.model_dump(mode="json") for item in particles]
    config.write_text(yaml.safe_dump({"particles": dumped}))
    output = tmp_path / "pictures" / "check.png"
    main(
        [
            *("--config", str(config), "--copick", str(project)),
            *("--truth", str(tmp_path / "truth.csv"), "--output", str(output)),
        ]
    )
    assert capsys.readouterr().out.startswith("D, C, B with their picks")
    with Image.open(output) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    for color in (*COLORS.values(), MASK_COLOR):
        assert (np.abs(pixels - color[:3]).max(axis=1) <= 3).any()


def test_masks_are_outlined_at_their_places() -> None:
    inside = np.zeros((8, 20, 30), dtype=bool)
    inside[:, 5:15, 10:] = True
    mask = Mask(inside, np.full(3, 10.0))
    axes = Figure().subplots()
    outline_mask(axes, mask, "xy", 40.0)
    (outside,), (line,) = [one.get_paths() for one in axes.collections]
    assert outside.contains_point((50, 100))
    assert not outside.contains_point((200, 100))
    # Edges are half-way between voxels; at the tomogram's border there is none.
    np.testing.assert_allclose(line.vertices.min(axis=0), [95, 45])
    np.testing.assert_allclose(line.vertices.max(axis=0), [290, 145])
    for is_inside, tinted in ((True, 0), (False, 1)):
        alike = Figure().subplots()
        outline_mask(alike, Mask(np.full((8, 8, 8), is_inside), np.full(3, 10.0)), "xz", 40.0)
        assert len(alike.collections) == tinted


def test_the_mean_around_picks_is_dark_in_the_middle_only_where_particles_are() -> None:
    values, places = blobs(0)
    tomogram = Tomogram("R", values, np.full(3, VOXEL_ANGSTROM))
    right = mean_around(tomogram, places * VOXEL_ANGSTROM, 100.0)
    assert right.shape == (21, 21, 21)
    assert right[9:12, 9:12, 9:12].mean() < right.mean() - 1
    wrong = mean_around(tomogram, places[:, ::-1] * VOXEL_ANGSTROM, 100.0)
    assert wrong[9:12, 9:12, 9:12].mean() > wrong.mean() - 0.5


def test_the_mean_has_the_axes_of_the_tomogram_and_stops_at_its_border() -> None:
    values = np.zeros((9, 10, 11), np.float32)
    values[1, 2, 4] = 8  # zyx
    tomogram = Tomogram("R", values, np.full(3, 10.0))
    cube = mean_around(tomogram, np.array([[30.0, 10.0, 0.0]]), 20.0)
    assert np.unravel_index(cube.argmax(), cube.shape) == (3, 3, 3)
    two = mean_around(tomogram, np.array([[30.0, 10.0, 0.0], [60.0, 60.0, 60.0]]), 20.0)
    assert two[3, 3, 3] == pytest.approx(4)  # both reach it
    assert two[0, 0, 0] == 0  # one does: the other is beyond the border


def test_slices_pass_where_picks_are_densest() -> None:
    assert densest(np.array([0.0, 100.0, 110.0, 120.0, 300.0]), 15.0) == 110.0
