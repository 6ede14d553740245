import json
from pathlib import Path

import pandas as pd
import pytest

from picking.config import ParticleType, PipelineConfig
from picking.errors import InputError
from picking.files.copick_project import filesystem_config
from picking.files.picks import read_picks
from picking.files.tables import OUT_OF_FOLD, PICKS, SCORED_CANDIDATES, SUBMISSION, TRUTH
from picking.scoring.folds import Folds
from picking.workflow.settings_sections import RESULT_SECTIONS, section_text
from stage2_rerank.pick_again import main
from stage2_rerank.thresholds.threshold_file import (
    RuleThresholds,
    Threshold,
    Thresholds,
    ThresholdSet,
    TypeThresholds,
)

COLOR = (1, 2, 3, 4)
PARTICLES = (
    ParticleType(name="ribosome", label=1, radius_angstrom=60, color=COLOR),
    ParticleType(name="apo-ferritin", label=2, radius_angstrom=60),
)


def positions(run, particle_type, scores):
    """Candidates of falling scores, 100 Å apart."""
    return pd.DataFrame(
        {
            "run": run,
            "particle_type": particle_type,
            "x": [100.0 * number for number in range(len(scores))],
            "y": 0.0,
            "z": 0.0,
            "rerank_score": scores,
            "proposal_score": 0.5,
        }
    )


def numbered(*parts):
    table = pd.concat(parts, ignore_index=True)
    return table.assign(candidate_id=range(len(table)))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The files of a finished result that are read: all candidates above 0.3 are right."""
    folder = tmp_path / "results" / "made"
    config = PipelineConfig(name="made", particles=PARTICLES)
    (folder / "settings").mkdir(parents=True)
    for name, keys in RESULT_SECTIONS.items():
        (folder / "settings" / f"{name}.yaml").write_text(section_text(config, keys))
    one = Threshold(value=0.2, fitted_fbeta=1.0)
    by_rule = RuleThresholds(curve=one, probability=one)
    one_set = ThresholdSet(stage1=by_rule, two_stage=by_rule)
    of_type = TypeThresholds(final=one_set, folds=(one_set, one_set))
    Thresholds(
        rule="curve", beta=4.0, types={particle.name: of_type for particle in PARTICLES}
    ).write(folder / "thresholds.json")
    training = numbered(
        *(
            positions(run, name, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.25, 0.1])
            for run in ("a", "b")
            for name in ("ribosome", "apo-ferritin")
        )
    )
    right = training["rerank_score"] > 0.3
    OUT_OF_FOLD.write(training.assign(fold=0, is_positive=right), folder / "out_of_fold.parquet")
    Folds((("a",), ("b",))).write(folder / "folds.json")
    TRUTH.write(training[right][TRUTH.column_names], folder / "truth.csv")
    test = numbered(
        positions("t", "ribosome", [0.9, 0.7, 0.25]),
        positions("t", "apo-ferritin", [0.8, 0.1]),
        positions("u", "ribosome", [0.6]),
    )
    SCORED_CANDIDATES.write(test, folder / "scored_test.parquet")
    (folder / "static" / "ExperimentRuns").mkdir(parents=True)
    project = filesystem_config(folder / "static", folder / "overlay", PARTICLES)
    (folder / "copick").mkdir()
    (folder / "copick" / "test.json").write_text(json.dumps(project))
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def scores(folder: Path) -> list[float]:
    picks = read_picks(folder / "picks" / "copick.json", ["t", "u"], ["ribosome", "apo-ferritin"])
    return picks["score"].tolist()


def test_picks_are_written_as_submit_does_and_the_result_stays(results, tmp_path, capsys):
    before = contents(results)
    output = tmp_path / "pure"
    wishes = ["--number", "ribosome=3", "--probability", "0.05"]
    main([str(results), *wishes, "--output", str(output)])
    assert contents(results) == before
    assert scores(output) == [0.9, 0.7, 0.8, 0.1, 0.6]
    submission = SUBMISSION.read(output / "submission.csv")
    assert submission["particle_type"].tolist() == ["apo-ferritin"] * 2 + ["ribosome"] * 3
    assert PICKS.read(output / "picks.csv")["score"].tolist() == [0.8, 0.1, 0.9, 0.7, 0.6]
    objects = json.loads((output / "picks" / "copick.json").read_text())["pickable_objects"]
    assert {item["name"]: item["color"] for item in objects}["ribosome"] == list(COLOR)
    table = pd.read_csv(output / "expected.csv").set_index("particle_type")
    assert table["picks"].to_dict() == {"ribosome": 3, "apo-ferritin": 2}
    assert table.loc["apo-ferritin", "expected_precision"] == 12 / 16
    assert table.loc["ribosome", "expected_recall"] == 10 / 12  # above 0.425
    printed = capsys.readouterr()
    assert "0.750 (0.750 to 0.750)" in printed.out
    assert "5 picks" in printed.out
    assert "warning: apo-ferritin: the picks' own probabilities" in printed.err


def test_picks_are_written_under_the_user_of_the_result(results, tmp_path):
    author = results / "settings" / "picks_author.yaml"
    author.write_text('{"final_picks": {"user_id": "me", "session_id": "7"}}')
    main([str(results), "--output", str(tmp_path / "pure")])
    files = sorted(path.name for path in (tmp_path / "pure" / "picks").rglob("*_*_*.json"))
    assert files == ["me_7_apo-ferritin.json", "me_7_ribosome.json", "me_7_ribosome.json"]


def test_a_precision_leaves_out_what_was_wrong_on_the_training_runs(results, tmp_path):
    main([str(results), "--precision", "0.9", "--output", str(tmp_path / "pure")])
    assert scores(tmp_path / "pure") == [0.9, 0.7, 0.8, 0.6]


def test_without_a_folder_the_table_is_printed_and_nothing_written(results, capsys):
    before = contents(results.parents[1])
    main([str(results)])
    assert contents(results.parents[1]) == before
    assert "| ribosome      | the result | 0.2000" in capsys.readouterr().out


def test_ours_is_replaced_and_a_persons_file_is_not(results, tmp_path):
    output = tmp_path / "pure"
    main([str(results), "--number", "1", "--output", str(output)])
    (output / "notes.txt").write_text("theirs")
    main([str(results), "--number", "2", "--output", str(output)])
    assert len(SUBMISSION.read(output / "submission.csv")) == 4
    assert (output / "notes.txt").read_text() == "theirs"
    (output / "submission.csv").write_text("theirs")
    before = contents(output)
    with pytest.raises(InputError, match=r"submission\.csv"):
        main([str(results), "--number", "1", "--output", str(output)])
    assert contents(output) == before


def test_no_results_folder_and_no_file_is_written_to(results, tmp_path):
    with pytest.raises(InputError, match="is a results folder"):
        main([str(results), "--output", str(results)])
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        main([str(results), "--output", str(tmp_path / "file")])


def test_an_unfinished_result_is_named_with_what_it_lacks(results):
    (results / "scored_test.parquet").unlink()
    (results / "settings" / "scoring.yaml").unlink()
    with pytest.raises(InputError, match=r"lacks settings/scoring\.yaml, scored_test\.parquet"):
        main([str(results)])


def test_a_type_without_a_threshold_is_named(results):
    saved = json.loads((results / "thresholds.json").read_text())
    del saved["types"]["ribosome"]
    (results / "thresholds.json").write_text(json.dumps(saved))
    with pytest.raises(InputError, match="no threshold for ribosome"):
        main([str(results)])
