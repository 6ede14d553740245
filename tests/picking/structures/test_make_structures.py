"""Which structure a particle type gets, and the file of all of them."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from picking.config import CZII_PARTICLES, ParticleType, PipelineConfig
from picking.data_in.inventory import resolve
from picking.structures.make_structures import find_structures, main, molecule_structure
from picking.structures.structure_file import read_structures
from picking.synthetic.molecules import labelled_molecules
from tests.picking.structures.test_read_structure import map_of_ends, write_mrc


def of_types(*types: ParticleType) -> PipelineConfig:
    return resolve(PipelineConfig(particles=types))


def test_the_users_file_comes_before_copicks_map_and_that_before_the_model(
    tmp_path: Path, project, write_map, density_zyx
):
    path = write_mrc(tmp_path / "mine.mrc", map_of_ends(10), 10.0)
    own = {"structure": path}
    sources = {}
    for step in ("nothing", "copick", "own file"):
        if step == "copick":
            write_map("ribosome", density_zyx, 8.0)
            write_map("mine", density_zyx, 8.0)
        given = own if step == "own file" else {}
        config = of_types(
            ParticleType(name="ribosome", radius_angstrom=150, **given),
            ParticleType(name="mine", radius_angstrom=50, **given),
        )
        found = find_structures(config, project)
        sources[step] = {name: structure for name, (structure, _) in found.items()}
    assert list(sources["nothing"]) == ["ribosome"]
    expected = molecule_structure("ribosome").density_zyx
    np.testing.assert_array_equal(sources["nothing"]["ribosome"].density_zyx, expected)
    for name in ("ribosome", "mine"):
        assert sources["copick"][name].voxel_size_angstrom == pytest.approx(8)
        assert sources["own file"][name].voxel_size_angstrom == pytest.approx(10)


def test_without_a_project_there_are_the_six_models_alone():
    found = find_structures(of_types(*CZII_PARTICLES, ParticleType(name="mine", radius_angstrom=9)))
    assert list(found) == [particle.name for particle in CZII_PARTICLES]


@pytest.mark.parametrize("name", [particle.name for particle in CZII_PARTICLES])
def test_a_model_is_as_large_as_its_particle(name: str):
    radius = molecule_structure(name).radius_angstrom
    beads = labelled_molecules()[name].beads_xyz_angstrom
    farthest = np.linalg.norm(beads - beads.mean(axis=0), axis=1).max()
    assert 0.6 * farthest < radius < farthest + 15


def test_the_command_writes_the_structures_and_says_where_each_is_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = write_mrc(tmp_path / "mine.mrc", map_of_ends(10), 10.0)
    types = [
        {"name": "ribosome", "radius_angstrom": 150},
        {"name": "mine", "radius_angstrom": 50, "structure": str(path)},
        {"name": "unknown", "radius_angstrom": 50},
    ]
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"name": "x", "particles": types}))
    output = tmp_path / "structures.npz"
    main(["--config", str(config), "--output", str(output)])
    assert list(read_structures(output)) == ["ribosome", "mine"]
    said = dict(re.findall(r"structure of (\S+): (.*)", capsys.readouterr().err))
    assert said["ribosome"] == "this project's model"
    assert said["mine"] == str(path)
    assert said["unknown"].startswith("none")
