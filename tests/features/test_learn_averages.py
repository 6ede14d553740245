"""Averages by fold: nothing of a run goes into what its own candidates are compared with."""

import numpy as np
import pandas as pd
import pytest
import yaml

from features import learn_averages
from features.learnt_averages import learn_average
from features.learnt_averages.fold_averages import OF_ALL, FoldAverages
from picking.config import FeatureSettings, ParticleType, PipelineConfig
from picking.errors import InputError
from picking.files.tables import TRUTH
from picking.files.tomogram import Tomogram
from picking.scoring.folds import Folds
from picking.structures.structure_file import write_structures
from tests.features.template_matching.made_structures import HANDED, structure_of_blobs

FOLDS = Folds((("R1", "R2"), ("R3", "R4")))
PARTICLES = (
    ParticleType(name="odd", radius_angstrom=40),
    ParticleType(name="rare", radius_angstrom=40),
    ParticleType(name="known", radius_angstrom=40),
)
CONFIG = PipelineConfig(
    particles=PARTICLES, features=FeatureSettings(tilt_range_degrees=60, orientations=10)
)
PICKS = 5


def tomograms():
    rng = np.random.default_rng(0)
    return {run: rng.normal(size=(16, 32, 32)).astype(np.float32) for run in FOLDS.runs}


def picks_table():
    rng = np.random.default_rng(1)
    rows = [
        (run, name, *rng.uniform(40, 260, 2), rng.uniform(40, 110))
        for run in FOLDS.runs
        for name, number in (("odd", PICKS), ("known", PICKS), ("rare", 2))
        for _ in range(number)
    ]
    return pd.DataFrame(rows, columns=TRUTH.column_names)


@pytest.fixture
def learnt(monkeypatch):
    """Learn from tomograms and a truth table, quickly."""
    monkeypatch.setattr(learn_average, "ROUNDS", ((20, 60.0),))

    def learn(values, truth, known=("known",)):
        def read(copick_config, run, *kind):
            return Tomogram(run, values[run], np.full(3, 10.0))

        monkeypatch.setattr(learn_averages, "read_tomogram", read)
        return learn_averages.learn_averages(CONFIG, None, truth, FOLDS, known)

    return learn


def same(these, those):
    return {
        fold: np.array_equal(these.by_fold[fold]["odd"].density_zyx, average["odd"].density_zyx)
        for fold, average in those.by_fold.items()
    }


def test_a_judged_run_changes_nothing_in_its_own_folds_average(learnt):
    values, truth = tomograms(), picks_table()
    before = learnt(values, truth)
    assert not np.array_equal(
        before.of_run("R1")["odd"].density_zyx, before.of_run("R3")["odd"].density_zyx
    )

    other_voxels = values | {"R1": np.roll(values["R1"], 5, axis=1)}
    assert same(before, learnt(other_voxels, truth)) == {"0": True, "1": False, OF_ALL: False}

    moved = truth.copy()
    moved.loc[(truth["run"] == "R1") & (truth["particle_type"] == "odd"), "x"] += 30
    assert same(before, learnt(values, moved)) == {"0": True, "1": False, OF_ALL: False}

    fewer = truth.drop(truth.index[truth["run"] == "R1"][:1])
    assert same(before, learnt(values, fewer)) == {"0": True, "1": False, OF_ALL: False}


def test_the_order_of_the_truths_rows_does_not_matter(learnt):
    values, truth = tomograms(), picks_table()
    shuffled = truth.sample(frac=1, random_state=0, ignore_index=True)
    assert all(same(learnt(values, truth), learnt(values, shuffled)).values())


def test_types_with_a_structure_and_types_with_few_picks_have_none(learnt, capsys):
    averages = learnt(tomograms(), picks_table())
    for run in ("R1", "R4", "another"):
        assert set(averages.of_run(run)) == {"odd"}
    said = capsys.readouterr().err
    assert "average of rare: none, as there is a fold with 4 picks" in said
    assert "average of odd, fold all: 20 picks" in said
    assert "known" not in said


def test_where_all_types_have_structures_no_tomogram_is_read(learnt):
    names = [particle.name for particle in PARTICLES]
    assert learnt({}, picks_table(), names).of_run("R1") == {}


def test_a_run_is_compared_with_what_others_gave(learnt):
    averages = learnt(tomograms(), picks_table())
    assert averages.of_run("R1") == averages.of_run("R2") == averages.by_fold["0"]
    assert averages.of_run("R4") == averages.by_fold["1"]
    # With a bundle too, in which a run may have the name of a training run.
    assert averages.of_run("a test run") == averages.by_fold[OF_ALL]


def test_many_picks_are_thinned_out(learnt, monkeypatch, capsys):
    monkeypatch.setattr(learn_averages, "MOST_PICKS", 12)
    monkeypatch.setattr(learn_averages, "LEAST_PICKS", 6)
    learnt(tomograms(), picks_table())
    assert "average of odd, fold all: 12 picks" in capsys.readouterr().err


def test_the_command_writes_what_the_features_read(learnt, tmp_path):
    expected = learnt(tomograms(), picks_table())  # tomograms stay
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump(
            CONFIG.model_dump(mode="json", include={"particles", "features"}, exclude_none=True)
        )
    )
    TRUTH.write(picks_table(), tmp_path / "truth.csv")
    FOLDS.write(tmp_path / "folds.json")
    write_structures(tmp_path / "structures.npz", {"known": structure_of_blobs(HANDED)})
    files = {name: str(tmp_path / name) for name in ("config.yaml", "truth.csv", "folds.json")}
    output = tmp_path / "learnt_averages.npz"
    arguments = ["--config", files["config.yaml"], "--copick", "none.json"]
    arguments += ["--truth", files["truth.csv"], "--folds", files["folds.json"]]
    arguments += ["--structures", str(tmp_path / "structures.npz"), "--output", str(output)]
    learn_averages.main(arguments)

    read = FoldAverages.read(output, tmp_path / "folds.json")
    assert all(same(read, expected).values())
    assert set(read.of_run("R1")) == {"odd"}
    learn_averages.main([argument for argument in arguments if "structures" not in argument])
    assert set(FoldAverages.read(output, tmp_path / "folds.json").of_run("R1")) == {"odd", "known"}
    Folds((("R1",), ("R2", "R3", "R4"))).write(tmp_path / "folds.json")
    FoldAverages.read(output, tmp_path / "folds.json")
    FoldAverages(FOLDS, {"5": expected.by_fold["0"]}).write(output)
    with pytest.raises(InputError, match="averages of other folds"):
        FoldAverages.read(output, tmp_path / "folds.json")


def test_of_many_picks_as_many_as_may_be_are_taken_evenly() -> None:
    assert learn_averages.evenly_chosen(26, 25).tolist() == sorted(
        {*learn_averages.evenly_chosen(26, 25).tolist()}
    )
    assert len(learn_averages.evenly_chosen(26, 25)) == 25
    assert learn_averages.evenly_chosen(3, 25).tolist() == [0, 1, 2]
    assert learn_averages.evenly_chosen(101, 3).tolist() == [0, 50, 100]
    assert len(learn_averages.evenly_chosen(0, 25)) == 0
