"""MRC and STAR files on the workflow's road, up to the picture that is looked at first."""

from pathlib import Path

import yaml

from picking.files.copick_project import open_project
from tests.mrc_data import PICKED, UNPICKED, write_mrc_data
from tests.workflow_runs import jobs, snakemake


def test_mrc_tomograms_are_imported_and_drawn_before_anything_is_trained(
    workflow: Path, tmp_path: Path
) -> None:
    data = write_mrc_data(tmp_path / "data", sign=-1)
    settings = tmp_path / "mine.yaml"
    settings.write_text(yaml.safe_dump({"particles": data.content["particles"]}))
    road = ("--configfile", str(settings), "--config", "name=mrc")
    road = (*road, f"tomograms={data.folder}", f"picks={data.star}")
    results = workflow / "results" / "mrc"

    done = snakemake(workflow, "import_check", "results/mrc/copick/test.json", *road)
    assert done.returncode == 0, done.stderr
    assert "particles are bright: all grey values change their sign" in done.stderr
    assert (results / "import_check.png").stat().st_size > 10_000
    runs = [run.name for run in open_project(results / "copick" / "train.json").runs]
    assert sorted(runs) == list(PICKED)
    assert [run.name for run in open_project(results / "copick" / "test.json").runs] == [UNPICKED]

    planned = snakemake(workflow, "submission", "--dry-run", *road)
    assert planned.returncode == 0, planned.stderr
    assert {"make_folds", "train_member", "propose", "submit"} <= jobs(planned)
    assert not {"import_training_runs", "draw_import_check", "import_test_runs"} & jobs(planned)
