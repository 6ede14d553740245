"""The tutorial's project: a copick project like a user's, with the truth of its test runs."""

from pathlib import Path

import copick
import pandas as pd
import pytest

from picking.errors import InputError
from picking.synthetic.invented_species import INVENTED_PARTICLES, annulin, bilobin
from picking.synthetic.make_invented_project import make_invented_project

TYPES = {particle.name for particle in INVENTED_PARTICLES}


def test_a_project_is_copicks_and_is_never_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    make_invented_project(folder, 1, 1, (48, 64, 64), seed=3)
    project = copick.from_file(str(folder / "copick.json"))
    assert {item.name: item.radius for item in project.pickable_objects} == {
        "annulin": 80,
        "bilobin": 100,
    }
    picked, new = (project.get_run(name) for name in ("picked_1", "new_1"))
    assert {picks.pickable_object_name for picks in picked.picks} == TYPES
    assert new.picks == []
    for run in (picked, new):
        (tomogram,) = run.get_voxel_spacing(10.0).get_tomograms("denoised")
        assert tomogram.numpy().shape == (48, 64, 64)
    assert set(pd.read_csv(folder / "truth.csv")["experiment"]) <= {"new_1"}
    with pytest.raises(InputError, match="is there already"):
        make_invented_project(folder, 1, 1, (48, 64, 64), seed=3)


def test_molecules_are_as_large_as_the_project_says() -> None:
    for molecule, particle in zip((annulin(), bilobin()), INVENTED_PARTICLES, strict=True):
        assert molecule.name == particle.name
        assert molecule.radius_angstrom == pytest.approx(particle.radius_angstrom, rel=0.1)
