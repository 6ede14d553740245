"""Bad input, from the command line: one clear line, and nothing half-written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import TINY_SHAPE_ZYX, picks_content, tiny_values, write_ome_zarr
from tests.workflow_runs import snakemake


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (["dataset=missing"], "missing: there is no such folder"),
        (["dataset=missing", "copick=project.json"], "dataset and copick are both given"),
        (["colour=blue"], "--config: unknown key 'colour'"),
        (["particles=[{name: gold, label: 1, radius_angstrom: 50}]"], "lacks apo-ferritin"),
        (
            ["stage1_proposals={training: {crop_zyx: [8, 8, 8], batch_size: 1}}"],
            "a single voxel is left",
        ),
        (["synthetic={voxel_size_angstrom: 7.84}"], "synthetic.voxel_size_angstrom: "),
        (["stage2_rerank={leaves: 7}"], "unknown key 'stage2_rerank.leaves'"),
        (["copick=project.json"], "project.json"),
        (["dataset="], "--config dataset=: is empty"),
        (["tomo_type=wbp"], "tomo_type: is wbp, but the synthetic runs have denoised alone"),
        (["voxel_spacing=7.84"], "voxel_spacing: is 7.84"),
        (["name=a b"], "'a b' cannot name a folder"),
        (["stage1_proposals={ensemble: {seeds: [1, 1]}}"], "one of the seeds is listed twice"),
    ],
)
def test_bad_input_gets_one_clear_line(workflow: Path, config: list[str], message: str) -> None:
    done = snakemake(workflow, "submission", "--config", "name=bad", *config)
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in done.stderr
    assert not (workflow / "results" / "bad").exists()


def test_an_unknown_key_is_said_with_its_file(workflow: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("colour: blue\n")
    done = snakemake(workflow, "submission", "--configfile", str(mine))
    assert done.returncode != 0
    assert f"error: {mine}: unknown key 'colour'; " in done.stderr


def cut_off_picks(dataset: Path) -> Path:
    picks = next(dataset.glob("train/overlay/ExperimentRuns/*/Picks/*.json"))
    picks.write_text(picks.read_text()[:50])
    return picks


def picks_of_unknown_particle(dataset: Path) -> Path:
    picks = dataset / "train" / "overlay" / "ExperimentRuns" / "TS_1_1" / "Picks" / "gold.json"
    picks.write_text(json.dumps(picks_content("TS_1_1", "gold", [[1, 2, 3]])))
    return picks


def tomogram_of(values_zyx: np.ndarray, run: str) -> Callable[[Path], Path]:
    def change(dataset: Path) -> Path:
        (tomogram,) = dataset.glob(f"train/static/ExperimentRuns/{run}/*/denoised.zarr")
        shutil.rmtree(tomogram)
        write_ome_zarr(tomogram, values_zyx)
        return tomogram

    return change


def no_tomogram(dataset: Path) -> Path:
    run = dataset / "train" / "static" / "ExperimentRuns" / "TS_2_2"
    shutil.rmtree(run)
    return run


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "--directory"])
@pytest.mark.parametrize(
    "change",
    [
        cut_off_picks,
        picks_of_unknown_particle,
        no_tomogram,
        tomogram_of(tiny_values(0, (12, 16)), "TS_2_2"),
        tomogram_of(np.full(TINY_SHAPE_ZYX, np.nan, np.float32), "TS_2_2"),
    ],
    ids=["cut off picks", "unknown particle", "no tomogram", "2D", "all NaN"],
)
def test_a_damaged_data_set_is_named_last_and_leaves_nothing(
    workflow: Path,
    kaggle_dataset: Path,
    tmp_path: Path,
    change: Callable[[Path], Path],
    elsewhere: bool,
) -> None:
    damaged = change(kaggle_dataset)
    directory = tmp_path / "elsewhere" if elsewhere else workflow
    done = snakemake(
        workflow,
        "results/damaged/truth.csv",
        *("--directory", str(directory)),
        *("--config", "name=damaged", f"dataset={kaggle_dataset}"),
    )
    assert done.returncode != 0
    # The last word of all that is printed; of a damaged level the message names the array.
    assert done.stderr.splitlines()[-1].startswith(f"error: {damaged}")
    assert "Traceback" not in done.stderr
    results = directory / "results" / "damaged"
    assert not (results / "truth.csv").exists()
    assert not list(results.glob("copick/*"))
