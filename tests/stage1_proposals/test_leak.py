"""Why folds are by run: a network that saw the judged run's picks scores them flatteringly."""

from pathlib import Path

import numpy as np
import pandas as pd

from picking.config import ParticleType, Stage1Settings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.tomogram import Tomogram
from picking.scoring.truth_matching import new_hits
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.prediction.peaks import find_candidates
from stage1_proposals.prediction.predict import predict_maps
from stage1_proposals.train import Member, train_member
from stage1_proposals.training.crops import prepare_volume
from stage1_proposals.training.optimisation import Checkpoints
from tests.stage1_proposals.conftest import VOXEL_SIZE

PICKS = 6
SHAPE_ZYX = (20, 40, 36)


def noise_with_picks(run: str, seed: int) -> tuple[Tomogram, pd.DataFrame]:
    """Nothing but noise, and picks drawn by lot: there is nothing to learn but by heart."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(SHAPE_ZYX).astype(np.float32)
    centres = rng.uniform(4, np.array(SHAPE_ZYX) - 4, size=(PICKS, 3))
    truth = pd.DataFrame(indices_zyx_to_angstrom_xyz(centres, VOXEL_SIZE), columns=["x", "y", "z"])
    truth.insert(0, "run", run)
    truth.insert(1, "particle_type", "ball")
    return Tomogram(run, values * 1e-6, VOXEL_SIZE), truth


def test_a_network_that_saw_the_judged_run_flatters_the_score(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings, tmp_path: Path
) -> None:
    training = tiny_settings.training.model_copy(
        update={"max_steps": 400, "ema_decay": 0.9, "learning_rate": 0.01, "rotation_fraction": 0.0}
    )
    settings = tiny_settings.model_copy(update={"training": training})
    judged, truth = noise_with_picks("judged", 0)
    other, other_truth = noise_with_picks("other", 1)

    def hits_among_the_best(leak: bool) -> int:
        learnt_from = (judged, truth) if leak else (other, other_truth)
        network, _ = train_member(
            [prepare_volume(*learnt_from, particles, settings)],
            particles,
            settings,
            Member("resnet18", 0, 0, 0),
            find_device(1),
            Checkpoints(tmp_path / f"leak-{leak}.pt", "key"),
        )
        maps = predict_maps(
            judged, [network], ("ball", "giant"), settings.prediction, 1, find_device(1)
        )
        candidates = find_candidates(
            "judged", maps.score_maps, particles, settings.peaks, budget=60
        )
        best = candidates[candidates["particle_type"] == "ball"].head(2 * PICKS)
        return int(new_hits(best, truth, {"ball": 30.0}).sum())

    honest, leaked = hits_among_the_best(False), hits_among_the_best(True)
    assert honest <= PICKS // 2
    assert leaked >= PICKS - 1
