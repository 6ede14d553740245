"""Where a trained network's candidates stand, against the truth of synthetic specimens."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr
from scipy.spatial import KDTree

from picking.config import CZII_PARTICLES, Stage1Settings
from picking.config.synthetic import SyntheticSettings
from picking.files.ome_zarr import open_pyramid, read_level
from picking.files.tables import POSITION_COLUMNS
from picking.files.tomogram import Tomogram
from picking.synthetic.kaggle_writer import VOXEL_SPACING_FOLDER, static_folder
from picking.synthetic.make_run import make_run
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.network.fast_network import fast_network
from stage1_proposals.prediction.peaks import find_candidates
from stage1_proposals.prediction.predict import predict_maps
from stage1_proposals.train import Member, train_member
from stage1_proposals.training.crops import prepare_volume
from stage1_proposals.training.optimisation import Checkpoints

APO_FERRITIN = CZII_PARTICLES[0]
HALF_A_VOXEL_ANGSTROM = 5.0
NONE_PER_FULL_FIELD = dict.fromkeys(
    ("beta_amylase", "beta_galactosidase", "ribosome", "thyroglobulin", "virus_like_particle"), 0
)
# Nothing that blurs a particle's place: round molecules, no noise, tilt images that are aligned.
SPECIMEN = SyntheticSettings.model_validate(
    {
        "shape_zyx": (64, 160, 160),
        "crowding": 2.0,
        "particles_per_full_field": {"apo_ferritin": 600, **NONE_PER_FULL_FIELD},
        "distractors_per_full_field": 0,
        "lysate_per_full_field": 0,
        "vesicles_per_full_field": 0,
        "sheets_per_full_field": 0,
        "noise_strength": 0,
        "alignment_error_angstrom": 0,
    }
)
# One pass: turned passes would average away an offset that the network itself has.
SETTINGS = Stage1Settings.model_validate(
    {
        "training": {"max_steps": 200, "epochs": 1000, "crop_zyx": [48, 48, 48], "ema_decay": 0.97},
        "prediction": {"window_zyx": [64, 96, 96], "passes": 1},
    }
)


def make_field(run: str, folder: Path) -> tuple[Tomogram, pd.DataFrame]:
    """Make a specimen, and read it as the pipeline does, with its true positions."""
    make_run(SPECIMEN, 0, run, "test", folder, folder / f"{run}.csv")
    path = static_folder(folder, "test", run) / VOXEL_SPACING_FOLDER / "denoised.zarr"
    pyramid = open_pyramid(zarr.DirectoryStore(str(path)), str(path), 10.0)
    values_zyx = read_level(pyramid.full_size, pyramid.location)
    truth = pd.read_csv(folder / f"{run}.csv").rename(columns={"experiment": "run"})
    return Tomogram(run, values_zyx, pyramid.voxel_size_zyx_angstrom), truth


@pytest.fixture(scope="module")
def offsets_xyz_angstrom(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """From the true positions of a field to the candidates next to them, (n, 3) Å."""
    folder = tmp_path_factory.mktemp("fields")
    tomogram, truth = make_field("TS_1_1", folder)
    device = find_device(1)
    network, _ = train_member(
        [prepare_volume(tomogram, truth, [APO_FERRITIN], SETTINGS)],
        [APO_FERRITIN],
        SETTINGS,
        Member("resnet18", 0, 0, 0),
        device,
        Checkpoints(folder / "checkpoint.pt", "key"),
    )
    judged, judged_truth = make_field("TS_2_2", folder)
    maps = predict_maps(
        judged,
        [fast_network(network, device)],
        (APO_FERRITIN.name,),
        SETTINGS.prediction,
        1,
        device,
    )
    candidates = find_candidates(
        judged.run, maps.score_maps, [APO_FERRITIN], SETTINGS.peaks, budget=400
    )
    found = candidates[POSITION_COLUMNS].to_numpy()
    true = judged_truth[POSITION_COLUMNS].to_numpy()
    distance, nearest = KDTree(found).query(true)
    assert len(true) > 40
    assert distance.max() < APO_FERRITIN.radius_angstrom / 2
    return found[nearest] - true


def test_candidates_have_no_systematic_offset(offsets_xyz_angstrom: np.ndarray) -> None:
    standard_error = offsets_xyz_angstrom.std(axis=0) / np.sqrt(len(offsets_xyz_angstrom))
    assert standard_error.max() < 0.4  # else the next line would say little
    assert np.abs(offsets_xyz_angstrom.mean(axis=0)).max() < 1


def test_candidates_lie_within_half_a_voxel(offsets_xyz_angstrom: np.ndarray) -> None:
    assert np.median(np.linalg.norm(offsets_xyz_angstrom, axis=1)) < HALF_A_VOXEL_ANGSTROM
