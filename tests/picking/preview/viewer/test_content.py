import numpy as np
import pandas as pd

from picking.config import ParticleType
from picking.files.tables import TRUTH
from picking.preview.viewer.content import apart, shown_types
from stage2_rerank.thresholds.final_picks import suppressed

PARTICLES = (
    ParticleType(name="a", radius_angstrom=50, color=(255, 204, 153, 128)),
    ParticleType(name="b", radius_angstrom=80, color=(76, 0, 92, 128)),
    ParticleType(name="c", radius_angstrom=80),
)


def test_duplicates_go_as_in_the_final_picks():
    random = np.random.default_rng(0)
    candidates = pd.DataFrame(random.uniform(0, 400, (300, 3)), columns=["x", "y", "z"]).assign(
        run="R",
        particle_type=random.choice(["a", "b"], 300),
        rerank_score=random.integers(0, 20, 300) / 20,
    )
    distance = {"a": 40.0, "b": 64.0}
    stays = apart(candidates, "rerank_score", distance)
    assert 0 < len(stays) < 300
    expected = suppressed(candidates, "rerank_score", distance)
    pd.testing.assert_frame_equal(stays.reset_index(drop=True), expected)
    assert set(apart(candidates, "rerank_score", {"a": 40.0})["particle_type"]) == {"a"}


def test_particles_are_gathered_by_type_the_most_probable_first():
    picks = pd.DataFrame(
        [("b", 1.0, 2.0, 3.04, 0.25), ("b", 4.0, 5.0, 6.0, 1 / 3), ("unknown", 0, 0, 0, 0.9)],
        columns=["particle_type", "x", "y", "z", "score"],
    )
    truth = pd.DataFrame([("R", "a", 7.0, 8.0, 9.0)], columns=TRUTH.column_names)
    first, second = shown_types(PARTICLES, picks, truth, {"b": 0.1})
    assert (first.name, first.picks, first.truth) == ("a", (), ((7, 8, 9),))
    assert (first.color, first.edge, first.cutoff) == ("rgb(255 204 153)", "black", 0)
    # Probabilities keep their last bit: they are compared with cut-offs.
    assert second.picks == ((4, 5, 6, 1 / 3), (1, 2, 3, 0.25))
    assert (second.radius, second.edge, second.cutoff) == (80, "white", 0.1)
