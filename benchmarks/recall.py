"""Measure what stage 1 finds: recall over the number of candidates, and where candidates stand.

Give it folders of results whose candidates were made (`snakemake proposals`). The candidates of a
training run come from networks that never saw it, so all of this is out of fold. A smaller budget
keeps what the same settings would have kept with it. The last line is one JSON object: for each
folder `recall` by particle type and budget, `references` by type, and `offset_xyz_angstrom`,
`offset_standard_error_xyz_angstrom`, `median_distance_angstrom` of all matches.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.files.tables import CANDIDATES, POSITION_COLUMNS, TRUTH
from picking.scoring.metric import references_hit
from picking.scoring.truth_matching import proposal_recall
from stage1_proposals.prediction.peaks import within_budget

# Budgets that are shown, as shares of the configured one.
BUDGET_SHARES = (0.0625, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)
SETTINGS = ("data", "scoring", "stage1_prediction")


@dataclass(frozen=True)
class Results:
    """What stage 1 proposed in the training runs of one folder of results."""

    name: str
    config: PipelineConfig
    candidates: pd.DataFrame
    truth: pd.DataFrame
    hit_radius_angstrom: Mapping[str, float]


def read_results(folder: Path) -> Results:
    config = resolve(load_config([folder / "settings" / f"{part}.yaml" for part in SETTINGS]))
    truth = TRUTH.read(folder / "truth.csv")
    tables = [
        CANDIDATES.read(folder / "candidates" / f"{run}.parquet") for run in truth["run"].unique()
    ]
    return Results(
        folder.resolve().name,
        config,
        pd.concat(tables, ignore_index=True),
        truth,
        {
            particle.name: particle.radius_angstrom * config.scoring.distance_multiplier
            for particle in config.known_particles
        },
    )


def recall_over_budget(results: Results) -> dict[int, dict[str, float]]:
    """Recall of every type if each run had been allowed so many candidates."""
    recall = {}
    peaks = results.config.stage1_proposals.peaks
    allowed = int(results.candidates.groupby("run").size().max())
    for budget in (round(share * allowed) for share in BUDGET_SHARES):
        kept = pd.concat(
            of_run[
                within_budget(
                    of_run["particle_type"].to_numpy(),
                    of_run["proposal_score"].to_numpy(),
                    peaks,
                    budget,
                )
            ]
            for _, of_run in results.candidates.groupby("run")
        )
        recall[budget] = proposal_recall(kept, results.truth, results.hit_radius_angstrom)
    return recall


def offsets_xyz_angstrom(results: Results) -> np.ndarray:
    """From each reference to the best candidate that hits it, (n, 3) Å."""
    offsets = []
    for (run, particle_type), references in results.truth.groupby(["run", "particle_type"]):
        proposed = results.candidates
        proposed = proposed[
            (proposed["run"] == run) & (proposed["particle_type"] == particle_type)
        ].sort_values("proposal_score", ascending=False, kind="stable")
        found = proposed[POSITION_COLUMNS].to_numpy()
        true = references[POSITION_COLUMNS].to_numpy()
        matched: set[int] = set()
        hits = references_hit(found, true, results.hit_radius_angstrom[particle_type])
        for candidate, hit in enumerate(hits):
            for reference in set(hit) - matched:
                offsets.append(found[candidate] - true[reference])
                matched.add(reference)
    return np.array(offsets).reshape(-1, 3)


def draw_curves(
    recall: Mapping[str, Mapping[int, Mapping[str, float]]],
    colours: Mapping[str, str],
    path: Path,
) -> None:
    figure = Figure(figsize=(4.5 * len(recall), 3.6), layout="constrained")
    for panel, (name, curves) in enumerate(recall.items()):
        axes = figure.add_subplot(1, len(recall), panel + 1)
        for particle_type, colour in colours.items():
            axes.plot(
                list(curves),
                [of_budget.get(particle_type, np.nan) for of_budget in curves.values()],
                color=colour,
                marker=".",
                label=particle_type,
            )
        axes.set(
            title=name,
            xlabel="candidates in a run, all types",
            ylabel="recall out of fold",
            ylim=(0, 1.02),
        )
        axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="lower right")
    figure.savefig(path, dpi=110)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, nargs="+", help="folder(s) results/NAME")
    parser.add_argument("--figure", type=Path, help="PNG of the curves to write")
    arguments = parser.parse_args(argv)
    all_recall = {}
    figures = {}
    colours: dict[str, str] = {}
    for folder in arguments.results:
        results = read_results(folder)
        for number, particle in enumerate(results.config.known_particles):
            colours.setdefault(particle.name, f"C{number}")
        recall = recall_over_budget(results)
        all_recall[results.name] = recall
        references = results.truth["particle_type"].value_counts()
        references = references[references.index.isin(list(results.hit_radius_angstrom))]
        offsets = offsets_xyz_angstrom(results)
        print(f"## {results.name}\n\n| particle type | references | recall at", end=" ")
        print(*recall, sep=" | ", end=" |\n|---|---|")
        print("---|" * len(recall))
        for particle_type in results.hit_radius_angstrom:
            cells = [f"{of_budget[particle_type]:.3f}" for of_budget in recall.values()]
            print("|", particle_type, "|", references.get(particle_type, 0), "|", end=" ")
            print(*cells, sep=" | ", end=" |\n")
        print()
        figures[results.name] = {
            "recall": {
                budget: {name: of_budget[name] for name in references.index}
                for budget, of_budget in recall.items()
            },
            "references": references.to_dict(),
            "offset_xyz_angstrom": offsets.mean(axis=0).round(2).tolist(),
            "offset_standard_error_xyz_angstrom": (
                (offsets.std(axis=0) / np.sqrt(len(offsets))).round(2).tolist()
            ),
            "median_distance_angstrom": round(float(np.median(np.linalg.norm(offsets, axis=1))), 1),
        }
    if arguments.figure:
        draw_curves(all_recall, colours, arguments.figure)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
