"""Kaggle's road from a checkout and a bundle to a submission, the network cut: minutes, on demand.

    TOMOSIEVE_KAGGLE=light pytest tests/kaggle/test_offline.py
    TOMOSIEVE_KAGGLE=full pytest tests/kaggle/test_offline.py

The image of the notebook is a new virtual environment. `light` puts this environment's torch into
it, as Kaggle's image has one, and the wheels leave it out. `full` leaves the image empty and takes
torch along (gigabytes). pip has to reach an index while the wheels are collected.

The reduced job is trained for it, unless TOMOSIEVE_SMALL is a folder in which `snakemake submission
bundle --configfile config/small.yaml` has run.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.kaggle.notebook_runs import cells, run_cells
from tests.workflow_runs import REPOSITORY, snakemake

VARIANT = os.environ.get("TOMOSIEVE_KAGGLE", "")
LEFT_OUT = {"light": ("torch", "torchvision"), "full": ()}
CUT = ("unshare", "--map-root-user", "--net")
# Prints what a connection would say, and fails if there could be one.
NO_NETWORK = """import socket
assert [name for _, name in socket.if_nameindex()] == ["lo"], "the network is not cut"
"""

pytestmark = pytest.mark.skipif(
    VARIANT not in LEFT_OUT, reason="takes minutes and a package index: TOMOSIEVE_KAGGLE=light"
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the reduced job has run."""
    if given := os.environ.get("TOMOSIEVE_SMALL"):
        return Path(given).resolve()
    folder = tmp_path_factory.mktemp("small")
    done = snakemake(
        REPOSITORY, "submission", "bundle", "--configfile", "config/small.yaml",
        "--directory", str(folder),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def attached(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Kaggle shows below its input folder, where it has them lately."""
    folder = tmp_path_factory.mktemp("input")
    bundle = small / "results" / "small" / "bundle.zip"
    subprocess.run(
        [
            sys.executable, REPOSITORY / "kaggle" / "build_datasets.py",
            bundle, "--output", folder / "datasets" / "somebody", "--user", "somebody",
            "--without", *LEFT_OUT[VARIANT],
        ],
        check=True,
    )  # fmt: skip
    (folder / "competitions").mkdir()
    (folder / "competitions" / "czii-cryo-et-object-identification").symlink_to(
        small / "data" / "synthetic-small"
    )
    return folder


@pytest.fixture(scope="module")
def image(attached: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a new environment, with pip and what the wheels leave to it, nothing else."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    wheels = (attached / "datasets" / "somebody" / "tomosieve-wheels" / "wheels").glob("*.whl")
    taken_along = {parse_wheel_filename(wheel.name)[0] for wheel in wheels}
    for path in installed_files(set(LEFT_OUT[VARIANT]), taken_along):
        if not (packages / path.name).exists():
            (packages / path.name).symlink_to(path)
    return folder / "bin" / "python"


def installed_files(wanted: set[str], there: set[str]) -> set[Path]:
    """Files and folders in site-packages of packages and of what they need, but what is there."""
    found: set[Path] = set()
    done: set[str] = set(there)
    while wanted:
        package = wanted.pop()
        done.add(package)
        distribution = importlib.metadata.distribution(package)
        for file in distribution.files or ():
            if file.parts[0] not in ("..", "__pycache__"):
                found.add(Path(str(distribution.locate_file(file.parts[0]))))
        for requirement in map(Requirement, distribution.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted |= {canonicalize_name(requirement.name)} - done
    return found


def test_the_notebook_picks_as_the_training_did(
    small: Path, attached: Path, image: Path, tmp_path: Path
) -> None:
    if shutil.which("unshare") is None or subprocess.run([*CUT, "true"], check=False).returncode:
        pytest.skip("this machine does not let us cut the network (unshare --map-root-user --net)")
    working, scratch = tmp_path / "working", tmp_path / "temp"
    working.mkdir()
    scratch.mkdir()
    environment = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "KAGGLE_INPUT": str(attached),
        "KAGGLE_WORKING": str(working),
        "KAGGLE_SCRATCH": str(scratch),
    }
    done = run_cells([NO_NETWORK, *cells().values()], environment, image, CUT)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    expected = (small / "results" / "small" / "submission.csv").read_bytes()
    assert (working / "submission.csv").read_bytes() == expected
    assert (working / "failed_runs.csv").read_text().splitlines() == ["run,stage,reason"]
    assert (working / "picks_report.html").exists()
