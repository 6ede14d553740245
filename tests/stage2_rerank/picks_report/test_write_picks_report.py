"""The picks report's page, from tables and tomograms on disk."""

import json
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import yaml

from picking.data_in.inventory import kaggle_static
from picking.errors import InputError
from picking.files.batch_record import BatchRecord
from picking.files.copick_project import filesystem_config
from picking.files.tables import FAILED_RUNS, FEATURES, SCORED_CANDIDATES
from stage2_rerank.page.templates import MOST_OPEN_RUNS
from stage2_rerank.picks_report import write_picks_report
from stage2_rerank.picks_report.content import PicksReportContent
from stage2_rerank.picks_report.likeness import likeness_of
from stage2_rerank.picks_report.pictures import PicksPictures
from stage2_rerank.picks_report.run_table import run_figures
from tests.conftest import VOXEL_SIZE_ANGSTROM, tiny_values
from tests.stage2_rerank.page_tables import PageTables
from tests.stage2_rerank.picks_report.made_runs import (
    FEATURE_NAMES,
    RULES,
    picked_runs,
    thresholds,
)

SHAPE_ZYX = (32, 64, 64)
# The first nine of each run are dark balls, the others nothing.
PLACES = [(x, y, 160.0) for y in (100.0, 320.0, 540.0) for x in (100.0, 320.0, 540.0)]
NOTHING = [(x, y, z) for z in (60.0, 270.0) for y in (210.0, 430.0) for x in (210.0, 430.0)]
CROSS_VALIDATION = {
    "beta": 4.0,
    "training_runs": 12,
    "further": "is passed over",
    "two_stage": {
        "score": 0.811,
        "interval_95": [0.75, 0.86],
        "per_type": {
            "A": {"fbeta": 0.9, "precision": 0.5, "recall": 0.95, "interval_95": [0.8, 0.95]}
        },
    },
}


def dark_balls(seed):
    values = tiny_values(seed, SHAPE_ZYX)
    grid_xyz = np.stack(np.indices(SHAPE_ZYX)[::-1], axis=-1) * VOXEL_SIZE_ANGSTROM
    for place in PLACES:
        values[np.linalg.norm(grid_xyz - place, axis=-1) < 60] -= np.float32(2e-5)
    return values


@pytest.fixture
def inputs(tmp_path, write_kaggle_run, summary):
    """Two runs with picks, one without candidates; returns the folder and the arguments."""
    runs = ("p", "q", "without")
    scored, rng = [], np.random.default_rng(0)
    (tmp_path / "features").mkdir()
    for seed, run in enumerate(runs):
        write_kaggle_run(tmp_path, "test", run, dark_balls(seed))
        places = [] if run == "without" else [*PLACES, *NOTHING]
        rows = [
            (run, number, "A", *place, 0.5, 0.95 - 0.02 * number)
            for number, place in enumerate(places)
        ]
        of_run = SCORED_CANDIDATES.check(
            pd.DataFrame(rows, columns=SCORED_CANDIDATES.column_names), "scored"
        )
        scored.append(of_run)
        values = pd.DataFrame(rng.normal(size=(len(rows), 32)), columns=FEATURE_NAMES)
        features = pd.concat([of_run[FEATURES.column_names], values], axis=1)
        FEATURES.write(features, tmp_path / "features" / f"{run}.parquet")
    SCORED_CANDIDATES.write(pd.concat(scored), tmp_path / "scored.parquet")
    project = filesystem_config(kaggle_static(tmp_path, "test"), tmp_path / "overlay", ())
    (tmp_path / "test.json").write_text(json.dumps(project))
    particles = [
        {"name": name, "label": label, "radius_angstrom": radius}
        for label, (name, radius) in enumerate(RULES.radius_angstrom.items(), 1)
    ]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"particles": particles}))
    thresholds().write(tmp_path / "thresholds.json")
    summary.write(tmp_path / "training_summary.json")
    (tmp_path / "cv_report.json").write_text(json.dumps(CROSS_VALIDATION))
    FAILED_RUNS.write(FAILED_RUNS.empty(), tmp_path / "failed_runs.csv")
    return tmp_path, [
        *("--config", str(tmp_path / "config.yaml")),
        *("--scored", str(tmp_path / "scored.parquet")),
        *("--thresholds", str(tmp_path / "thresholds.json")),
        *("--features", *(str(tmp_path / "features" / f"{run}.parquet") for run in runs)),
        *("--failed", str(tmp_path / "failed_runs.csv")),
        *("--training-summary", str(tmp_path / "training_summary.json")),
        *("--copick", str(tmp_path / "test.json")),
        *("--json", str(tmp_path / "report.json")),
        *("--html", str(tmp_path / "report.html")),
    ]


def written(folder):
    content = PicksReportContent.model_validate_json((folder / "report.json").read_text())
    return content, (folder / "report.html").read_text()


class Loads(HTMLParser):
    """What a page loads or leads to, and whether its tags are closed in order."""

    def __init__(self, page):
        super().__init__()
        self.targets, self.ids, self.open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.targets += [value for key, value in attrs if key in ("src", "href", "xlink:href")]
        self.ids += [value for key, value in attrs if key == "id"]
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_picks_are_counted_and_junk_averages_to_nothing(inputs):
    folder, arguments = inputs
    write_picks_report.main(arguments)
    content, page = written(folder)
    assert (content.runs, content.failed, content.expected) == (3, (), None)
    assert {name: one.picks for name, one in content.types.items()} == {"A": 34, "B": 0}
    assert content.types["A"].likely_true == pytest.approx(2 * sum(0.95 - 0.02 * np.arange(17)))
    assert {run: one.picks.value for run, one in content.per_run.items()} == {
        "p": 17,
        "q": 17,
        "without": 0,
    }
    volume = 32 * 64 * 64 * VOXEL_SIZE_ANGSTROM**3
    assert content.per_run["q"].volume_cubic_angstrom == pytest.approx(volume)
    best, _, doubtful = content.means["A"]
    assert best.contrast > 1.0
    assert abs(doubtful.contrast) < 0.15
    assert content.pictured_runs == ("p", "q")
    loads = Loads(page)
    assert loads.open == []
    assert all(target.startswith(("#", "data:")) for target in loads.targets)
    assert "<script" not in page
    assert loads.ids.index("answer") < loads.ids.index("verdict") < loads.ids.index("runs")
    assert loads.ids.index("runs") < loads.ids.index("means") < loads.ids.index("pictures")
    assert "failed" not in loads.ids
    # Three means; four of the best and four of the most doubtful.
    assert page.count("<img") == 3 + 8
    assert "probability 0.950" in page
    assert "probability 0.630" in page


def test_failed_runs_notes_and_the_expected_score(inputs):
    folder, arguments = inputs
    failed = [("q", "features", "a <b> & c"), ("gone", "propose", "chunk 0.0.0 is damaged")]
    FAILED_RUNS.write(
        pd.DataFrame(failed, columns=FAILED_RUNS.column_names), folder / "failed_runs.csv"
    )
    record = folder / "batch0.json"
    BatchRecord(split="test", runs={"p": {}}, fewer_passes={"p": 1}).write(record)
    write_picks_report.main(
        [
            *arguments,
            *("--cv-report", str(folder / "cv_report.json")),
            *("--proposals", str(record)),
        ]
    )
    content, page = written(folder)
    assert list(content.per_run) == ["p", "without"]
    rows = PageTables(page).rows
    assert rows["failed"] == [[[text] for text in one] for one in failed]
    for above, below in [
        ("1 of 2 runs in fewer passes", 'id="failed"'),
        ('id="failed"', 'id="answer"'),
    ]:
        assert page.index(above) < page.index(below)
    assert "0.750 to 0.860" in page
    (of_a, of_b) = rows["answer"]
    assert of_a[5:] == [["0.900", "0.800 to 0.950"], ["0.500"], ["0.950"]]
    assert of_b[5:] == [["–"]] * 3


def test_no_run_at_all_is_a_page_too(inputs):
    folder, arguments = inputs
    FAILED_RUNS.write(
        pd.DataFrame(
            [(run, "propose", "no") for run in ("p", "q", "without")],
            columns=FAILED_RUNS.column_names,
        ),
        folder / "failed_runs.csv",
    )
    write_picks_report.main(arguments)
    content, page = written(folder)
    assert (content.runs, content.likeness.is_unlike) == (0, None)
    assert "There is no run to compare" in page


def test_a_scored_run_without_features_is_refused(inputs):
    folder, arguments = inputs
    arguments.remove(str(folder / "features" / "q.parquet"))
    with pytest.raises(InputError, match="has run q, which --features lacks"):
        write_picks_report.main(arguments)


def page_of(summary, picked, failed=()):
    content = PicksReportContent(
        name="made",
        notes=(),
        runs=len(picked.volumes_cubic_angstrom),
        training_runs=12,
        failed=failed,
        types={name: {"picks": 0, "likely_true": 0.0, "threshold": 0.5} for name in RULES.weights},
        expected=CROSS_VALIDATION,
        likeness=likeness_of(picked.measured, picked.counts, summary),
        per_run=run_figures(picked, summary, RULES),
        means={},
        pictured_runs=(),
    )
    return write_picks_report.render(content, {}, PicksPictures((), {}), summary)


def test_five_hundred_runs_are_folded_away(summary):
    few = picked_runs(1, summary)
    names = [f"r{number:03d}" for number in range(500)]
    many = type(few)(
        dict.fromkeys(names, few.volumes_cubic_angstrom["r000"]),
        pd.concat([few.picks.assign(run=name) for name in names]),
        pd.concat([few.measured] * 500).set_axis(names),
        few.counts,
        few.above_thresholds,
    )
    many.measured.loc["r321", "background mean"] = 9.0
    failed = [{"run": f"f{number}", "stage": "propose", "reason": "no"} for number in range(40)]
    page = page_of(summary, many, failed)
    rows = PageTables(page).rows
    assert [len(rows[name]) for name in ("runs", "runs-more")] == [MOST_OPEN_RUNS, 488]
    assert [len(rows[name]) for name in ("failed", "failed-more")] == [MOST_OPEN_RUNS, 28]
    assert rows["runs"][0][0] == ["r321"]
    assert "background mean +" in rows["runs"][0][-1][0]
    assert "1 of 500 runs is out of line" in " ".join(page.split())
    for folded in ("runs-more", "failed-more", "measures"):
        assert f'<details id="{folded}">' in page
    assert len(page) < 1_000_000


def test_the_plain_sentence_says_like_or_unlike(summary):
    like = page_of(summary, picked_runs(4, summary))
    assert "They look like those that the classifiers learnt from" in like
    assert "xpect worse" not in like
    unlike = page_of(
        summary,
        picked_runs(4, summary, features=lambda table: table.assign(context_background_std=3.0)),
    )
    assert "Expect worse picks than" in unlike
    assert "Expect worse than this score" in unlike
    assert "<li>background spread (3, in training 0.77" in unlike
