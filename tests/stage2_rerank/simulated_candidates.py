"""A seeded generator of candidates, features and truth with known structure."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

BOX_ANGSTROM = (4000.0, 4000.0, 1000.0)


@dataclass(frozen=True)
class SimulatedType:
    """How hard one particle type is for stage 1, and what the features know beyond it."""

    particles_per_run: int
    false_per_run: int
    score_separation: float  # distance of the two classes' mean logits, in standard deviations
    feature_separation: float  # the same for each informative feature
    recall: float = 0.95


@dataclass(frozen=True)
class Simulation:
    candidates: pd.DataFrame
    features: pd.DataFrame
    truth: pd.DataFrame


def simulate(
    types: dict[str, SimulatedType],
    runs: list[str],
    *,
    seed: int,
    number_of_features: int = 130,
    informative: int = 5,
) -> Simulation:
    rng = np.random.default_rng(seed)
    candidates, features, truth = [], [], []
    names = [f"feature_{number:03d}" for number in range(number_of_features)]
    for run in runs:
        rows = []
        for particle_type, simulated in types.items():
            references = rng.uniform(0, BOX_ANGSTROM, (simulated.particles_per_run, 3))
            truth.append(
                pd.DataFrame(references, columns=["x", "y", "z"]).assign(
                    run=run, particle_type=particle_type
                )
            )
            found = references[rng.random(len(references)) < simulated.recall]
            positions = np.concatenate(
                [
                    found + rng.normal(0, 5, found.shape),
                    rng.uniform(0, BOX_ANGSTROM, (simulated.false_per_run, 3)),
                ]
            )
            is_true = np.arange(len(positions)) < len(found)
            logits = rng.normal(-2.0, 1.0, len(positions)) + simulated.score_separation * is_true
            values = rng.normal(0, 1, (len(positions), number_of_features))
            values[:, :informative] += simulated.feature_separation * is_true[:, None]
            block = pd.DataFrame(positions, columns=["x", "y", "z"]).assign(
                run=run,
                particle_type=particle_type,
                proposal_score=expit(logits).astype(np.float32),
            )
            measured = pd.DataFrame(values.astype(np.float32), columns=names)
            rows.append(pd.concat([block, measured], axis=1))
        table = pd.concat(rows, ignore_index=True)
        table = table.sample(frac=1, random_state=int(rng.integers(2**31)), ignore_index=True)
        ids = pd.Series(np.arange(len(table), dtype=np.int32), name="candidate_id")
        table = pd.concat([table, ids], axis=1)
        candidates.append(
            table[["run", "candidate_id", "particle_type", "x", "y", "z", "proposal_score"]]
        )
        features.append(table[["run", "candidate_id", "particle_type", *names]])
    return Simulation(
        pd.concat(candidates, ignore_index=True),
        pd.concat(features, ignore_index=True),
        pd.concat(truth, ignore_index=True)[["run", "particle_type", "x", "y", "z"]],
    )
