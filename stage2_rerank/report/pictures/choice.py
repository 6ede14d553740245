"""Which particles the report shows: right picks, wrong picks, and references that were missed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from picking.files.tables import POSITION_COLUMNS
from picking.scoring.metric import references_hit
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.thresholds.loss_decomposition import NOTHING, judged_picks

# Of a kind and type: enough to see a habit, few enough to look at all of them.
MOST_EXAMPLES = 4


@dataclass(frozen=True)
class Example:
    """A particle to be shown.

    Parameters
    ----------
    run : str
        Its run.
    particle_type : str
        Type of the pick, or of the missed reference.
    position_xyz_angstrom : tuple of float
        Its position, Å.
    score : float or None
        See :class:`stage2_rerank.report.pictures.content.ParticlePicture`.
    stands_there : str or None
        Likewise.
    """

    run: str
    particle_type: str
    position_xyz_angstrom: tuple[float, float, float]
    score: float | None
    stands_there: str | None = None


@dataclass(frozen=True)
class TypeExamples:
    """What is shown of one particle type, and how many there are of each kind."""

    found: tuple[Example, ...]
    wrong: tuple[Example, ...]
    missed: tuple[Example, ...]
    found_total: int
    wrong_total: int
    missed_total: int

    @property
    def all(self) -> tuple[Example, ...]:
        """Examples of every kind."""
        return self.found + self.wrong + self.missed


def choose_examples(
    picks: pd.DataFrame, out_of_fold: pd.DataFrame, truth: pd.DataFrame, rules: ScoringRules
) -> dict[str, TypeExamples]:
    """Choose what to show of every type.

    Right and wrong picks are those of the highest score. A type's missed references go from those
    with the best candidate to those that were never proposed, and those shown are spread evenly
    over that order: the first and the last of them, and some between.

    Parameters
    ----------
    picks : DataFrame
        Table PICKS: the nested picks of both stages.
    out_of_fold : DataFrame
        Table OUT_OF_FOLD of all types.
    truth : DataFrame
        Table TRUTH; runs that are not in it are not judged.
    rules : ScoringRules
        Types and radii.

    Returns
    -------
    dict of str to TypeExamples
        By particle type.
    """
    # The order of equal scores is that of the picks, by run and position.
    picks = judged_picks(picks, truth, rules).sort_values("score", ascending=False, kind="stable")
    examples = {}
    for name, radius in rules.match_radius_angstrom.items():
        of_type = picks[picks["particle_type"] == name]
        found, wrong = of_type[of_type["hits"] > 0], of_type[of_type["hits"] == 0]
        missed = missed_references(
            picks, out_of_fold, truth[truth["particle_type"] == name], radius
        )
        spread = np.linspace(0, len(missed) - 1, min(len(missed), MOST_EXAMPLES)).round()
        examples[name] = TypeExamples(
            found=_examples(found.head(MOST_EXAMPLES).assign(stands_there=NOTHING)),
            wrong=_examples(wrong.head(MOST_EXAMPLES)),
            missed=_examples(missed.iloc[spread.astype(int)].assign(stands_there=NOTHING)),
            found_total=len(found),
            wrong_total=len(wrong),
            missed_total=len(missed),
        )
    return examples


def missed_references(
    picks: pd.DataFrame, out_of_fold: pd.DataFrame, truth: pd.DataFrame, radius_angstrom: float
) -> pd.DataFrame:
    """Find the references of one type that no pick hits.

    Parameters
    ----------
    picks : DataFrame
        Table PICKS.
    out_of_fold : DataFrame
        Table OUT_OF_FOLD.
    truth : DataFrame
        Table TRUTH of one type.
    radius_angstrom : float
        Hit radius of the type, Å.

    Returns
    -------
    DataFrame
        Rows of ``truth`` with the column score: the rerank score of the best candidate that hits
        the reference, nan where none does; falling, nan last.
    """
    missed = [truth.iloc[:0].assign(score=np.zeros(0))]
    for (run, name), references in truth.groupby(["run", "particle_type"]):
        group = (str(run), str(name))
        is_hit = np.zeros(len(references), dtype=bool)
        for _, hit in _scored_hits(picks, "score", references, group, radius_angstrom):
            is_hit[hit] = True
        best = np.full(len(references), np.nan)
        for score, hit in _scored_hits(
            out_of_fold, "rerank_score", references, group, radius_angstrom
        ):
            # fmax takes the number where the other is nan.
            best[hit] = np.fmax(best[hit], score)
        missed.append(references.assign(score=best)[~is_hit])
    return pd.concat(missed, ignore_index=True).sort_values(
        "score", ascending=False, kind="stable", ignore_index=True
    )


def _scored_hits(
    frame: pd.DataFrame,
    score_column: str,
    references: pd.DataFrame,
    group: tuple[str, str],
    radius_angstrom: float,
) -> list[tuple[float, list[int]]]:
    """Score of every pick or candidate of a run and type, and the references that it hits."""
    run, particle_type = group
    rows = frame[(frame["run"] == run) & (frame["particle_type"] == particle_type)]
    hits = references_hit(
        rows[POSITION_COLUMNS].to_numpy(np.float64),
        references[POSITION_COLUMNS].to_numpy(np.float64),
        radius_angstrom,
    )
    return list(zip(rows[score_column], hits, strict=True))


def _examples(rows: pd.DataFrame) -> tuple[Example, ...]:
    return tuple(
        Example(
            run=row["run"],
            particle_type=row["particle_type"],
            position_xyz_angstrom=(row["x"], row["y"], row["z"]),
            score=None if np.isnan(row["score"]) else float(row["score"]),
            stands_there=None if row["stands_there"] == NOTHING else row["stands_there"],
        )
        for row in rows.to_dict("records")
    )
