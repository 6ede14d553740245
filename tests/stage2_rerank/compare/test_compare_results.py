"""Results folders side by side, made by hand."""

import json

import pytest

from picking.errors import InputError
from stage2_rerank.compare import compare_results as compare
from stage2_rerank.compare.comparison import compare_folders, others_beside
from tests.workflow_runs import clone, jobs, snakemake

SETTINGS = {
    "data": {"name": "A", "seed": 4, "particles": [{"name": "ribosome", "radius_angstrom": 150.0}]},
    "stage1_training": {"stage1_proposals": {"training": {"epochs": 32.0, "batch_size": 1}}},
}


def stage(score, fbeta, runs=("TS_1", "TS_2")):
    return {
        "score": score,
        "interval_95": [score - 0.1, score + 0.1],
        "per_type": {name: {"fbeta": value, "tp": 1} for name, value in fbeta.items()},
        "per_run": {run: {"found": 3} for run in runs},
    }


def write_results(folder, name, settings=SETTINGS, **changed):
    report = {
        "name": name,
        "folds": 4,
        "training_runs": 8,
        "stage1": stage(0.7, {"ribosome": 0.6, "thyroglobulin": 0.5}),
        "two_stage": stage(0.75, {"ribosome": 0.65, "thyroglobulin": 0.45}),
        "gain": {"score": 0.05, "interval_95": [-0.01, 0.11]},
        "a figure of a later version": {"x": 1},
    }
    report = {key: value for key, value in {**report, **changed}.items() if value is not None}
    (folder / "settings").mkdir(parents=True)
    (folder / "cv_report.json").write_text(json.dumps(report))
    for section, content in settings.items():
        (folder / "settings" / f"{section}.yaml").write_text(json.dumps(content))
    return folder


def rows(markdown):
    """Cells of all tables' rows."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in markdown.splitlines()
        if line.startswith("| ")
    ]


def test_two_folders_with_one_other_setting_differ_in_exactly_that(tmp_path):
    longer = json.loads(json.dumps(SETTINGS))
    longer["data"]["name"] = "B"
    longer["stage1_training"]["stage1_proposals"]["training"]["epochs"] = 48.0
    one = write_results(tmp_path / "A", "A")
    other = write_results(tmp_path / "B", "B", longer)
    comparison = compare_folders([one, other])
    assert comparison.differing == {"stage1_proposals.training.epochs": ("32.0", "48.0")}
    assert comparison.unreadable == {}
    assert comparison.judged_on_the_same_runs


def test_a_key_that_one_folder_lacks_differs(tmp_path):
    one = write_results(tmp_path / "A", "A")
    other = write_results(tmp_path / "B", "B", {"data": SETTINGS["data"]})
    assert compare_folders([other, one]).differing == {
        "stage1_proposals.training.batch_size": (None, "1"),
        "stage1_proposals.training.epochs": (None, "32.0"),
    }


def test_other_networks_are_told_where_they_are_known(tmp_path):
    folders = [write_results(tmp_path / name, name) for name in "ABC"]
    (folders[0] / "stage1" / "resnet18-seed0").mkdir(parents=True)
    assert compare_folders(folders).differing == {}
    for member in ("resnet18-seed1", "resnet18-seed0"):
        (folders[1] / "stage1" / member).mkdir(parents=True)
    (networks,) = compare_folders(folders).differing.values()
    assert networks == ("resnet18-seed0", "resnet18-seed0, resnet18-seed1", None)


def test_the_tables_hold_the_figures(tmp_path, capsys):
    one = write_results(tmp_path / "A", "A")
    other = write_results(
        tmp_path / "B",
        "B",
        {},
        training_runs=3,
        two_stage=stage(0.9, {"ribosome": 0.95, "portal|protein": 0.1}, runs=["TS_9"]),
    )
    markdown, page = tmp_path / "new" / "comparison.md", tmp_path / "comparison.html"
    compare.main([str(one), str(other), str(one), "--markdown", str(markdown), "--html", str(page)])
    printed = capsys.readouterr().out
    assert printed.strip() in markdown.read_text()
    table = rows(printed)
    interval = "0.700 (0.600 to 0.800)"
    gain = "+0.050 (-0.010 to +0.110)"
    assert ["A", "8", "4", "4", interval, "0.750 (0.650 to 0.850)", gain] in table
    assert ["B", "3", "4", "–", interval, "0.900 (0.800 to 1.000)", gain] in table
    assert ["ribosome", "0.600 → 0.650", "0.600 → 0.950"] in table
    assert ["thyroglobulin", "0.500 → 0.450", "0.500 → –"] in table
    assert ["portal\\|protein", "– → –", "– → 0.100"] in table
    assert "Not judged on the same runs" in printed
    assert "<td>0.600 → 0.950</td>" in page.read_text()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"gain": None}, "gain: Field required"),
        ({"stage1": 0.7}, "stage1"),
        ({"folds": "four"}, "folds"),
    ],
)
def test_a_report_of_another_version_is_listed_and_the_others_compared(
    tmp_path, capsys, changed, reason
):
    good = write_results(tmp_path / "good", "good")
    bad = write_results(tmp_path / "bad", "bad", **changed)
    empty = tmp_path / "empty"
    damaged = write_results(tmp_path / "damaged", "damaged")
    (damaged / "settings" / "data.yaml").write_text("a: [")
    compare.main([str(folder) for folder in (bad, good, empty, damaged)])
    printed = capsys.readouterr().out
    comparison = compare_folders([bad, good, empty, damaged])
    assert [folder.label for folder in comparison.folders] == ["good"]
    assert set(comparison.unreadable) == {str(bad), str(empty), str(damaged)}
    assert reason in comparison.unreadable[str(bad)]
    assert "No such file" in comparison.unreadable[str(empty)]
    assert reason in printed


def test_folders_of_one_name_are_told_apart(tmp_path):
    folders = [write_results(tmp_path / part / "A", "A") for part in ("x", "y")]
    assert [item.label for item in compare_folders(folders).folders] == [str(f) for f in folders]


def test_no_folder_is_an_error_for_people():
    with pytest.raises(InputError, match="make a report first"):
        compare.main([])


def test_the_workflow_compares_what_is_there_and_makes_nothing_anew(tmp_path):
    folder = clone(tmp_path / "clone")
    for name in ("A", "synthetic"):
        write_results(folder / "results" / name, name)
    (folder / "results" / "unfinished").mkdir()
    done = snakemake(folder, "compare")
    assert done.returncode == 0, done.stderr[-3000:]
    names = [row[0] for row in rows((folder / "results" / "comparison.md").read_text())]
    assert names == ["name", "A", "synthetic", "particle type", "ribosome", "thyroglobulin"]
    assert jobs(done) == {"compare"}
    write_results(folder / "results" / "B", "B")
    again = snakemake(folder, "compare", "--dry-run")
    assert jobs(again) == {"compare"}


def test_a_report_lists_what_stands_beside_it_and_not_itself(tmp_path):
    longer = json.loads(json.dumps(SETTINGS))
    longer["stage1_training"]["stage1_proposals"]["training"]["epochs"] = 48.0
    one = write_results(tmp_path / "A", "A")
    write_results(tmp_path / "B", "B", longer)
    write_results(tmp_path / "C", "C", two_stage=stage(0.8, {"ribosome": 0.6}, runs=("TS_9",)))
    write_results(tmp_path / "D", "D", stage1=None)  # of a version that cannot be read
    (tmp_path / "E").mkdir()  # not finished yet
    others = {other.name: other for other in others_beside(one, frozenset({"TS_1", "TS_2"}))}
    assert list(others) == ["B", "C"]
    assert others["B"].differing == ("stage1_proposals.training.epochs",)
    assert (others["B"].two_stage, others["B"].gain, others["B"].seed) == (0.75, 0.05, "4")
    assert others["B"].same_runs
    assert not others["C"].same_runs


def test_a_folder_without_settings_is_unknown_and_not_different(tmp_path):
    one = write_results(tmp_path / "A", "A")
    bare = write_results(tmp_path / "B", "B", {})
    assert compare_folders([one, bare]).differing == {}
