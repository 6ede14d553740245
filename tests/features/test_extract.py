from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from features import extract
from features.catalogue import catalogue
from features.learnt_averages.fold_averages import FoldAverages
from features.template_matching.fits import BANKS
from picking.config import ALL_FAMILIES, FeatureSettings, load_config
from picking.coordinates import extent_xyz_angstrom
from picking.data_in.import_dataset import import_kaggle
from picking.data_in.imported_truth import PickedFiles
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.batch_record import (
    PROPOSAL_FOLDERS,
    BatchRecord,
    FailedRun,
    feature_file,
    file_digests,
    proposal_files,
)
from picking.files.embedding import EMBEDDING
from picking.files.score_maps import ScoreMaps
from picking.files.tables import CANDIDATES, FEATURES
from picking.files.tomogram import Tomogram
from picking.scoring.folds import Folds
from picking.structures.structure_file import write_structures
from tests.features.made_data import (
    EMBEDDING_NAMES,
    PARTICLES,
    SHAPE_ZYX,
    VOXEL_SIZE_ZYX,
    candidates_at,
    embedding_of,
    noisy_run,
)
from tests.features.template_matching.made_structures import HANDED, ROD, structure_of_blobs

SETTINGS = FeatureSettings(families=ALL_FAMILIES, orientations=40)
NAMES = [particle.name for particle in PARTICLES]
EMPTY_EMBEDDING = EMBEDDING.empty()


def extract_features(
    tomogram, candidates, maps, particles, settings, embedding=None, structures=(), averages=(),
    threads=1,
):  # fmt: skip
    """Measure with an embedding of the candidates, unless another is given."""
    if embedding is None:
        embedding = embedding_of(candidates) if len(candidates) else EMPTY_EMBEDDING
    return extract.extract_features(
        tomogram, candidates, maps, embedding, particles, settings,
        dict(structures), dict(averages), threads,
    )  # fmt: skip


def feature_names(settings=SETTINGS):
    return [feature.name for feature in catalogue(settings, NAMES, EMBEDDING_NAMES)]


def assert_same_features(these, those, rtol=2e-3, atol=2e-3):
    for name in feature_names():
        np.testing.assert_allclose(these[name], those[name], rtol=rtol, atol=atol, err_msg=name)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(threads):
    """Enough candidates, planes and rows that every step has more parts than threads."""
    tomogram, candidates, maps = noisy_run(number=300)
    structures = {"small": structure_of_blobs(HANDED), "large": structure_of_blobs(ROD)}
    tables = []
    for number in (1, threads):
        BANKS.clear()
        tables.append(
            extract_features(
                tomogram, candidates, maps, PARTICLES, SETTINGS,
                structures=structures, averages=structures, threads=number,
            )
        )  # fmt: skip
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_the_table_holds_the_catalogue_for_every_candidate():
    tomogram, candidates, maps = noisy_run()
    table = extract_features(tomogram, candidates, maps, PARTICLES, SETTINGS)
    assert list(table.columns) == FEATURES.column_names + feature_names()
    assert (table[feature_names()].dtypes == "float32").all()
    assert np.isfinite(table[feature_names()].to_numpy()).all()
    pd.testing.assert_frame_equal(
        table[FEATURES.column_names], candidates[FEATURES.column_names], check_dtype=False
    )
    assert FEATURES.check(table, "test").equals(table)


def test_no_candidates_give_an_empty_table_with_all_columns():
    tomogram, candidates, maps = noisy_run()
    table = extract_features(tomogram, candidates.iloc[:0], maps, PARTICLES, SETTINGS)
    assert len(table) == 0
    assert list(table.columns) == FEATURES.column_names + feature_names()
    assert FEATURES.check(table, "test")[feature_names()[0]].dtype == "float32"


def test_the_order_of_rows_does_not_matter():
    tomogram, candidates, maps = noisy_run(number=30)
    table = extract_features(tomogram, candidates, maps, PARTICLES, SETTINGS)
    shuffled = candidates.sample(frac=1, random_state=1)
    other = extract_features(tomogram, shuffled, maps, PARTICLES, SETTINGS)
    assert list(other["candidate_id"]) == list(shuffled["candidate_id"])
    pd.testing.assert_frame_equal(
        table, other.sort_values("candidate_id", ignore_index=True), check_exact=True
    )


def test_gain_and_offset_of_the_tomogram_do_not_matter():
    tomogram, candidates, maps = noisy_run()
    brighter = replace(tomogram, values_zyx=tomogram.values_zyx * np.float32(3e4) + np.float32(5))
    assert_same_features(
        extract_features(tomogram, candidates, maps, PARTICLES, SETTINGS),
        extract_features(brighter, candidates, maps, PARTICLES, SETTINGS),
        rtol=1e-2,
        atol=1e-2,
    )


def test_the_runs_name_does_not_matter():
    tomogram, candidates, maps = noisy_run()
    renamed = extract_features(
        replace(tomogram, run="TS_2"), candidates.assign(run="TS_2"), maps, PARTICLES, SETTINGS
    )
    table = extract_features(tomogram, candidates, maps, PARTICLES, SETTINGS)
    pd.testing.assert_frame_equal(table[feature_names()], renamed[feature_names()])


@pytest.mark.parametrize("turn", ["flip y", "flip x", "swap x and y"])
def test_features_do_not_depend_on_the_directions_of_x_and_y(turn):
    tomogram, candidates, maps = noisy_run(number=30)
    extent = extent_xyz_angstrom(SHAPE_ZYX, VOXEL_SIZE_ZYX)
    axis = {"flip y": -2, "flip x": -1}.get(turn)

    def turned(volume):
        moved = np.swapaxes(volume, -1, -2) if axis is None else np.flip(volume, axis)
        return np.ascontiguousarray(moved)

    if turn == "swap x and y":
        moved = candidates.assign(x=candidates["y"], y=candidates["x"])
    elif turn == "flip y":
        moved = candidates.assign(y=extent[1] - candidates["y"])
    else:
        moved = candidates.assign(x=extent[0] - candidates["x"])
    turned_maps = replace(
        maps,
        scores_tzyx=turned(maps.scores_tzyx),
    )
    turned_tomogram = replace(tomogram, values_zyx=turned(tomogram.values_zyx))
    assert_same_features(
        extract_features(tomogram, candidates, maps, PARTICLES, SETTINGS),
        extract_features(turned_tomogram, moved, turned_maps, PARTICLES, SETTINGS),
    )


def test_the_runs_name_is_no_feature():
    tomogram, candidates, maps = noisy_run()
    renamed = extract_features(
        replace(tomogram, run="TS_99"), candidates.assign(run="TS_99"), maps, PARTICLES, SETTINGS
    )
    assert_same_features(
        extract_features(tomogram, candidates, maps, PARTICLES, SETTINGS), renamed, rtol=0, atol=0
    )


def test_a_particle_looks_alike_at_its_own_scale_whatever_its_size():
    values = np.zeros((48, 96, 96), dtype=np.float32)
    z, y, x = np.meshgrid(*map(np.arange, values.shape), indexing="ij")
    places = {"small": (24, 24, 24), "large": (24, 60, 60)}
    for particle in PARTICLES:
        at = places[particle.name]
        squared = (z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2
        values -= np.exp(-0.5 * squared * 100 / (0.5 * particle.radius_angstrom) ** 2)
    candidates = candidates_at(
        [np.array(places[name][::-1]) * 10.0 for name in NAMES], NAMES, [0.5, 0.5]
    )
    settings = FeatureSettings(families=("intensity", "gradient", "shape", "symmetry"))
    _, _, maps = noisy_run()
    table = extract_features(
        Tomogram("TS_1", values, VOXEL_SIZE_ZYX), candidates, maps, PARTICLES, settings
    )
    for name in (
        "intensity_shell_0_mean",
        "intensity_contrast",
        "intensity_profile_slope",
        "gradient_laplacian_middle",
        "shape_gyration_radius",
    ):
        small, large = table[name]
        assert small == pytest.approx(large, rel=0.15), name
    assert table["symmetry_radial_share"].min() > 0.9


def test_only_the_chosen_families_are_measured():
    tomogram, candidates, maps = noisy_run()
    settings = FeatureSettings(families=("embedding", "context"))
    table = extract_features(tomogram, candidates, maps, PARTICLES, settings)
    assert list(table.columns) == FEATURES.column_names + feature_names(settings)


def test_maps_in_another_order_of_types_are_read_by_name():
    tomogram, candidates, maps = noisy_run()
    swapped = replace(
        maps,
        scores_tzyx=maps.scores_tzyx[::-1].copy(),
        particle_types=maps.particle_types[::-1],
    )
    table = extract_features(tomogram, candidates, maps, PARTICLES, SETTINGS)
    other = extract_features(tomogram, candidates, swapped, PARTICLES, SETTINGS)
    pd.testing.assert_frame_equal(table, other)


def test_what_does_not_fit_together_is_refused():
    tomogram, candidates, maps = noisy_run()
    with pytest.raises(InputError, match="large are not in the configuration"):
        extract_features(tomogram, candidates, maps, PARTICLES[:1], SETTINGS)
    without = replace(maps, particle_types=("small", "other"))
    with pytest.raises(InputError, match="no map for particle type"):
        extract_features(tomogram, candidates, without, PARTICLES, SETTINGS)
    with pytest.raises(InputError, match=r"run TS_1.*candidates of run TS_2"):
        extract_features(tomogram, candidates.assign(run="TS_2"), maps, PARTICLES, SETTINGS)
    embedding = embedding_of(candidates)
    for other in (embedding.iloc[1:], embedding.drop(columns="fine_small_mean")):
        with pytest.raises(InputError, match="embedding table: it is of other"):
            extract_features(tomogram, candidates, maps, PARTICLES, SETTINGS, other)
    embedding["fine_small_centre"] = np.nan
    with pytest.raises(InputError, match="embedding_fine_small_centre is not finite"):
        extract_features(tomogram, candidates, maps, PARTICLES, SETTINGS, embedding)


def test_the_command_writes_the_tables_of_a_batch(tmp_path, write_kaggle_run):
    tomogram, candidates, maps = noisy_run()
    dataset = tmp_path / "kaggle"
    for split in ("train", "test"):
        write_kaggle_run(dataset, split, "TS_1", tomogram.values_zyx, {"small": [[50, 60, 70]]})
    settings = tmp_path / "config.yaml"
    content = {
        "dataset": str(dataset),
        "particles": [particle.model_dump(mode="json") for particle in PARTICLES],
        "features": SETTINGS.model_dump(mode="json"),
    }
    settings.write_text(yaml.safe_dump(content))
    config = resolve(load_config([settings]))
    copick = tmp_path / "copick"
    picked = PickedFiles(tmp_path / "truth.parquet", tmp_path / "density.json")
    import_kaggle(config, dataset, "train", ["TS_1"], copick / "train.json", picked)

    files = proposal_files(tmp_path, "TS_1")
    CANDIDATES.write(candidates, files["candidates"])
    EMBEDDING.write(embedding_of(candidates), files["embeddings"])
    maps.write(files["score_maps"])
    digests = file_digests(PROPOSAL_FOLDERS, tmp_path, "TS_1")
    left_out = {"TS_2": FailedRun(reason="has no voxels")}
    proposals = tmp_path / "proposals" / "batch0.json"
    BatchRecord(split="train", runs={"TS_1": digests}, failed=left_out).write(proposals)
    record = tmp_path / "features" / "batch0.json"
    arguments = ["--config", str(settings), "--copick", str(copick / "train.json")]
    arguments += ["--proposals", str(proposals), "--runs", "TS_1", "TS_2"]
    structures = {"small": structure_of_blobs(HANDED)}
    write_structures(tmp_path / "structures.npz", structures)
    arguments += ["--results", str(tmp_path), "--structures", str(tmp_path / "structures.npz")]
    arguments += ["--threads", "2"]
    # The run's own fold counts, and an average stands in for a structure that is lacking.
    rod = structure_of_blobs(ROD)
    averages = FoldAverages(
        Folds((("TS_1",), ("TS_3",))),
        {"0": {"small": rod, "large": rod}, "1": {"large": structures["small"]}},
    )
    averages.write(tmp_path / "averages.npz")
    averages.folds.write(tmp_path / "folds.json")
    arguments += ["--averages", str(tmp_path / "averages.npz"), str(tmp_path / "folds.json")]
    extract.main([*arguments, "--record", str(record)])

    assert list(BatchRecord.read(record).runs) == ["TS_1"]
    table = FEATURES.read(feature_file(tmp_path, "TS_1"))
    assert list(table.columns) == FEATURES.column_names + feature_names()
    kept = ScoreMaps.read(files["score_maps"])
    voxel_size = np.full(3, 10.012444)
    expected = extract_features(
        replace(tomogram, voxel_size_zyx_angstrom=voxel_size),
        candidates,
        kept,
        PARTICLES,
        SETTINGS,
        structures={**structures, "large": rod},
        averages={"small": rod, "large": rod},
    )
    assert_same_features(table, expected, rtol=1e-4, atol=1e-4)
    assert (table["templates_small_best"] > 0).all()
    assert (table["templates_large_best"] > 0).all()
    assert (table["averages_own_best"] > 0).all()
