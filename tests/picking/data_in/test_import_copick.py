import json

import copick
import numpy as np
import pandas as pd
import pytest

from picking.config import ParticleType, PipelineConfig, TruthSettings
from picking.data_in.import_dataset import import_copick
from picking.data_in.inventory import list_runs, resolve
from picking.errors import InputError
from picking.files.tables import TRUTH
from picking.files.tomogram import read_tomogram
from picking.files.truth import read_truth
from picking.files.whole_files import write_whole_text
from tests.conftest import picks_content, tiny_values, write_ome_zarr
from tests.picking.data_in.test_import_dataset import picked_at

MINE = ParticleType(name="mine", radius_angstrom=40)


def copick_project(folder, *, tomograms_in):
    """A project with the picks in its overlay; ``tomograms_in`` names a root for each run."""
    for seed, (run, root) in enumerate(tomograms_in.items()):
        spacing = folder / root / "ExperimentRuns" / run / "VoxelSpacing10.000"
        write_ome_zarr(spacing / "denoised.zarr", tiny_values(seed))
    for run in list(tomograms_in)[:2]:
        picks = folder / "overlay" / "ExperimentRuns" / run / "Picks"
        picks.mkdir(parents=True)
        for user, x in (("me", 1), ("you", 2)):
            content = picks_content(run, "mine", [[x, 20, 30]])
            (picks / f"{user}_1_mine.json").write_text(json.dumps(content))
    config = folder / "copick.json"
    content = {
        "config_type": "filesystem",
        "pickable_objects": [
            {"name": "mine", "is_particle": True, "radius": 40, "emdb_id": "EMD-1"},
            {"name": "membrane", "is_particle": False},
        ],
        "overlay_root": f"local://{folder}/overlay",
        "static_root": f"local://{folder}/static",
    }
    config.write_text(json.dumps(content))
    return config


def import_project(path, output):
    config = resolve(PipelineConfig(copick=path, truth={"user_id": "me"}))
    runs = list_runs(config)
    picked = picked_at(output.parent / "truth.csv")
    import_copick(config, path, runs.train, output / "train.json", picked)
    import_copick(config, path, runs.test, output / "test.json")
    return TRUTH.read(picked.truth)


@pytest.mark.parametrize("root", ["static", "overlay"])
def test_copick_project_is_shown_through_overlays_of_our_own(tmp_path, root):
    path = copick_project(tmp_path, tomograms_in=dict.fromkeys(("R1", "R2", "R3"), root))
    output = tmp_path / "results" / "copick"
    truth = import_project(path, output)
    assert truth.to_numpy().tolist() == [["R1", "mine", 1, 20, 30], ["R2", "mine", 1, 20, 30]]
    for split, run, seed in (("train", "R2", 1), ("test", "R3", 2)):
        project = copick.from_file(str(output / f"{split}.json"))
        assert project.config.overlay_root == f"local://{output}/{split}_overlay"
        assert [(item.name, item.emdb_id) for item in project.pickable_objects] == [
            ("mine", "EMD-1")
        ]
        tomogram = read_tomogram(output / f"{split}.json", run, "denoised", 10.0)
        np.testing.assert_array_equal(tomogram.values_zyx, tiny_values(seed))
        (found,) = project.get_run(run).get_voxel_spacing(10.0).get_tomograms("denoised")
        assert found.read_only


def test_tomograms_of_one_split_in_both_roots_are_refused(tmp_path):
    path = copick_project(tmp_path, tomograms_in={"R1": "static", "R2": "overlay", "R3": "static"})
    output = tmp_path / "results" / "copick"
    with pytest.raises(InputError, match="tomograms of R2 lie in the overlay"):
        import_project(path, output)
    assert not output.parent.exists()


def test_an_overlay_of_a_project_elsewhere_is_not_lost_in_silence(tmp_path, monkeypatch):
    path = copick_project(tmp_path, tomograms_in=dict.fromkeys(("R1", "R2", "R3"), "overlay"))
    content = json.loads(path.read_text()) | {"config_type": "cryoet_data_portal"}
    # Without a portal at hand: the project opens as one of folders, and is written as one of it.
    monkeypatch.setattr("picking.data_in.import_dataset.read_config", lambda _: content)
    with pytest.raises(InputError, match=r"copick\.json: the tomograms of R1, R2 lie in the over"):
        import_project(path, tmp_path / "results" / "copick")


def test_relative_roots_become_absolute(tmp_path, monkeypatch):
    path = copick_project(tmp_path, tomograms_in=dict.fromkeys(("R1", "R2", "R3"), "static"))
    content = json.loads(path.read_text())
    content.update(overlay_root="overlay", static_root="static")
    path.write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    import_project(path, tmp_path / "results" / "copick")
    monkeypatch.chdir("/")
    train = tmp_path / "results" / "copick" / "train.json"
    assert read_tomogram(train, "R1", "denoised", 10.0).values_zyx.shape == (8, 12, 16)


@pytest.mark.parametrize("tomograms", ["static", "overlay"])
def test_our_configuration_shows_the_truth_of_a_project(tmp_path, tomograms):
    path = copick_project(tmp_path, tomograms_in=dict.fromkeys(("R1", "R2", "R3"), tomograms))
    truth = import_project(path, tmp_path / "results" / "copick")
    ours = tmp_path / "results" / "copick" / "train.json"
    pd.testing.assert_frame_equal(
        read_truth(ours, ["R1", "R2"], [MINE], TruthSettings(user_id="me")), truth
    )


def test_picks_that_our_configuration_does_not_show_are_missed(tmp_path, monkeypatch):
    path = copick_project(tmp_path, tomograms_in=dict.fromkeys(("R1", "R2", "R3"), "static"))
    monkeypatch.setattr("picking.data_in.import_dataset.write_whole_text", lose_picks)
    results = tmp_path / "results"
    with pytest.raises(InputError, match="run R1 holds 1 picks of mine, of which copick reads 0"):
        import_project(path, results / "copick")
    assert list(results.iterdir()) == [results / "copick"]
    assert list((results / "copick").iterdir()) == []


def test_picks_of_no_pickable_object_are_told_of(tmp_path, capsys):
    path = copick_project(tmp_path, tomograms_in=dict.fromkeys(("R1", "R2", "R3"), "static"))
    picks = tmp_path / "overlay" / "ExperimentRuns" / "R1" / "Picks"
    (picks / "me_1_gold.json").write_text(json.dumps(picks_content("R1", "gold", [[1, 2, 3]])))
    (picks / "me_1_membrane.json").write_text("{")
    config = resolve(PipelineConfig(copick=path, truth={"user_id": "me"}))
    picked = picked_at(tmp_path / "truth.csv")
    import_copick(config, path, ["R1", "R2"], tmp_path / "ours" / "train.json", picked)
    assert f"warning: {path}: picks of gold are left alone" in capsys.readouterr().err
    assert set(TRUTH.read(picked.truth)["particle_type"]) == {"mine"}


def lose_picks(path, text):
    if path.parent.name != "Picks":
        write_whole_text(path, text)


def test_colours_and_labels_are_kept_in_our_project(tmp_path):
    path = copick_project(tmp_path, tomograms_in=dict.fromkeys(("R1", "R2", "R3"), "static"))
    content = json.loads(path.read_text())
    content["pickable_objects"][0].update(color=[1, 2, 3, 255], label=7, pdb_id="1ABC")
    path.write_text(json.dumps(content))
    import_project(path, tmp_path / "results" / "copick")
    written = json.loads((tmp_path / "results" / "copick" / "train.json").read_text())
    (ours,) = written["pickable_objects"]
    assert (ours["color"], ours["label"], ours["pdb_id"]) == ([1, 2, 3, 255], 7, "1ABC")
