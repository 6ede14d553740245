"""Where the loss is: what became of every pick and reference, and what fixing it would earn.

A pick hits a new reference, or one that a better pick has hit already (a duplicate), or stands on a
particle of another type, or on nothing. A reference is hit, or was proposed and not picked, or was
never proposed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from picking.files.tables import POSITION_COLUMNS
from picking.scoring.metric import references_hit
from picking.scoring.scoring_rules import ScoringRules
from picking.scoring.truth_matching import new_hits
from stage2_rerank.thresholds.final_curve import final_curve

# What stands at a pick that is on no labelled particle.
# No particle type may have this name: the configuration allows no brackets.
NOTHING = "(nothing)"


@dataclass(frozen=True)
class LossOfType:
    """Counts of one particle type, pooled over the judged runs.

    Parameters
    ----------
    references : int
        References of the type.
    hit, not_picked, never_proposed : int
        References that a pick hits, that only a candidate hits, and that none hits.
    picks : int
        Picks of the type.
    duplicates, other_type, nothing : int
        Picks that hit no new reference: those on one that is hit already, on another type's, and
        on nothing.
    best_threshold_fbeta : float
        F-beta if the one best threshold of the judged runs were known.
    beta : float
        F-beta's beta.
    """

    references: int
    hit: int
    not_picked: int
    never_proposed: int
    picks: int
    duplicates: int
    other_type: int
    nothing: int
    best_threshold_fbeta: float
    beta: float

    def fbeta(self, more_hits: int = 0, fewer_picks: int = 0) -> float:
        """F-beta, or what it would be with so many more references hit and fewer wrong picks."""
        beta_squared = self.beta**2
        below = beta_squared * self.references + self.picks + more_hits - fewer_picks
        return (1 + beta_squared) * (self.hit + more_hits) / below if below else 0.0

    @property
    def oracles(self) -> dict[str, float]:
        """F-beta if one thing were perfect and the rest as it is."""
        return {
            "never proposed": self.fbeta(more_hits=self.never_proposed),
            "not picked": self.fbeta(more_hits=self.not_picked),
            "another type": self.fbeta(fewer_picks=self.other_type),
            "duplicates": self.fbeta(fewer_picks=self.duplicates),
            "nothing there": self.fbeta(fewer_picks=self.nothing),
            "threshold": max(self.best_threshold_fbeta, self.fbeta()),
        }


def decompose_loss(
    out_of_fold: pd.DataFrame, picks: pd.DataFrame, truth: pd.DataFrame, rules: ScoringRules
) -> tuple[dict[str, LossOfType], pd.DataFrame]:
    """Follow every pick and every reference.

    Parameters
    ----------
    out_of_fold : DataFrame
        Table OUT_OF_FOLD of all types.
    picks : DataFrame
        Table PICKS: the nested picks of both stages.
    truth : DataFrame
        Table TRUTH; runs that are not in it are not judged.
    rules : ScoringRules
        Radii and beta.

    Returns
    -------
    losses : dict of str to LossOfType
        By particle type.
    confusion : DataFrame
        Picks by their type (rows) and by what stands there (columns: every type, whether it is hit
        for the first time or again, then ``NOTHING``).
    """
    judged = set(truth["run"])
    candidates = out_of_fold[out_of_fold["run"].isin(judged)]
    picks = judged_picks(picks, truth, rules)
    hits, stands_there = picks["hits"].to_numpy(), picks["stands_there"].to_numpy()
    names = list(rules.match_radius_angstrom)
    confusion = pd.crosstab(
        pd.Categorical(picks["particle_type"], names),
        pd.Categorical(stands_there, [*names, NOTHING]),
        dropna=False,
    )
    confusion.index.name = confusion.columns.name = None
    proposed = new_hits(candidates, truth, rules.match_radius_angstrom)
    losses = {}
    for name in names:
        of_type = (picks["particle_type"] == name).to_numpy()
        wrong = of_type & (hits == 0)
        references = int((truth["particle_type"] == name).sum())
        hit = int(hits[of_type].sum())
        found = int(proposed[(candidates["particle_type"] == name).to_numpy()].sum())
        losses[name] = LossOfType(
            references=references,
            hit=hit,
            # A pick is a candidate, so that what is hit has been proposed.
            not_picked=found - hit,
            never_proposed=references - found,
            picks=int(of_type.sum()),
            duplicates=int(np.sum(stands_there[wrong] == name)),
            other_type=int(np.sum(~np.isin(stands_there[wrong], [name, NOTHING]))),
            nothing=int(np.sum(stands_there[wrong] == NOTHING)),
            best_threshold_fbeta=final_curve(
                candidates, truth, name, "rerank_score", rules
            ).best_fbeta,
            beta=rules.beta,
        )
    return losses, confusion


def judged_picks(picks: pd.DataFrame, truth: pd.DataFrame, rules: ScoringRules) -> pd.DataFrame:
    """Leave the picks of judged runs, each with what it hits and what stands there.

    Parameters
    ----------
    picks : DataFrame
        Table PICKS.
    truth : DataFrame
        Table TRUTH; runs that are not in it are not judged.
    rules : ScoringRules
        Radii.

    Returns
    -------
    DataFrame
        Rows of ``picks`` in their order, numbered from 0, with the columns hits (references that
        no better pick hits) and stands_there (see :func:`standing_on`).
    """
    picks = picks[picks["run"].isin(set(truth["run"]))].reset_index(drop=True)
    numbered = picks.assign(candidate_id=np.arange(len(picks)))
    return picks.assign(
        hits=new_hits(numbered, truth, rules.match_radius_angstrom, "score"),
        stands_there=standing_on(picks, truth, rules.match_radius_angstrom),
    )


def standing_on(
    picks: pd.DataFrame, truth: pd.DataFrame, radius_angstrom: Mapping[str, float]
) -> np.ndarray:
    """Name what stands at each pick: its own type if it hits one, else the nearest other type.

    Another type counts as standing there if the pick lies within that type's hit radius.

    Parameters
    ----------
    picks : DataFrame
        Table PICKS; any index.
    truth : DataFrame
        Table TRUTH.
    radius_angstrom : mapping of str to float
        Hit radius of each particle type, Å.

    Returns
    -------
    ndarray, (n,), object
        A particle type, or ``NOTHING``, for each row of ``picks``, in their order.
    """
    answer = np.full(len(picks), NOTHING, dtype=object)
    nearest = np.full(len(picks), np.inf)
    for run, rows in picks.groupby("run").indices.items():
        positions = picks[POSITION_COLUMNS].to_numpy(np.float64)[rows]
        types = picks["particle_type"].to_numpy(dtype=object)[rows]
        for group, references in truth[truth["run"] == run].groupby("particle_type"):
            name = str(group)
            if name not in radius_angstrom:
                continue
            true_positions = references[POSITION_COLUMNS].to_numpy(np.float64)
            distance = KDTree(true_positions).query(positions)[0]
            # Whoever hits its own type stands there, whatever is nearer.
            own = types == name
            own_hits = references_hit(positions, true_positions, radius_angstrom[name])
            standing = np.where(own, -1.0, distance)
            within = np.where(
                own, [bool(hit) for hit in own_hits], distance <= radius_angstrom[name]
            )
            closer = within & (standing < nearest[rows])
            answer[rows[closer]] = name
            nearest[rows[closer]] = standing[closer]
    return answer
