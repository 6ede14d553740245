"""The data sets for Kaggle, as far as no package index is needed; test_offline.py has the rest."""

import runpy
import zipfile
from pathlib import Path

import pytest

from picking.errors import InputError
from tests.picking.workflow.test_picking_plan import write_manifest
from tests.workflow_runs import REPOSITORY

# By its path: `kaggle` is also the name of Kaggle's own package.
BUILD = runpy.run_path(str(REPOSITORY / "kaggle" / "build_datasets.py"))
METADATA = """Metadata-Version: 2.4
Name: Some-Package
Version: 1
Requires-Dist: NumPy>=2
Requires-Dist: requests[socks]
Requires-Dist: tomli; python_version < "3.11"
Requires-Dist: audioop-lts; python_version >= "3.13"
Requires-Dist: pytest; extra == "test"
"""


@pytest.fixture
def wheels(tmp_path: Path) -> dict[str, Path]:
    path = tmp_path / "some_package-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(
            "some_package/_vendor/other-2.dist-info/METADATA", f"{METADATA}Requires-Dist: six"
        )
        wheel.writestr("some_package-1.dist-info/METADATA", METADATA)
    return {"some-package": path}


@pytest.mark.parametrize(
    ("python_version", "extra", "more"),
    [
        ("3.12", "", set()),
        ("3.13", "", {"audioop-lts"}),
        ("3.10", "", {"tomli"}),
        ("3.12", "test", {"pytest"}),
    ],
)
def test_what_a_package_needs_is_that_of_the_notebooks_python(
    wheels: dict[str, Path], python_version: str, extra: str, more: set[str]
) -> None:
    wanted = BUILD["Wanted"]
    needs = set(BUILD["needs"](wheels, wanted("some-package", extra), python_version))
    always = {wanted("numpy"), wanted("requests"), wanted("requests", "socks")}
    assert needs == always | {wanted(package) for package in more}


@pytest.mark.parametrize("there", ["tomosieve-wheels", "tomosieve-bundle"])
def test_a_data_set_that_is_there_is_not_touched(tmp_path: Path, there: str) -> None:
    bundle = write_manifest(tmp_path / "bundle")
    (tmp_path / "out" / there).mkdir(parents=True)
    with pytest.raises(InputError, match="is there already"):
        BUILD["build_datasets"](bundle, tmp_path / "out", "somebody")
    assert [path.name for path in (tmp_path / "out").rglob("*")] == [there]


def test_a_damaged_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="copy the bundle again"):
        BUILD["build_datasets"](write_manifest(tmp_path / "bundle"), tmp_path / "out", "somebody")
