import json
import shutil
import stat

import copick
import numpy as np
import pandas as pd
import pytest
import zarr

from picking.config import CZII_PARTICLES, PipelineConfig
from picking.data_in.import_dataset import import_kaggle, main
from picking.data_in.imported_truth import PickedFiles
from picking.data_in.inventory import list_runs, resolve
from picking.errors import InputError
from picking.files.picks import read_sets
from picking.files.tables import TRUTH
from picking.files.tomogram import read_tomogram
from tests.conftest import tiny_values, write_ome_zarr

PICKS = "train/overlay/ExperimentRuns/TS_2_2/Picks"
TRAIN_TOMOGRAM = "train/static/ExperimentRuns/TS_2_2/VoxelSpacing10.000/denoised.zarr"
FULL_SIZE_ZYX = (184, 630, 630)
TEST_RUN = "TS_9_9"
TEST_TOMOGRAM = f"test/static/ExperimentRuns/{TEST_RUN}/VoxelSpacing10.000/denoised.zarr"


def picked_at(truth):
    return PickedFiles(truth, truth.with_name("picks_density.json"))


def import_folder(dataset, output, truth):
    config = resolve(PipelineConfig(dataset=dataset))
    runs = list_runs(config)
    import_kaggle(config, dataset, "train", runs.train, output / "train.json", picked_at(truth))
    import_kaggle(config, dataset, "test", runs.test, output / "test.json")
    return TRUTH.read(truth)


def test_truth_and_both_projects(kaggle_dataset, tmp_path):
    output = tmp_path / "results" / "copick"
    truth = import_folder(kaggle_dataset, output, tmp_path / "results" / "truth.csv")
    assert truth[truth["run"] == "TS_2_2"].to_numpy().tolist() == [
        ["TS_2_2", "apo-ferritin", 11.5, 20.25, 30.125],
        ["TS_2_2", "apo-ferritin", 100.0, 60.0, 40.0],
        ["TS_2_2", "ribosome", 50.0, 51.0, 53.0],
    ]
    assert len(truth) == 9
    for split, run, seed in (("train", "TS_3_3", 2), ("test", "TS_9_9", 9), ("test", "TS_1_1", 0)):
        tomogram = read_tomogram(output / f"{split}.json", run, "denoised", 10.0)
        np.testing.assert_array_equal(tomogram.values_zyx, tiny_values(seed))
    train = copick.from_file(str(output / "train.json"))
    (picks,) = train.get_run("TS_1_1").get_picks("ribosome", user_id="curation", session_id="0")
    assert len(picks.points) == 1
    test = copick.from_file(str(output / "test.json"))
    assert test.get_run("TS_1_1").picks == []
    assert [item.radius for item in test.pickable_objects][:2] == [60, 65]


def test_input_is_only_read_and_output_is_the_same_twice(kaggle_dataset, tmp_path):
    def content(folder):
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = content(kaggle_dataset)
    folders = [path for path in kaggle_dataset.rglob("*") if path.is_dir()]
    for path in [kaggle_dataset, *folders]:
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        import_folder(kaggle_dataset, tmp_path / "out", tmp_path / "truth.csv")
        first = content(tmp_path / "out")
        import_folder(kaggle_dataset, tmp_path / "out", tmp_path / "truth.csv")
        assert content(tmp_path / "out") == first
        assert content(kaggle_dataset) == before
    finally:
        for path in [kaggle_dataset, *folders]:
            path.chmod(stat.S_IRWXU)


def test_a_persons_picks_in_our_overlay_stay(kaggle_dataset, tmp_path):
    import_folder(kaggle_dataset, tmp_path / "out", tmp_path / "truth.csv")
    (picks,) = (tmp_path / "out").glob("train_overlay/ExperimentRuns/TS_2_2/Picks")
    theirs = picks / "me_1_ribosome.json"
    theirs.write_text("curated")
    (kaggle_dataset / PICKS / "ribosome.json").unlink()  # ours of it goes
    ours = [path.name for path in picks.glob("*_ribosome.json") if path != theirs]
    truth = import_folder(kaggle_dataset, tmp_path / "out", tmp_path / "truth.csv")
    assert len(ours) == 1
    assert [path.name for path in picks.glob("*_ribosome.json")] == [theirs.name]
    assert theirs.read_text() == "curated"
    assert not ((truth["run"] == "TS_2_2") & (truth["particle_type"] == "ribosome")).any()


def test_picks_that_copick_passes_over_are_missed(kaggle_dataset, tmp_path, monkeypatch):
    def forget_ribosomes(*arguments):
        table = read_sets(*arguments)
        return table[table["particle_type"] != "ribosome"]

    monkeypatch.setattr("picking.data_in.import_dataset.read_sets", forget_ribosomes)
    with pytest.raises(InputError, match="holds 1 picks of ribosome, of which copick reads 0"):
        import_folder(kaggle_dataset, tmp_path / "out", tmp_path / "truth.csv")


def test_copick_file_names_are_taken_too(kaggle_dataset, tmp_path):
    folder = kaggle_dataset / PICKS
    (folder / "ribosome.json").rename(folder / "curation_0_ribosome.json")
    assert len(import_folder(kaggle_dataset, tmp_path / "out", tmp_path / "truth.csv")) == 9


def edit(change):
    def apply(root):
        path = root / PICKS / "ribosome.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return apply


def cut_off(root):
    path = root / PICKS / "ribosome.json"
    path.write_text(path.read_text()[:-40])


def same_set_twice(root):
    shutil.copy(root / PICKS / "ribosome.json", root / PICKS / "curation_0_ribosome.json")


def tomogram(path, values):
    def apply(root):
        shutil.rmtree(root / path)
        write_ome_zarr(root / path, values)

    return apply


def outside(root):
    for path in (root / PICKS).glob("*.json"):
        content = json.loads(path.read_text())
        for point in content["points"]:
            point["location"]["x"] *= 100
        path.write_text(json.dumps(content))


def hole(path):
    def apply(root):
        next(file for file in (root / path / "0").rglob("0") if file.is_file()).unlink()

    return apply


def no_picks_file(root):
    for path in (root / PICKS).glob("*.json"):
        path.unlink()


def no_picks(root):
    for path in (root / "train" / "overlay").rglob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"points": []}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cut_off, r"ribosome\.json: is not a whole JSON"),
        (lambda root: (root / PICKS / "ribosome.json").write_text("[]"), r"ribosome\.json: is no"),
        (edit(lambda c: c.pop("points")), r"ribosome\.json: is not a picks file \(points"),
        (edit(lambda c: c.pop("run_name")), r"ribosome\.json: .*run_name"),
        (edit(lambda c: c["points"][0]["location"].pop("z")), r"points\.0\.location\.z"),
        (edit(lambda c: c["points"][0]["location"].update(z=float("nan"))), "non-finite"),
        (
            edit(lambda c: c["points"][0]["transformation_"][2].__setitem__(3, float("inf"))),
            r"ribosome\.json: holds a non-finite position",
        ),
        (
            edit(lambda c: c["points"][0].update(transformation_=None)),
            r"ribosome\.json: is not a picks file \(points\.0\.transformation_",
        ),
        (
            edit(lambda c: c["points"][0].update(transformation_=[[1, 0], [0, 1]])),
            r"ribosome\.json: is not a picks file \(points\.0\.transformation_",
        ),
        (edit(lambda c: c.update(unit="pixel")), r"ribosome\.json: has the unit 'pixel'"),
        (edit(lambda c: c.update(run_name="TS_1_1")), "belongs to run 'TS_1_1', not to TS_2_2"),
        (edit(lambda c: c.update(user_id="a_b")), r"ribosome\.json: user_id is 'a_b'"),
        (edit(lambda c: c.update(user_id="a" * 300)), r"ribosome\.json: user_id is 'aaa"),
        (edit(lambda c: c.update(user_id="a\x00")), r"ribosome\.json: user_id is 'a"),
        (edit(lambda c: c.update(user_id=".me")), r"ribosome\.json: user_id is '\.me'"),
        (edit(lambda c: c.update(session_id=".1")), r"ribosome\.json: session_id is '\.1'"),
        (
            edit(lambda c: c.update(user_id="tomosieve")),
            r"ribosome\.json: .* own picks: they are no",
        ),
        (edit(lambda c: c.update(pickable_object_name="apo-ferritin")), "disagree"),
        (edit(lambda c: c["points"].append(c["points"][0])), "TS_2_2 has two picks at"),
        (edit(lambda c: c.update(pickable_object_name="gold")), r"ribosome\.json: .* disagree"),
        (same_set_twice, "another file holds the same picks"),
        (no_picks, "no picks at all"),
        (lambda root: shutil.rmtree(root / PICKS), "TS_2_2 has no picks"),
        (lambda root: shutil.rmtree(root / TEST_TOMOGRAM), "run TS_9_9"),
        (lambda root: shutil.rmtree(root / TRAIN_TOMOGRAM / "0"), r"denoised\.zarr/0: .* opened"),
        (outside, "TS_2_2 has .* outside its tomogram of .* x .* x .* Å"),
        (no_picks_file, "TS_2_2/Picks: holds no picks file"),
        (hole(TRAIN_TOMOGRAM), r"TS_2_2.*denoised\.zarr/0: 1 of 1 chunks are absent"),
        (hole(TEST_TOMOGRAM), r"TS_9_9.*denoised\.zarr/0: 1 of 1 chunks are absent"),
        (tomogram(TRAIN_TOMOGRAM, tiny_values(0, (12, 16))), r"TS_2_2.*denoised\.zarr/0: is 2D"),
        (tomogram(TEST_TOMOGRAM, tiny_values(0) * np.float32(np.nan)), "TS_9_9.* are NaN"),
        (tomogram(TEST_TOMOGRAM, tiny_values(0) * 0), "TS_9_9.*all values are"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(kaggle_dataset, tmp_path, change, message):
    config = resolve(PipelineConfig(dataset=kaggle_dataset))
    runs = list_runs(config)
    change(kaggle_dataset)
    results = tmp_path / "results"
    split, picked = "test", None
    if TEST_RUN not in message:
        split, picked = "train", picked_at(results / "truth.csv")
    with pytest.raises(InputError, match=message) as caught:
        import_kaggle(
            config,
            kaggle_dataset,
            split,
            getattr(runs, split),
            results / f"{split}.json",
            picked,
        )
    assert "\n" not in str(caught.value)
    assert not results.exists() or list(results.iterdir()) == []


def test_a_name_of_both_splits_stands_for_one_tomogram(kaggle_dataset, tmp_path):
    config = resolve(PipelineConfig(dataset=kaggle_dataset))
    repeated = kaggle_dataset / TEST_TOMOGRAM.replace(TEST_RUN, "TS_1_1")

    def import_test():
        import_kaggle(config, kaggle_dataset, "test", ["TS_1_1"], tmp_path / "test.json")

    shutil.rmtree(repeated)
    write_ome_zarr(repeated, tiny_values(0).astype(np.float16).astype(np.float32))
    import_test()
    shutil.rmtree(repeated)
    write_ome_zarr(repeated, tiny_values(5))
    with pytest.raises(InputError, match=r"test.*TS_1_1.*is another tomogram than .* run TS_1_1"):
        import_test()
    shutil.rmtree(repeated)
    write_ome_zarr(repeated, tiny_values(0, (8, 12, 12)))
    with pytest.raises(InputError, match="is another tomogram"):
        import_test()


def test_a_damaged_level_that_nothing_is_picked_from_stops_nothing(
    kaggle_dataset, tmp_path, capsys
):
    repeated = TEST_TOMOGRAM.replace(TEST_RUN, "TS_1_1")
    for path in (TRAIN_TOMOGRAM, TEST_TOMOGRAM, repeated):
        (kaggle_dataset / path / "1" / ".zarray").write_text("{")
    import_folder(kaggle_dataset, tmp_path / "out", tmp_path / "truth.csv")
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(warnings) == 3
    assert f"{TRAIN_TOMOGRAM}/1: this level of the tomogram cannot be opened" in warnings[0]
    assert "nothing is picked from this level" in warnings[0]


def test_command(kaggle_dataset, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("name: mine\n")
    main(
        f"--config {config} --dataset {kaggle_dataset} --split train --runs TS_1_1 TS_3_3 "
        f"--output {tmp_path}/out/train.json --truth {tmp_path}/truth.csv "
        f"--density {tmp_path}/density.json".split()
    )
    assert TRUTH.read(tmp_path / "truth.csv")["run"].unique().tolist() == ["TS_1_1", "TS_3_3"]
    assert (tmp_path / "out" / "train.json").exists()


def test_genuine_picks(shared, tmp_path, write_kaggle_run):
    genuine = shared / "czii_picks"
    if not genuine.is_dir():
        pytest.skip("the genuine picks are not beside the repository")
    dataset = tmp_path / "kaggle"
    runs = sorted(path.name for path in genuine.iterdir() if path.is_dir())
    for seed, run in enumerate(runs):
        write_kaggle_run(dataset, "train", run, tiny_values(seed))
        zarr.open_group(str(dataset / TRAIN_TOMOGRAM.replace("TS_2_2", run)), mode="a").empty(
            name="0", shape=FULL_SIZE_ZYX, chunks=FULL_SIZE_ZYX, dtype="f4", overwrite=True
        )
        chunk = dataset / TRAIN_TOMOGRAM.replace("TS_2_2", run) / "0" / "0.0.0"
        chunk.write_bytes(b"there, but never read")
        target = dataset / "train" / "overlay" / "ExperimentRuns" / run / "Picks"
        shutil.copytree(genuine / run / "Picks", target)
    truth = import_folder(dataset, tmp_path / "out", tmp_path / "truth.csv")
    assert len(truth) == 1269
    counts = pd.crosstab(truth["run"], truth["particle_type"])
    assert counts.loc["TS_73_6"].tolist() == [95, 12, 14, 46, 28, 22]
    first = truth[(truth["run"] == "TS_5_4") & (truth["particle_type"] == "apo-ferritin")].iloc[0]
    assert first[["x", "y", "z"]].tolist() == [468.514, 5915.906, 604.167]


def test_picks_that_are_plainly_wrong_raise_a_warning(tmp_path, write_kaggle_run, capsys):
    dataset = tmp_path / "kaggle"
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (16, 40, 40)).astype(np.float32)
    indices = rng.integers((3, 5, 5), (7, 18, 18), (30, 3))
    values[tuple(indices.T)] -= 8
    in_voxels = indices[:, ::-1].astype(float)
    write_kaggle_run(dataset, "train", "TS_1_1", values, {"ribosome": np.unique(in_voxels, axis=0)})
    in_angstrom = np.unique(in_voxels * 10, axis=0)
    write_kaggle_run(dataset, "train", "TS_2_2", values, {"ribosome": in_angstrom})
    import_folder(dataset, tmp_path / "out", tmp_path / "truth.csv")
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(warnings) == 1
    assert "the picks of TS_1_1 fill a corner of the tomogram" in warnings[0]


def test_one_species_of_a_kaggle_folder_is_enough(kaggle_dataset, tmp_path, capsys):
    (ribosome,) = (particle for particle in CZII_PARTICLES if particle.name == "ribosome")
    config = resolve(PipelineConfig(dataset=kaggle_dataset, particles=(ribosome,)))
    truth = tmp_path / "truth.csv"
    project, picked = tmp_path / "train.json", picked_at(truth)
    import_kaggle(config, kaggle_dataset, "train", list_runs(config).train, project, picked)
    assert set(TRUTH.read(truth)["particle_type"]) == {"ribosome"}
    assert capsys.readouterr().err == ""
    # What is not one of the challenge's is left alone as well, whatever it holds.
    for name in ("26S", "me_1_gold"):
        (kaggle_dataset / PICKS / f"{name}.json").write_text("{")
    runs = list_runs(config, are_types_chosen=True).train
    import_kaggle(config, kaggle_dataset, "train", runs, project, picked)
    assert set(TRUTH.read(truth)["particle_type"]) == {"ribosome"}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {kaggle_dataset}: picks of 26S, gold are left alone")


def test_a_type_may_have_parentheses_in_its_name(tmp_path, write_kaggle_run):
    particle = {"name": "26S(SB)", "label": 1, "radius_angstrom": 90}
    dataset = tmp_path / "kaggle"
    for seed, run in enumerate(("TS_1_1", "TS_2_2")):
        write_kaggle_run(dataset, "train", run, tiny_values(seed), {"26S(SB)": [[50, 60, 40]]})
    config = resolve(PipelineConfig(dataset=dataset, particles=[particle]))
    truth = tmp_path / "truth.csv"
    project = tmp_path / "train.json"
    import_kaggle(config, dataset, "train", ["TS_1_1", "TS_2_2"], project, picked_at(truth))
    assert TRUTH.read(truth)["particle_type"].tolist() == ["26S(SB)", "26S(SB)"]


def test_numbers_where_copick_has_text_are_taken(kaggle_dataset, tmp_path):
    for path in kaggle_dataset.rglob("Picks/*.json"):
        path.write_text(path.read_text().replace('"session_id": "0"', '"session_id": 0'))
    assert len(import_folder(kaggle_dataset, tmp_path / "out", tmp_path / "truth.csv")) == 9


def test_names_that_are_numbers_are_taken(tmp_path, write_kaggle_run):
    dataset, truth = tmp_path / "kaggle", tmp_path / "truth.csv"
    for run in ("5", "10440"):
        write_kaggle_run(dataset, "train", run, tiny_values(0), {"80": [[50, 60, 40]]})
    for path in dataset.rglob("Picks/*.json"):
        content = json.loads(path.read_text())
        content.update(run_name=int(content["run_name"]), pickable_object_name=80)
        path.write_text(json.dumps(content))
    config = resolve(
        PipelineConfig(dataset=dataset, particles=[{"name": 80, "radius_angstrom": 9}])
    )
    runs, project = list_runs(config).train, tmp_path / "train.json"
    import_kaggle(config, dataset, "train", runs, project, picked_at(truth))
    assert TRUTH.read(truth)[["run", "particle_type"]].to_numpy().tolist() == [
        ["10440", "80"],
        ["5", "80"],
    ]


def test_of_two_authors_in_a_kaggle_folder_the_configured_one_counts(kaggle_dataset, tmp_path):
    path = next((kaggle_dataset / PICKS).glob("*.json"))
    path.with_name(f"other_{path.name}").write_text(path.read_text().replace("curation", "other"))
    config = resolve(PipelineConfig(dataset=kaggle_dataset))
    picked, project = picked_at(tmp_path / "truth.csv"), tmp_path / "train.json"
    with pytest.raises(InputError, match=r"several sets .* by truth\.user_id"):
        import_kaggle(config, kaggle_dataset, "train", ["TS_2_2"], project, picked)
    config = resolve(PipelineConfig(dataset=kaggle_dataset, truth={"user_id": "other"}))
    import_kaggle(config, kaggle_dataset, "train", ["TS_2_2"], project, picked)
    assert set(TRUTH.read(picked.truth)["particle_type"]) == {path.stem}
