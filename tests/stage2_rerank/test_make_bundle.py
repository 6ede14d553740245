"""A bundle holds what its result holds, and gives it back unchanged."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from picking.bundle.open_bundle import read_manifest
from picking.bundle.take_bundle import take_bundle
from picking.data_in.import_check import ImportCheck
from picking.errors import InputError
from picking.files.picks_density import PicksDensity, RunPicks
from picking.files.precision import Precision
from picking.structures.structure import Structure
from picking.structures.structure_file import read_structures, write_structures
from stage2_rerank.make_bundle import main

MEMBER = "resnet18-seed0"
STRUCTURE = Structure(np.ones((3, 3, 3), dtype=np.float32), 5.0)


@pytest.fixture(scope="module")
def bundled(pipeline, tmp_path_factory):
    """A result with all that a bundle takes, and its bundle."""
    results = pipeline.folder
    pipeline.report()
    folds = json.loads(pipeline.path("folds.json").read_text())["folds"]
    for fold in range(len(folds)):
        weights = results / "stage1" / MEMBER / f"fold{fold}" / "weights.safetensors"
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"weights %d" % fold)
    runs = {
        run: RunPicks(picks={"ribosome": 3}, volume_cubic_angstrom=1e9)
        for fold in folds
        for run in fold
    }
    PicksDensity(runs=runs).write(results / "picks_density.json")
    (results / "training_summary.json").write_text("{}")
    Precision(precision="float32").write(results / "stage1" / "precision.json")
    write_structures(results / "structures.npz", {"ribosome": STRUCTURE})
    write_structures(results / "learnt_averages.npz", {"all/ribosome": STRUCTURE})
    folder = tmp_path_factory.mktemp("bundle")
    particles = [
        particle.model_dump(mode="json") | {"structure": "/home/somebody/own.mrc"}
        for particle in pipeline.config.known_particles
    ]
    mine = {"tomograms": "/home/somebody/tomograms", "picks": "/home/somebody/p.star"}
    mine |= {"masks": "/home/somebody/masks"}
    mine |= {"mrc": {"tomogram_numbers": "/home/somebody/t.doc"}}
    mine |= {"final_picks": {"user_id": "somebody"}}
    mine |= {"stage1_proposals": {"start": "/home/somebody/weights.safetensors"}}
    (folder / "structures.yaml").write_text(yaml.safe_dump({"particles": particles, **mine}))
    ImportCheck(
        is_inverted=True, picks=40, sigmas=1.0, standard_errors=6.0, likely_mistake=None
    ).write(results / "import_check.json")
    main(arguments_of(pipeline, folder))
    return folder


def arguments_of(pipeline, folder: Path) -> list[str]:
    settings = [str(pipeline.config_path), str(folder / "structures.yaml")]
    arguments = ["--config", *settings, "--results", str(pipeline.folder)]
    arguments += ["--members", MEMBER, "--data", "simulated candidates"]
    return [*arguments, "--folder", str(folder / "bundle"), "--zip", str(folder / "bundle.zip")]


def test_it_says_what_it_is(bundled: Path, pipeline) -> None:
    manifest = read_manifest(bundled / "bundle.zip")
    assert manifest.members == (MEMBER,)
    assert manifest.config.known_particles == pipeline.config.known_particles
    assert manifest.config.dataset is None
    # How the tomograms were read, but nobody's paths.
    assert manifest.config.mrc.invert_contrast is True
    assert "somebody" not in manifest.model_dump_json()
    report = json.loads(pipeline.path("cv_report.json").read_text())["two_stage"]
    assert manifest.score == report["score"]
    for name, scores in manifest.types.items():
        assert scores.recall == report["per_type"][name]["recall"]
    card = (bundled / "bundle" / "README.md").read_text()
    assert "simulated candidates" in card
    assert all(particle.name in card for particle in pipeline.config.known_particles)
    assert f"{manifest.score:.3f}" in card


def test_it_holds_the_structures_and_nothing_of_its_maker(bundled: Path, tmp_path: Path) -> None:
    take_bundle(bundled / "bundle", tmp_path)
    (structure,) = read_structures(tmp_path / "structures.npz").values()
    np.testing.assert_array_equal(structure.density_zyx, STRUCTURE.density_zyx)
    assert "somebody" not in (bundled / "bundle" / "manifest.json").read_text()


def test_it_holds_the_averages_that_candidates_are_compared_with(
    bundled: Path, pipeline, tmp_path: Path
) -> None:
    assert read_manifest(bundled / "bundle").has_averages
    take_bundle(bundled / "bundle", tmp_path / "taken")
    assert list(read_structures(tmp_path / "taken" / "learnt_averages.npz")) == ["all/ribosome"]

    # Of types with structures nothing is averaged, unless they are a family of their own.
    content = yaml.safe_load((bundled / "structures.yaml").read_text())
    families = [one for one in pipeline.config.features.families if one != "averages"]
    content["features"] = {"families": families}
    (tmp_path / "structures.yaml").write_text(yaml.safe_dump(content))
    main(arguments_of(pipeline, tmp_path))
    assert not read_manifest(tmp_path / "bundle.zip").has_averages


@pytest.mark.parametrize("kind", ["bundle", "bundle.zip"])
def test_every_file_comes_back_as_it_was(
    bundled: Path, pipeline, tmp_path: Path, kind: str
) -> None:
    take_bundle(bundled / kind, tmp_path)
    names = read_manifest(bundled / kind).result_files
    assert {f"stage2/{name}.bag1.txt" for name in pipeline.types} < set(names)
    for name in names:
        assert (tmp_path / name).read_bytes() == pipeline.path(name).read_bytes()
    taken = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert taken == set(names)


def test_a_changed_file_is_refused_by_name(bundled: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(bundled / "bundle.zip") as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, content[::-1] if name == "thresholds.json" else content)
    with pytest.raises(InputError, match=r"thresholds\.json: is not the file that the manifest"):
        take_bundle(changed, tmp_path / "results")
    assert not (tmp_path / "results" / "thresholds.json").exists()
