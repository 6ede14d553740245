"""Projects that lie elsewhere, on stand-ins of this machine: S3, and the CryoET Data Portal."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import copick
import numpy as np
import pandas as pd
import pytest
import yaml

from picking.config import PipelineConfig
from picking.data_in.import_dataset import import_copick
from picking.data_in.inventory import list_runs, resolve
from picking.data_in.runs_to_pick import list_runs_to_pick
from picking.data_out import write_truth
from picking.files.picks import read_picks, write_picks
from picking.files.tables import TRUTH
from picking.files.tomogram import read_tomogram
from tests.conftest import tiny_values
from tests.picking.data_in.test_import_dataset import picked_at
from tests.portal_data import BUCKET, TOMO_TYPE, VOXEL_SPACING, PortalData, portal_config
from tests.portal_server import portal_server
from tests.s3_server import KEY, SECRET, S3Server, s3_server
from tests.tiny_project import TINY_TYPE, write_tiny_project
from tests.workflow_runs import snakemake

RUNS = ("R1", "R2", "R3")
RADII = {"apo-ferritin": 60.0, "ribosome": 150.0}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    # What a person's machine knows of AWS must not be asked.
    nothing = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    with (
        pytest.MonkeyPatch.context() as environment,
        s3_server(tmp_path_factory.mktemp("s3")) as server,
    ):
        for name, value in nothing.items():
            environment.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.delenv(name, raising=False)
        yield server


@pytest.fixture(scope="module")
def s3_project(tmp_path_factory: pytest.TempPathFactory, s3: S3Server) -> Path:
    """A project whose tomograms and picks are on the server, and nothing of it here."""
    folder = tmp_path_factory.mktemp("project")
    write_tiny_project(folder, RUNS)
    s3.upload(folder / "static", "tomograms", "static", is_public=False)
    (folder / "static").rename(folder / "not-here")
    path = folder / "copick.json"
    content = json.loads(path.read_text()) | {
        "static_root": "s3://tomograms/static",
        "static_fs_args": s3.arguments,
    }
    path.write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def s3_results(workflow: Path, s3_project: Path) -> Path:
    author = ("--config", "final_picks={user_id: alice, session_id: net1}")
    settings = ("--configfile", str(s3_project / "tiny.yaml"))
    done = snakemake(workflow, "submission", "bundle", *settings, *author)
    assert done.returncode == 0, done.stderr[-5000:]
    assert not {KEY, SECRET} & {*done.stdout.split(), *done.stderr.split()}
    return workflow / "results" / "tiny"


def test_a_project_on_s3_gets_its_picks_and_copick_reads_them(
    s3_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = pd.read_csv(s3_results / "picks.csv")
    assert set(written["run"]) == {RUNS[-1]}
    # What the picks' configuration does not hold copick takes from the environment.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    run = copick.from_file(str(s3_results / "picks" / "copick.json")).get_run(RUNS[-1])
    (picks,) = run.get_picks(TINY_TYPE, user_id="alice", session_id="net1")
    assert picks.scores().tolist() == pytest.approx(written["score"].tolist())
    np.testing.assert_allclose(picks.full_positions(), written[["x", "y", "z"]])
    (tomogram,) = run.get_voxel_spacing(10.0).get_tomograms("denoised")
    assert tomogram.numpy().shape == (32, 48, 48)


def test_no_file_of_a_result_holds_credentials(s3_results: Path) -> None:
    files = [path for path in s3_results.rglob("*") if path.is_file()]
    assert {"train.json", "test.json", "copick.json", "bundle.zip"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        assert KEY.encode() not in content, path
        assert SECRET.encode() not in content, path


def test_a_job_asks_for_nothing_but_its_own_run(s3: S3Server, s3_results: Path) -> None:
    before = len(s3.requests())
    read_tomogram(s3_results / "copick" / "train.json", RUNS[0], "denoised", 10.0)
    asked = s3.requests()[before:]
    assert any(f"{RUNS[0]}/VoxelSpacing10.000/denoised.zarr/0/" in request for request in asked)
    assert not [request for request in asked if f"/{RUNS[1]}" in request]
    # No folder of all runs is listed.
    assert not [request for request in asked if "ExperimentRuns%2F&" in request]


@pytest.fixture
def portal(tmp_path: Path) -> PortalData:
    return PortalData(tmp_path / "portal")


def add_runs(portal: PortalData) -> None:
    """Two training runs of 10440, and a run each of 10445 and 10446; all with truth."""
    runs = ((10440, 16463), (10440, 16464), (10445, 17001), (10446, 17501))
    for seed, (dataset, run_id) in enumerate(runs):
        name = f"TS_{seed}"
        spacing = portal.add_run(dataset, run_id, name, tiny_values(seed))
        portal.add_picks(spacing, "apo-ferritin", [[10, 20, 30], [100, 60, 40 + seed]])
        portal.add_picks(spacing, "ribosome", [[50, 60, 20]], shapes=("Point", "OrientedPoint"))
        # What another deposition found there is not the truth.
        portal.add_picks(
            spacing, "apo-ferritin", [[1, 1, 1]], author="A Network", groundTruthStatus=False
        )


SETTINGS = {
    "tomo_type": TOMO_TYPE,
    "voxel_spacing": VOXEL_SPACING,
    "truth": {"merge_within": 0.5, "portal": {"ground_truth_status": True}},
}


@pytest.fixture
def asked(
    tmp_path: Path, portal: PortalData, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """Stand-ins of the portal's addresses; gives the lists that have been asked for."""
    add_runs(portal)
    s3.upload(portal.folder, BUCKET, is_public=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with portal_server(portal.tables) as (url, lists):
        monkeypatch.setattr("cryoet_data_portal._client.DEFAULT_URL", url)
        yield lists


def test_runs_of_the_portal_are_imported_and_read(tmp_path: Path, asked: list[str]) -> None:
    project = portal_config(tmp_path / "train.json", [10440], RADII, tmp_path / "overlay")
    config = resolve(PipelineConfig.model_validate({**SETTINGS, "copick": project}))
    runs = list_runs(config)
    assert (runs.train, runs.test) == (("16463", "16464"), ())
    picked = picked_at(tmp_path / "truth.csv")
    ours = tmp_path / "results" / "copick" / "train.json"
    import_copick(config, project, runs.train, ours, picked)
    truth = TRUTH.read(picked.truth)
    assert truth.groupby(["run", "particle_type"]).size().tolist() == [2, 1, 2, 1]
    np.testing.assert_allclose(truth[["x", "y", "z"]].iloc[2], [50, 60, 20])
    # The portal was asked once for each list, and its answers are not in the user's overlay.
    assert len(asked) == len({*asked})
    assert not (tmp_path / "overlay").exists()
    tomogram = read_tomogram(ours, "16464", TOMO_TYPE, VOXEL_SPACING)
    np.testing.assert_array_equal(tomogram.values_zyx, tiny_values(1))
    asked.clear()
    write_own_picks(ours, tmp_path, config)
    assert asked == []


def write_own_picks(project: Path, folder: Path, config: PipelineConfig) -> None:
    """Write picks beside runs of the portal, and let copick read them back."""
    picks = pd.DataFrame(
        [("16463", "ribosome", 1.0, 2.0, 3.0, 0.5)],
        columns=["run", "particle_type", "x", "y", "z", "score"],
    )
    path = folder / "picks" / "copick.json"
    write_picks(picks, folder / "picks", path, config.known_particles, project, "alice", "net1")
    back = read_picks(path, ["16463"], list(RADII), "alice", "net1")
    pd.testing.assert_frame_equal(back, picks)
    project_of_picks = copick.from_file(str(path))
    _ = project_of_picks.runs
    (read,) = project_of_picks.get_run("16463").get_picks("ribosome", user_id="alice")
    assert (read.session_id, read.scores().tolist()) == ("net1", [0.5])


def test_the_truth_of_the_judged_data_sets_is_a_table_that_scores(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    project = portal_config(tmp_path / "judge.json", [10445, 10446], RADII, tmp_path / "overlay")
    config = resolve(PipelineConfig.model_validate({**SETTINGS, "copick": project}))
    assert list_runs_to_pick(config) == ("17001", "17501")
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(SETTINGS))
    submission = tmp_path / "submission.csv"
    answer = [(0, "17001", "apo-ferritin", 10, 20, 30), (1, "17501", "ribosome", 52, 60, 20)]
    columns = ["id", "experiment", "particle_type", "x", "y", "z"]
    pd.DataFrame(answer, columns=columns).to_csv(submission, index=False)
    write_truth.main(
        [
            *("--config", str(tmp_path / "settings.yaml"), "--copick", str(project)),
            *("--output", str(tmp_path / "truth.csv"), "--submission", str(submission)),
        ]
    )
    said, score = capsys.readouterr().out.splitlines()
    assert said.startswith("6 picks of 2 runs")
    per_type = json.loads(score)["per_type"]
    assert {name: (one["tp"], one["fn"]) for name, one in per_type.items()} == {
        "apo-ferritin": (1, 3),
        "ribosome": (1, 1),
    }
    assert asked
