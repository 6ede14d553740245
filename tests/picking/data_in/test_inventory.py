import json
import shutil
import subprocess
import sys

import pytest

from picking.config import CZII_PARTICLES, CZII_WEIGHTS, PipelineConfig
from picking.data_in.inventory import RunInventory, list_runs, resolve
from picking.errors import InputError
from tests.conftest import picks_content, tiny_values, write_ome_zarr


def test_challenge_types_and_weights_are_the_default():
    config = resolve(PipelineConfig())
    assert config.particles == CZII_PARTICLES
    assert config.scoring.weights == CZII_WEIGHTS


def test_own_types_and_weights():
    mine = [
        {"name": "ribosome", "label": 3, "radius_angstrom": 140},
        {"name": "mine", "label": 1, "radius_angstrom": 20},
    ]
    config = resolve(PipelineConfig(particles=mine, scoring={"weights": {"ribosome": 4}}))
    assert config.scoring.weights == {"ribosome": 4.0, "mine": 1.0}
    assert config.particle("mine").radius_angstrom == 20


def test_types_without_a_label_get_the_next_that_is_free():
    labels = {"a": None, "b": 1, "c": None}
    mine = [{"name": n, "radius_angstrom": 20, "label": label} for n, label in labels.items()]
    config = resolve(PipelineConfig(particles=mine))
    assert [particle.label for particle in config.known_particles] == [2, 1, 3]


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"gold": 1}, "names gold"), (dict.fromkeys(CZII_WEIGHTS, 0), "all weights are 0")],
)
def test_impossible_weights(weights, message):
    with pytest.raises(InputError, match=message):
        resolve(PipelineConfig(scoring={"weights": weights}))


def test_a_weight_for_a_type_that_the_challenge_does_not_score():
    amylase = next(particle for particle in CZII_PARTICLES if particle.name == "beta-amylase")
    weights = {"beta-amylase": 1}
    scored = resolve(PipelineConfig(particles=(amylase,), scoring={"weights": weights}))
    assert scored.scoring.weights == weights
    # A job that is not given the section scores nothing, and refuses nothing.
    assert resolve(PipelineConfig(particles=(amylase,))).known_particles == (amylase,)
    with pytest.raises(InputError, match="all weights are 0"):
        resolve(PipelineConfig(particles=(amylase,), scoring={}))


def test_kaggle_runs_may_be_in_both_splits(kaggle_dataset):
    assert list_runs(PipelineConfig(dataset=kaggle_dataset)) == RunInventory(
        ("TS_1_1", "TS_2_2", "TS_3_3"), ("TS_1_1", "TS_9_9")
    )


def test_test_split_may_be_missing(kaggle_dataset):
    shutil.rmtree(kaggle_dataset / "test")
    assert list_runs(PipelineConfig(dataset=kaggle_dataset)).test == ()


def remove(path):
    return lambda root: shutil.rmtree(root / path)


TRAIN = "train/static/ExperimentRuns"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("."), "kaggle: there is no such folder"),
        (remove("train"), "train/static/ExperimentRuns: there is no such folder"),
        (lambda root: [shutil.rmtree(path) for path in (root / TRAIN).iterdir()], "no runs"),
        (remove(f"{TRAIN}/TS_2_2/VoxelSpacing10.000/denoised.zarr"), "run TS_2_2 has no tomogram"),
        (remove("test/static/ExperimentRuns/TS_9_9/VoxelSpacing10.000"), "run TS_9_9 has no tomo"),
        (remove("train/overlay/ExperimentRuns/TS_3_3/Picks"), "run TS_3_3 has no picks"),
        (remove(f"{TRAIN}/TS_2_2"), "run TS_2_2, which has picks, has no tomogram"),
        (
            lambda root: (root / TRAIN / "a run*").mkdir(),
            r"run name 'a run\*' cannot name files; leave out \*",
        ),
    ],
)
def test_incomplete_kaggle_folders_are_named(kaggle_dataset, change, message):
    change(kaggle_dataset)
    with pytest.raises(InputError, match=message):
        list_runs(PipelineConfig(dataset=kaggle_dataset))


def test_picks_of_unknown_types_are_a_mistake_unless_the_types_are_chosen(kaggle_dataset):
    picks = kaggle_dataset / "train/overlay/ExperimentRuns/TS_2_2/Picks"
    (picks / "me_1_gold.json").touch()
    config = resolve(PipelineConfig(dataset=kaggle_dataset))
    with pytest.raises(InputError, match=r"me_1_gold\.json: holds picks of 'gold', .* `particles`"):
        list_runs(config)
    assert len(list_runs(config, are_types_chosen=True).train) == 3


def test_runs_can_be_left_out(kaggle_dataset):
    """Also those without which the data set would be refused."""
    everything = list_runs(PipelineConfig(dataset=kaggle_dataset))
    run = everything.train[0]
    shutil.rmtree(kaggle_dataset / "train/static/ExperimentRuns" / run / "VoxelSpacing10.000")
    with pytest.raises(InputError, match=rf"name {run} in leave_out"):
        list_runs(PipelineConfig(dataset=kaggle_dataset))
    left = list_runs(PipelineConfig(dataset=kaggle_dataset, leave_out=[run]))
    assert left.train == everything.train[1:]
    assert left.test == tuple(name for name in everything.test if name != run)
    with pytest.raises(InputError, match="leave_out: names TS_0_0, which is not a run"):
        list_runs(PipelineConfig(dataset=kaggle_dataset, leave_out=[run, "TS_0_0"]))


def test_synthetic_runs_can_be_left_out():
    everything = list_runs(PipelineConfig())
    left = list_runs(PipelineConfig(leave_out=[everything.train[1], everything.test[0]]))
    assert left.train == (everything.train[0], *everything.train[2:])
    assert left.test == everything.test[1:]


def test_hidden_folders_and_files_are_no_runs(kaggle_dataset):
    (kaggle_dataset / TRAIN / ".cache").mkdir()
    (kaggle_dataset / TRAIN / "notes.txt").touch()
    assert len(list_runs(PipelineConfig(dataset=kaggle_dataset)).train) == 3


def test_the_synthetic_runs_have_one_kind_of_tomogram():
    runs = list_runs(PipelineConfig(synthetic={"train_runs": 3, "test_runs": 2}))
    assert (len(runs.train), len(runs.test)) == (3, 2)
    with pytest.raises(InputError, match="tomo_type: is wbp, but the synthetic runs have denoised"):
        list_runs(PipelineConfig(tomo_type="wbp"))
    with pytest.raises(InputError, match=r"voxel_spacing: is 7\.84"):
        list_runs(PipelineConfig(voxel_spacing=7.84))


def test_other_spacing_and_type_are_looked_for(kaggle_dataset):
    with pytest.raises(InputError, match=r"VoxelSpacing7\.840/denoised\.zarr"):
        list_runs(PipelineConfig(dataset=kaggle_dataset, voxel_spacing=7.84))
    with pytest.raises(InputError, match=r"VoxelSpacing10\.000/wbp\.zarr"):
        list_runs(PipelineConfig(dataset=kaggle_dataset, tomo_type="wbp"))


def test_nothing_heavy_is_imported_for_a_kaggle_folder():
    code = (
        "import picking.data_in.inventory, sys; "
        "print('copick' in sys.modules, 'zarr' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


OBJECTS = [
    {"name": "ribosome", "is_particle": True, "label": 2, "radius": 150},
    {"name": "mine", "is_particle": True, "label": 5, "radius": 30, "pdb_id": "1ABC"},
    {"name": "membrane", "is_particle": False, "label": 3, "radius": 10},
    {"name": "no-radius", "is_particle": True, "label": 4},
]


@pytest.fixture
def project(tmp_path):
    """A copick project: tomograms static, picks in the overlay; R1 and R2 picked, R3 not."""
    for run in ("R1", "R2", "R3"):
        folder = tmp_path / "static" / "ExperimentRuns" / run / "VoxelSpacing10.000"
        write_ome_zarr(folder / "denoised.zarr", tiny_values(0))
    for run, user in (("R1", "me"), ("R2", "you")):
        folder = tmp_path / "overlay" / "ExperimentRuns" / run / "Picks"
        folder.mkdir(parents=True)
        content = picks_content(run, "ribosome", [[1, 2, 3]])
        (folder / f"{user}_1_ribosome.json").write_text(json.dumps(content))

    def write(objects=OBJECTS):
        config = tmp_path / "copick.json"
        content = {
            "config_type": "filesystem",
            "pickable_objects": objects,
            "static_root": f"local://{tmp_path}/static",
            "overlay_root": f"local://{tmp_path}/overlay",
        }
        config.write_text(json.dumps(content))
        return config

    return write


def test_copick_particles_with_a_radius(project):
    config = resolve(PipelineConfig(copick=project()))
    assert [(p.name, p.label, p.radius_angstrom) for p in config.particles] == [
        ("ribosome", 2, 150.0),
        ("mine", 5, 30.0),
    ]
    assert config.particle("mine").pdb_id == "1ABC"


def test_shared_copick_labels_are_numbered_anew(project):
    objects = [{**item, "label": 7} for item in OBJECTS]
    config = resolve(PipelineConfig(copick=project(objects)))
    assert [particle.label for particle in config.particles] == [1, 2]


def test_configured_particles_win_but_have_to_be_known(project):
    ribosome = {"name": "ribosome", "label": 1, "radius_angstrom": 120}
    config = resolve(PipelineConfig(copick=project(), particles=[ribosome]))
    assert [particle.radius_angstrom for particle in config.particles] == [120]
    misspelt = PipelineConfig(copick=project(), particles=[{**ribosome, "name": "ribosom"}])
    with pytest.raises(InputError, match="ribosom: no such pickable object"):
        list_runs(resolve(misspelt))


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (OBJECTS[2:], "no pickable object is a particle with a radius"),
        ([{**OBJECTS[0], "name": "a=b"}], "'a=b' cannot be used"),
    ],
)
def test_unusable_copick_objects(project, objects, message):
    with pytest.raises(InputError, match=message):
        resolve(PipelineConfig(copick=project(objects)))


def test_copick_runs_with_truth_train_and_the_others_test(project):
    config = resolve(PipelineConfig(copick=project()))
    assert list_runs(config) == RunInventory(("R1", "R2"), ("R3",))
    of_mine = config.model_copy(update={"truth": config.truth.model_copy(update={"user_id": "me"})})
    assert list_runs(of_mine) == RunInventory(("R1",), ("R2", "R3"))
    nobody = config.truth.model_copy(update={"session_id": "9"})
    with pytest.raises(InputError, match=r"in session 9; .* truth\.user_id"):
        list_runs(config.model_copy(update={"truth": nobody}))


def test_copick_run_with_picks_but_no_tomogram_is_named(project, tmp_path):
    config = resolve(PipelineConfig(copick=project()))
    shutil.rmtree(tmp_path / "static" / "ExperimentRuns" / "R2" / "VoxelSpacing10.000")
    with pytest.raises(InputError, match="run R2: has picks, but no tomogram 'denoised'"):
        list_runs(config)


def test_copick_runs_can_be_left_out(project, tmp_path):
    everything = list_runs(resolve(PipelineConfig(copick=project())))
    picked = everything.train[0]
    shutil.rmtree(next(tmp_path.rglob(f"{picked}/VoxelSpacing10.000")))
    with pytest.raises(InputError, match=rf"name {picked} in leave_out"):
        list_runs(resolve(PipelineConfig(copick=project())))
    left = list_runs(resolve(PipelineConfig(copick=project(), leave_out=[picked])))
    assert left == RunInventory(everything.train[1:], everything.test)


def add_picks(folder, user, particle_type):
    path = folder / "overlay" / "ExperimentRuns" / "R3" / "Picks" / f"{user}_0_{particle_type}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(picks_content("R3", particle_type, [[1, 2, 3]])))


def test_our_own_picks_are_truth_only_if_asked_for(project, tmp_path):
    add_picks(tmp_path, "tomosieve", "ribosome")
    config = resolve(PipelineConfig(copick=project()))
    assert list_runs(config) == RunInventory(("R1", "R2"), ("R3",))
    asked_for = config.truth.model_copy(update={"user_id": "tomosieve"})
    runs = list_runs(config.model_copy(update={"truth": asked_for}))
    assert runs == RunInventory(("R3",), ("R1", "R2"))


def test_picks_of_an_object_that_the_project_lacks_are_named(project, tmp_path):
    add_picks(tmp_path, "me", "ribosmoe")
    config = resolve(PipelineConfig(copick=project()))
    with pytest.raises(InputError, match=r"me_0_ribosmoe\.json: holds picks of 'ribosmoe'"):
        list_runs(config)
    assert list_runs(config, are_types_chosen=True).train == ("R1", "R2")
    of_others = config.truth.model_copy(update={"user_id": "you"})
    assert list_runs(config.model_copy(update={"truth": of_others})).train == ("R2",)


@pytest.mark.parametrize("content", ["{", "[]", '{"config_type": "filesystem"}'])
def test_damaged_copick_configuration_is_named(tmp_path, content):
    path = tmp_path / "copick.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"copick\.json") as caught:
        resolve(PipelineConfig(copick=path))
    assert "\n" not in str(caught.value)


def test_missing_copick_configuration_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.json: cannot be read"):
        resolve(PipelineConfig(copick=tmp_path / "nowhere.json"))
