"""Make the two data sets that kaggle/submission.ipynb picks with, where there is no network.

FOLDER/tomosieve-wheels: `source/`, what Snakemake runs of this checkout, and `wheels/`, tomosieve
and all that it needs at run time at the versions of constraints.txt. What --without names, and what
only that needs, is left to the image of the notebook.

FOLDER/tomosieve-bundle: `bundle/`, the models.

Both are ready for `kaggle datasets create --path FOLDER/... --dir-mode zip`. pip has to reach a
package index, and this machine has to be as the notebook's: Linux, x86-64.
"""

import email
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

# Python searches this folder first, and finds other files there.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from picking.bundle.manifest import MANIFEST_NAME
from picking.bundle.open_bundle import open_bundle
from picking.command_line import command_parser, run_command
from picking.errors import InputError

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECT = "tomosieve"
WHEELS, BUNDLE = f"{PROJECT}-wheels", f"{PROJECT}-bundle"
# What a workflow reads of a checkout beside the rooms, and what a wheel is made from.
OF_WORKFLOW = ("Snakefile", "config", "profiles", "docs/captions")
OF_WHEEL = ("pyproject.toml", "README.md", "LICENSE")
NOT_SOURCE = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
# Not that of a package which the wheel has packed into its own.
METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
# What fits the image's graphics driver is there, and takes gigabytes.
IN_THE_IMAGE = ("torch", "torchvision")
THIS_PYTHON = ".".join(platform.python_version_tuple()[:2])
PIN = re.compile(r"^([\w.-]+)==(\S+)$", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Wanted:
    """A package, or with ``extra`` what an extra of it adds."""

    package: str
    extra: str = ""


def build_datasets(
    bundle: Path,
    folder: Path,
    user: str,
    python_version: str = THIS_PYTHON,
    without: Collection[str] = IN_THE_IMAGE,
) -> None:
    """Write both data sets.

    Parameters
    ----------
    bundle : Path
        Model bundle, a folder or a zip file.
    folder : Path
        Where they are made; it must not hold them yet.
    user : str
        Name of the Kaggle account that they are going to belong to.
    python_version : str
        The notebook's Python, such as 3.12.
    without : collection of str
        Packages that the notebook's image has.

    Raises
    ------
    InputError
        If a data set is there already, the bundle cannot be read, or pip fails.
    """
    for name in (WHEELS, BUNDLE):
        if (folder / name).exists():
            raise InputError(folder / name, "is there already", "remove it, or give another folder")
    copy_bundle(bundle, folder / BUNDLE / "bundle")
    copy_source(folder / WHEELS / "source")
    collect_wheels(folder / WHEELS / "source", folder / WHEELS / "wheels", python_version, without)
    for name in (WHEELS, BUNDLE):
        metadata = {"title": name, "id": f"{user}/{name}", "licenses": [{"name": "other"}]}
        (folder / name / "dataset-metadata.json").write_text(json.dumps(metadata, indent=2) + "\n")


def copy_bundle(path: Path, target: Path) -> None:
    """Copy a bundle, checked, as a folder."""
    with open_bundle(path) as bundle:
        for name in bundle.manifest.files:
            bundle.copy(name, target / name)
        bundle.manifest.write(target / MANIFEST_NAME)


def copy_source(target: Path) -> None:
    """Copy what Snakemake runs of this checkout."""
    rooms = [rules.parent.name for rules in CHECKOUT.glob("*/rules.smk")]
    for name in (*rooms, *OF_WORKFLOW, *OF_WHEEL):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, target / name, ignore=NOT_SOURCE)
        else:
            shutil.copy(CHECKOUT / name, target / name)


def collect_wheels(
    source: Path, wheels: Path, python_version: str, without: Collection[str]
) -> None:
    """Build the project's wheel, and collect those that it needs, from package to package.

    The versions are pinned already, so that nothing has to be resolved, and what is left out is not
    even downloaded.
    """
    pins = {
        str(canonicalize_name(name)): version
        for name, version in PIN.findall((CHECKOUT / "constraints.txt").read_text("utf-8"))
    }
    left_out = {canonicalize_name(name) for name in without}
    with tempfile.TemporaryDirectory() as copy:  # setuptools writes into what it builds
        project = shutil.copytree(source, Path(copy) / PROJECT)
        _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(project))
    done: set[Wanted] = set()
    todo = {Wanted(PROJECT)}
    while todo:
        there = _by_package(wheels)
        missing = {wanted.package for wanted in todo} - set(there)
        if unpinned := missing - set(pins):
            raise InputError(
                CHECKOUT / "constraints.txt",
                f"lacks {', '.join(sorted(unpinned))}",
                "add the version that was tested",
            )
        _fetch([f"{name}=={pins[name]}" for name in sorted(missing)], wheels, python_version)
        there = _by_package(wheels)
        done |= todo
        found = {need for wanted in todo for need in needs(there, wanted, python_version)}
        todo = {need for need in found - done if need.package not in left_out}


def _by_package(wheels: Path) -> dict[str, Path]:
    return {str(parse_wheel_filename(path.name)[0]): path for path in wheels.glob("*.whl")}


def needs(wheels: Mapping[str, Path], wanted: Wanted, python_version: str) -> Iterator[Wanted]:
    """Read from the wheel of a package what it needs on a Python of that version."""
    with zipfile.ZipFile(wheels[wanted.package]) as wheel:
        (name,) = filter(METADATA.fullmatch, wheel.namelist())
        metadata = email.message_from_bytes(wheel.read(name))
    environment = {
        "extra": wanted.extra,
        "python_version": python_version,
        "python_full_version": f"{python_version}.0",
    }
    for line in metadata.get_all("Requires-Dist", []):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            package = canonicalize_name(requirement.name)
            yield Wanted(package)
            yield from (Wanted(package, extra) for extra in requirement.extras)


def _fetch(pins: Sequence[str], wheels: Path, python_version: str) -> None:
    """Add wheels, made from the source where the index has no others."""
    if not pins:
        return
    if python_version == THIS_PYTHON:
        _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), *pins)
        return
    with tempfile.TemporaryDirectory() as folder:
        _pip("wheel", "--no-deps", "--wheel-dir", folder, *pins)
        compiled = []
        for path in Path(folder).glob("*.whl"):
            name, version, _, tags = parse_wheel_filename(path.name)
            if all(tag.platform == "any" for tag in tags):
                shutil.move(path, wheels)
            else:
                compiled.append(f"{name}=={version}")
    if compiled:
        _pip(
            "download", "--no-deps", "--only-binary=:all:", "--python-version", python_version,
            "--dest", str(wheels), *compiled,
        )  # fmt: skip


def _pip(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=False)
    if done.returncode:
        raise InputError(
            f"pip {arguments[0]}", "failed, as it says above", "see whether it reaches its index"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__, with_config=False)
    parser.add_argument("bundle", type=Path, help="model bundle, a folder or a zip file")
    parser.add_argument("--output", type=Path, required=True, help="folder for the data sets")
    parser.add_argument("--user", required=True, help="name of your Kaggle account")
    parser.add_argument(
        "--python-version",
        default=THIS_PYTHON,
        help="Python of the notebook, as its `python --version` says: 3.12; default: this one",
    )
    parser.add_argument(
        "--without",
        nargs="*",
        default=IN_THE_IMAGE,
        metavar="PACKAGE",
        help="packages that the notebook's image has; default: torch torchvision; none: all are "
        "taken along",
    )
    arguments = parser.parse_args(argv)
    build_datasets(
        arguments.bundle,
        arguments.output,
        arguments.user,
        arguments.python_version,
        arguments.without,
    )


if __name__ == "__main__":
    run_command(main)
