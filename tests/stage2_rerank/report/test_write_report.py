import json
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from picking import metric
from picking.files.tables import OUT_OF_FOLD, PICKS, TRUTH
from picking.scoring.metric import score
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.report.content import ReportContent
from stage2_rerank.report.write_report import render
from stage2_rerank.thresholds.cross_validation import (
    counts_by_run,
    recall_by_budget,
    score_intervals,
    score_picks,
)
from stage2_rerank.thresholds.threshold_file import Thresholds
from tests.stage2_rerank.conftest import FOLDS, TRAINING_RUNS, TYPES
from tests.stage2_rerank.page_tables import PageTables

HARD = "thyroglobulin"


def picks_by_hand(pipeline, column):
    """The nested out-of-fold picks, from the files alone and without the package's own road."""
    thresholds = json.loads(pipeline.path("thresholds.json").read_text())
    candidates = OUT_OF_FOLD.read(pipeline.path("out_of_fold.parquet"))
    radius = {item.name: item.radius_angstrom for item in pipeline.config.known_particles}
    stage = "stage1" if column == "proposal_score" else "two_stage"
    picks = []
    ordered = candidates.sort_values([column, "x"], ascending=[False, True])
    for (run, name), group in ordered.groupby(["run", "particle_type"]):
        of_fold = thresholds["types"][name]["folds"][FOLDS.fold_of(run)]
        threshold = of_fold[stage]["probability"]["value"]
        kept = []
        for row in group[group[column] > threshold].itertuples():
            position = np.array([row.x, row.y, row.z])
            if all(np.linalg.norm(position - other) >= 0.8 * radius[name] for other in kept):
                kept.append(position)
                picks.append((run, name, *position))
    return pd.DataFrame(picks, columns=["experiment", "particle_type", "x", "y", "z"])


@pytest.mark.parametrize(
    ("stage", "column"), [("stage1", "proposal_score"), ("two_stage", "rerank_score")]
)
def test_scores_are_the_metrics_on_the_nested_picks(pipeline, figures, stage, column):
    truth = TRUTH.read(pipeline.path("truth.csv")).rename(columns={"run": "experiment"})
    rules = ScoringRules.from_config(pipeline.config)
    official = score(truth, picks_by_hand(pipeline, column), rules.radius_angstrom, rules.weights)
    assert figures[stage]["score"] == official.score
    assert set(figures[stage]["per_type"]) == set(official.per_type)
    for name, of_type in official.per_type.items():
        for key in ("fbeta", "precision", "recall", "tp", "fp", "fn"):
            assert figures[stage]["per_type"][name][key] == getattr(of_type, key)


def test_the_metric_command_gives_the_same_score(pipeline, figures, tmp_path, capsys):
    picks = picks_by_hand(pipeline, "rerank_score")
    picks.insert(0, "id", np.arange(len(picks)))
    picks.to_csv(tmp_path / "submission.csv", index=False)
    truth = TRUTH.read(pipeline.path("truth.csv")).rename(columns={"run": "experiment"})
    truth.insert(0, "id", np.arange(len(truth)))
    truth.to_csv(tmp_path / "truth.csv", index=False)
    files = [str(tmp_path / "truth.csv"), str(tmp_path / "submission.csv")]
    metric.main([*files, "--config", str(pipeline.config_path)])
    printed = json.loads(capsys.readouterr().out)
    assert printed["score"] == pytest.approx(figures["two_stage"]["score"], abs=1e-12)


def test_hard_types_gain_and_easy_ones_lose_nothing(figures):
    gain = figures["gain"]
    assert gain["score"] == figures["two_stage"]["score"] - figures["stage1"]["score"]
    assert gain["score"] > 0.02
    assert gain["interval_95"][0] > 0
    for name in ("apo-ferritin", "ribosome", "virus-like-particle"):
        assert gain["per_type"][name] > -0.005


def test_intervals_hold_their_scores(figures):
    for stage in ("stage1", "two_stage"):
        low, high = figures[stage]["interval_95"]
        assert low < figures[stage]["score"] < high
        assert high - low < 0.15


def test_recall_and_budget(pipeline, figures):
    candidates = OUT_OF_FOLD.read(pipeline.path("out_of_fold.parquet"))
    assert figures["candidates_per_run"] == len(candidates) / len(TRAINING_RUNS)
    assert figures["proposal_recall"]["beta-amylase"] is None
    recall = recall_by_budget(
        candidates,
        TRUTH.read(pipeline.path("truth.csv")),
        ScoringRules.from_config(pipeline.config).match_radius_angstrom,
    )
    for name, value in figures["proposal_recall"].items():
        if value is not None:
            assert value > 0.8
            assert recall[name][-1] == pytest.approx(value)
            assert np.all(np.diff(recall[name]) >= 0)


def three(value):
    return "–" if value is None else f"{value:.3f}"


def ends(interval):
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def test_the_answer_on_the_page(figures, page):
    large = PageTables(page).large
    gain = f"{figures['gain']['score']:+.3f}"
    assert large == [three(figures["two_stage"]["score"]), three(figures["stage1"]["score"]), gain]
    for stage in ("two_stage", "stage1", "gain"):
        assert f">{ends(figures[stage]['interval_95'])}<" in page


def test_the_table_of_types_shows_the_figures(figures, page):
    rows = PageTables(page).rows["types"]
    judged = [name for name in figures["weights"] if name in figures["two_stage"]["per_type"]]
    assert [row[0][0] for row in rows] == judged
    for name, row in zip(judged, rows, strict=True):
        expected = [
            [name, f"weight {figures['weights'][name]:g}"],
            [three(figures["proposal_recall"][name])],
        ]
        for stage in ("stage1", "two_stage"):
            of_type = figures[stage]["per_type"][name]
            expected += [
                [three(of_type["fbeta"]), ends(of_type["interval_95"])],
                [three(of_type["precision"]), f"{of_type['fp']} wrong"],
                [three(of_type["recall"]), f"{of_type['tp']} of {of_type['tp'] + of_type['fn']}"],
            ]
        gain = figures["gain"]
        expected += [
            [f"{gain['per_type'][name]:+.3f}", ends(gain["per_type_interval_95"][name])],
            [f"{100 * figures['strength'][name]:g} %"],
        ]
        assert row == expected


def outlying_first(drift):
    """Runs by what is farthest out of line, the others in their order."""

    def farthest(run):
        return max((abs(one["z"]) for one in drift[run].values() if one["flagged"]), default=0)

    return sorted(drift, key=farthest, reverse=True)


def test_the_tables_of_runs_show_the_figures(figures, page):
    tables = PageTables(page).rows
    runs = outlying_first(figures["drift"]["training"])
    first, both = figures["stage1"]["per_run"], figures["two_stage"]["per_run"]
    expected = [
        [
            [run],
            [str(first[run]["expected"])],
            [three(figures["per_run"][run]["proposal_recall"])],
            *([three(first[run]["score"])], [str(first[run]["found"])], [str(first[run]["picks"])]),
            *([three(both[run]["score"])], [str(both[run]["found"])], [str(both[run]["picks"])]),
            [f"{both[run]['score'] - first[run]['score']:+.3f}"],
        ]
        for run in runs
    ]
    assert tables["runs"] == expected
    ahead = sum(both[run]["score"] > first[run]["score"] for run in runs)
    assert f"ahead of stage 1 alone in {ahead} of {len(runs)} runs" in " ".join(page.split())
    assert [row[0] for row in tables["runs-by-type"]] == [[run] for run in runs]
    judged = list(figures["stage1"]["per_type"])
    ordered = [name for name in figures["weights"] if name in judged]
    for run, row in zip(runs, tables["runs-by-type"], strict=True):
        for name, cell in zip(ordered, row[1:], strict=True):
            one, two = first[run]["per_type"][name], both[run]["per_type"][name]
            assert cell == [
                f"{three(one['fbeta'])} → {three(two['fbeta'])}",
                f"{one['found']} → {two['found']} of {two['expected']}, "
                f"{one['picks']} → {two['picks']} picks",
                f"candidates' recall {three(figures['per_run'][run]['per_type'][name])}",
            ]


class NoPlots(dict):
    def __missing__(self, name):
        return ""


def test_of_many_runs_those_in_line_are_folded_away(figures):
    content = ReportContent.model_validate(figures)
    copies = {f"copy_{number:03d}": "TS_0" for number in range(500)}
    in_line = {
        name: one.model_copy(update={"z": 0.1, "flagged": False})
        for name, one in content.drift.training["TS_0"].items()
    }
    odd = {
        name: one.model_copy(update={"z": 9.0, "flagged": True}) for name, one in in_line.items()
    }
    training = dict.fromkeys(copies, in_line) | {"copy_077": odd}

    def copied(stage):
        rows = {run: stage.per_run[original] for run, original in copies.items()}
        return stage.model_copy(update={"per_run": rows})

    page = render(
        content.model_copy(
            update={
                "stage1": copied(content.stage1),
                "two_stage": copied(content.two_stage),
                "gain": content.gain.model_copy(
                    update={"per_run": dict.fromkeys(copies, content.gain.per_run["TS_0"])}
                ),
                "per_run": {run: content.per_run[original] for run, original in copies.items()},
                "drift": content.drift.model_copy(update={"training": training, "test": {}}),
            }
        ),
        NoPlots(),
    )
    tables = PageTables(page).rows
    assert len(tables["runs"]) == 12
    assert len(tables["runs-more"]) == 488
    assert [row[0][0] for row in tables["runs"][:2]] == ["copy_077", "copy_000"]
    assert [row[0][0] for row in tables["drift"][:2]] == ["copy_077", "copy_000"]
    assert len(tables["drift-more"]) == 489  # and the medians


def test_the_tables_of_thresholds_and_likeness_show_the_figures(figures, page):
    tables = PageTables(page).rows
    kinds = ("stage1_probability", "stage1_curve", "two_stage_probability", "two_stage_curve")
    assert tables["thresholds"] == [
        [
            [name],
            *(
                [
                    three(row[kind]["value"]),
                    " to ".join(three(end) for end in row[kind]["interval_95"]),
                    " · ".join(three(value) for value in row[kind]["folds"]),
                ]
                for kind in kinds
            ),
            ["–"]
            if row["flat_from"] is None
            else [f"{three(row['flat_from'])} to {three(row['flat_to'])}"],
        ]
        for name, row in figures["thresholds"].items()
    ]
    spreads = ("proposal_out_of_fold", "proposal_test", "rerank_out_of_fold", "rerank_test")
    assert tables["likeness"] == [
        [
            [name],
            *([" · ".join(three(row[kind][q]) for q in ("q05", "q50", "q95"))] for kind in spreads),
            [f"{row['picks_per_run_out_of_fold']:.1f}"],
            [f"{row['picks_per_run_test']:.1f}"],
        ]
        for name, row in figures["likeness"].items()
    ]


class Balance(HTMLParser):
    """Collects what a page loads, and checks that its tags are closed in order."""

    VOID = frozenset({"meta", "link", "br", "img", "hr"})

    def __init__(self):
        super().__init__()
        self.open, self.loads, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.loads += [v for k, v in attrs if k in ("src", "href", "xlink:href")]
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(page):
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert all(target.startswith(("#", "data:")) for target in balance.loads)
    assert "<script" not in page
    for section in ("answer", "types", "curves", "runs", "thresholds", "likeness", "features"):
        assert section in balance.ids
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert len(page) < 2_000_000


def test_a_second_report_is_the_same(pipeline, page):
    pipeline.report(into="again")
    assert pipeline.path("again/cv_report.html").read_text() == page


def test_recall_of_a_run_is_that_of_its_weighted_references(pipeline, figures):
    candidates = OUT_OF_FOLD.read(pipeline.path("out_of_fold.parquet"))
    truth = TRUTH.read(pipeline.path("truth.csv"))
    radius = {item.name: item.radius_angstrom / 2 for item in pipeline.config.known_particles}
    for run in TRAINING_RUNS[:2]:
        hit = dict.fromkeys(TYPES, 0)
        expected = dict.fromkeys(TYPES, 0)
        for row in truth[truth["run"] == run].itertuples():
            same = candidates[
                (candidates["run"] == run) & (candidates["particle_type"] == row.particle_type)
            ]
            distance = np.linalg.norm(same[["x", "y", "z"]] - [row.x, row.y, row.z], axis=1)
            hit[row.particle_type] += bool((distance <= radius[row.particle_type]).any())
            expected[row.particle_type] += 1
        weighted = [name for name in TYPES if figures["weights"][name] > 0]
        total = sum(expected[name] for name in weighted)
        recall = sum(hit[name] for name in weighted) / total
        assert figures["per_run"][run]["proposal_recall"] == pytest.approx(recall)
        for name, value in figures["per_run"][run]["per_type"].items():
            assert value == (hit[name] / expected[name] if expected[name] else None)


def test_counts_of_runs_and_types_add_up(figures):
    for stage in ("stage1", "two_stage"):
        for row in figures[stage]["per_run"].values():
            for count in ("found", "expected", "picks"):
                assert row[count] == sum(of_type[count] for of_type in row["per_type"].values())
            assert row["per_type"]["beta-amylase"]["fbeta"] is None
        for name, pooled in figures[stage]["per_type"].items():
            of_type = [row["per_type"][name] for row in figures[stage]["per_run"].values()]
            assert sum(row["found"] for row in of_type) == pooled["tp"]
            assert sum(row["picks"] - row["found"] for row in of_type) == pooled["fp"]


def test_no_particle_in_any_training_run(make_pipeline):
    pipeline = make_pipeline({HARD: TYPES[HARD]}, TRUTH.empty())
    pipeline.train(HARD)
    pipeline.tune()
    figures = json.loads(pipeline.report(test_runs=()).read_text())
    assert figures["two_stage"]["score"] == 0
    assert "nothing to score" in pipeline.path("cv_report.html").read_text()


def test_a_run_without_particles_and_a_type_in_one_run_only(make_pipeline, pipeline):
    truth = pipeline.simulation.truth
    kept = ~truth["run"].isin(TRAINING_RUNS[:1]) & truth["run"].isin(TRAINING_RUNS)
    only_once = (truth["particle_type"] != HARD) | (truth["run"] == TRAINING_RUNS[3])
    types = {name: TYPES[name] for name in (HARD, "ribosome")}
    known = truth["particle_type"].isin(list(types))
    other = make_pipeline(types, truth[kept & only_once & known])
    for name in types:
        other.train(name)
    other.tune()
    figures = json.loads(other.report(test_runs=()).read_text())
    assert TRAINING_RUNS[0] not in figures["two_stage"]["per_run"]
    assert set(figures["two_stage"]["per_type"]) == set(types)
    # The thresholds of the one fold that holds all of the type have seen none of it.
    fold = FOLDS.fold_of(TRAINING_RUNS[3])
    thresholds = Thresholds.read(other.path("thresholds.json"))
    assert thresholds.fold_values(fold, "two_stage")[HARD] == 1.0


def test_counts_by_run_pool_to_the_metric():
    rules = ScoringRules({"A": 60, "B": 60}, 0.5, {"A": 48, "B": 48}, {"A": 1, "B": 2}, 4.0)
    rng = np.random.default_rng(0)

    def table(number, runs):
        return pd.DataFrame(
            {
                "run": rng.choice(runs, number),
                "particle_type": rng.choice(["A", "B"], number),
                **{axis: rng.uniform(0, 200, number) for axis in "xyz"},
            }
        )

    truth = table(60, ["r", "s", "t"])
    picks = PICKS.check(table(200, ["r", "s", "t", "unjudged"]).assign(score=0.5), "picks")
    counts = counts_by_run(truth, picks, rules)
    official = score_picks(truth, picks, rules)
    pooled = counts.fbeta(np.ones((1, 3), dtype=np.int64), 4.0)[0]
    for name, value in zip(counts.particle_types, pooled, strict=True):
        assert value == pytest.approx(official.per_type[name].fbeta)
    assert counts.hits.sum() == sum(of_type.tp for of_type in official.per_type.values())
    intervals = score_intervals(counts, counts, rules.weights, 4.0)
    assert intervals["gain"].score == (0.0, 0.0)
    assert intervals["stage1"].score[0] <= official.score <= intervals["stage1"].score[1]
