"""Density maps as copick itself writes them; the project is left as it was."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from picking.errors import InputError
from picking.structures.copick_structure import copick_structure
from picking.structures.structure import centred


def files_in(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.mark.parametrize("root", ["overlay", "static"])
def test_the_map_of_an_object_is_read_from_either_root(project, write_map, density_zyx, root):
    write_map("mine", density_zyx, 8.0, root)
    before = files_in(project.parent)
    structure = copick_structure(project, "mine")
    assert structure is not None
    assert structure.voxel_size_angstrom == pytest.approx(8.0)
    np.testing.assert_allclose(
        structure.density_zyx, centred(density_zyx, 8.0).density_zyx, atol=1e-6
    )
    assert files_in(project.parent) == before


@pytest.mark.parametrize("name", ["mine", "membrane", "nobody"])
@pytest.mark.parametrize("is_read_only", [False, True])
def test_an_object_without_a_map_has_no_structure_and_is_given_none(project, name, is_read_only):
    """copick would make a folder for a map that is yet to come."""
    before = files_in(project.parent)
    overlay = project.parent / "overlay"
    if is_read_only:
        overlay.chmod(0o555)
    try:
        assert copick_structure(project, name) is None
    finally:
        overlay.chmod(0o755)
    assert files_in(project.parent) == before


def test_the_objects_own_threshold_says_what_is_empty(project, write_map, density_zyx):
    write_map("mine", density_zyx, 8.0)
    content = json.loads(project.read_text())
    content["pickable_objects"][0]["map_threshold"] = 1.5
    project.write_text(json.dumps(content))
    structure = copick_structure(project, "mine")
    expected = centred(np.where(density_zyx > 1.5, density_zyx, 0), 8.0)
    np.testing.assert_allclose(structure.density_zyx, expected.density_zyx, atol=1e-6)


def test_a_map_that_cannot_be_used_is_named_with_its_object(project, write_map, density_zyx):
    write_map("mine", -density_zyx, 8.0)
    with pytest.raises(InputError, match="density map of mine: holds no density"):
        copick_structure(project, "mine")
    store = project.parent / "overlay" / "Objects" / "mine.zarr"
    (store / ".zattrs").write_text("{}")
    with pytest.raises(InputError, match="density map of mine: is not an OME-Zarr map"):
        copick_structure(project, "mine")
    shutil.rmtree(store)
    store.mkdir()
    assert copick_structure(project, "mine") is None
