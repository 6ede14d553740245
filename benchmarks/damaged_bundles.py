"""Damaged model bundles, for damaged_inputs.py: folders and zip files, by accident and by intent.

Each case makes a small valid bundle, damages what is in it or how it is packed, and takes it as
picking does. If it is taken, its files have to be what its manifest lists; whether it is or not,
nothing may be written outside the result, and no more bytes than the manifest announces.
"""

import hashlib
import json
import os
import random
import re
import resource
import stat
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.damaged_json import damaged, damaged_text
from picking.bundle.manifest import CARD_NAME, MANIFEST_NAME, BundleManifest, result_files
from picking.bundle.open_bundle import read_manifest
from picking.bundle.take_bundle import take_bundle
from picking.config import PipelineConfig
from picking.workflow.make_plan import make_plan
from picking.workflow.settings_sections import RESULT_SECTIONS, section_text

MEMBER = "resnet18-w8-seed0"
PARTICLE = "ribosome"
# Names that would lead out of the result, or that no file can have; {} is the case's folder.
BAD_NAMES = (
    "../x", "../../../../x", "{}/absolute", "a/../../../../../x", "..", ".", "", "a\x00b", "a\nb",
    "x" * 300, "x" * 5000, "~", "$HOME", "a\\..\\b", "C:x", "-x", "日本", "a b", "\x1b[2J", "a/b/c",
)  # fmt: skip
NUMBERS = (0, -1, 10**5, 10**9, 10**18, 10**30, 1.5, "2", None, True)
BOMB_BYTES = 64 * 2**20
DUPLICATE_SHARE = 0.03
LARGEST_LIMIT = 2**40


@dataclass
class Made:
    """What a bundle is made of, before it is packed."""

    folder: Path
    manifest: Any
    files: dict[str, bytes]
    manifest_text: bytes | None = None  # instead of the manifest, if it is no JSON any more
    odd_entries: dict[str, str] = field(default_factory=dict)  # what some files are instead

    def packed(self) -> dict[str, bytes]:
        """List all files, the manifest first."""
        text = self.manifest_text
        if text is None:
            text = json.dumps(self.manifest).encode()
        return {MANIFEST_NAME: text, **self.files}


def valid_bundle(folder: Path) -> Made:
    """Make a small bundle; what its files hold does not matter for taking it."""
    config = PipelineConfig.model_validate(
        {
            "particles": [{"name": PARTICLE, "label": 1, "radius_angstrom": 150}],
            "stage2_rerank": {"classifier": {"bags": 2}},
        }
    )
    names = (*result_files(config, (MEMBER,), 2, config.needs_averages), CARD_NAME)
    files = {name: (name * 20).encode() for name in names}
    score = {
        "fbeta": 0.8,
        "fbeta_interval_95": (0.7, 0.9),
        "precision": 0.5,
        "recall": 0.9,
        "references": 9,
    }
    manifest = BundleManifest.model_validate(
        {
            "format": 2,
            "made_by": {"tomosieve": "0.1.0"},
            "made_at": "2025-01-01T00:00:00+00:00",
            "data": "nothing",
            "config": config,
            "precision": "float32",
            "members": (MEMBER,),
            "folds": 2,
            "training_runs": ("TS_1", "TS_2"),
            "score": 0.8,
            "types": {PARTICLE: score},
            "files": {name: announced(content) for name, content in files.items()},
        }
    )
    return Made(folder, manifest.model_dump(mode="json"), files)


def announced(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def junk_in_manifest(made: Made, rng: random.Random) -> None:
    made.manifest_text = damaged_text(made.manifest, rng)


def junk_in_a_value(made: Made, rng: random.Random) -> None:
    """Damage one value alone, deep in the manifest, so that it is often read."""
    key = rng.choice(["config", "config", "made_by", "types", "data", "training_runs", "files"])
    made.manifest[key] = damaged(made.manifest[key], rng)


def bad_name(made: Made, rng: random.Random) -> None:
    """Rename a member or a type, in all places, so that only its name is wrong."""
    old = rng.choice([MEMBER, PARTICLE])
    new = rng.choice(BAD_NAMES).format(made.folder)
    made.files = {name.replace(old, new): content for name, content in made.files.items()}
    listed = made.manifest["files"]
    made.manifest["files"] = {name.replace(old, new): item for name, item in listed.items()}
    if old == MEMBER:
        made.manifest["members"] = [new]
    else:
        made.manifest["config"]["particles"][0]["name"] = new
        made.manifest["config"]["scoring"]["weights"] = {}


def bad_path(made: Made, rng: random.Random) -> None:
    """List a file by a path that leads elsewhere, instead of one that is asked for or beside it."""
    name = rng.choice(list(made.files))
    new = rng.choice(["../" + name, "/" + name, *(bad.format(made.folder) for bad in BAD_NAMES)])
    made.files[new] = made.files[name]
    made.manifest["files"][new] = made.manifest["files"][name]
    if rng.random() < 0.5:
        del made.manifest["files"][name]


def bad_tomo_type(made: Made, rng: random.Random) -> None:
    made.manifest["config"]["tomo_type"] = rng.choice(BAD_NAMES).format(made.folder)


def bad_number(made: Made, rng: random.Random) -> None:
    value = rng.choice(NUMBERS)
    place = rng.randrange(5)
    if place == 0:
        made.manifest["folds"] = value
    elif place == 1:
        made.manifest["config"]["stage2_rerank"]["classifier"]["bags"] = value
    elif place == 2:
        made.manifest["members"] = [f"m-seed{seed}" for seed in range(20_000)]
        made.manifest["folds"] = 1000
    elif place == 3:
        made.manifest["format"] = value
    else:
        made.manifest["config"]["voxel_spacing"] = value


def wrong_checksum(made: Made, rng: random.Random) -> None:
    item = made.manifest["files"][rng.choice(list(made.files))]
    digest = item["sha256"]
    item["sha256"] = rng.choice([digest[::-1], digest.upper(), digest[:-1], digest + "\n", ""])


def wrong_size(made: Made, rng: random.Random) -> None:
    item = made.manifest["files"][rng.choice(list(made.files))]
    item["bytes"] = rng.choice(
        [0, -1, 1, item["bytes"] - 1, item["bytes"] + 1, 2**31, 2**62, 1e300]
    )


def other_content(made: Made, rng: random.Random) -> None:
    name = rng.choice(list(made.files))
    content = made.files[name]
    place = rng.randrange(len(content))
    made.files[name] = rng.choice(
        [
            content[:place],
            content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
            content + rng.randbytes(rng.randint(1, 5000)),
            b"",
        ]
    )


def lost_file(made: Made, rng: random.Random) -> None:
    del made.files[rng.choice(list(made.files))]


def added_file(made: Made, rng: random.Random) -> None:
    """Pack a file that nobody asks for; a bundle with one is good."""
    name = rng.choice(["more.txt", "stage2/x.pkl", "../outside.txt", "/outside.txt"])
    made.files[name] = b"more"
    if rng.random() < 0.3:
        made.manifest["files"][name] = announced(b"more")


def bomb(made: Made, rng: random.Random) -> None:
    """Make a file far larger than the manifest announces; it shrinks well."""
    name = rng.choice(list(made.files))
    made.files[name] = bytes(BOMB_BYTES)


def odd_entry(made: Made, rng: random.Random) -> None:
    name = rng.choice([MANIFEST_NAME, *made.files])
    made.odd_entries[name] = rng.choice(["folder", "pipe", "loop", "device", "link", "dangling"])


# Those that are listed more than once are drawn more often: they have more kinds of their own.
CONTENT_DAMAGES: tuple[Callable[[Made, random.Random], None], ...] = (
    junk_in_manifest, junk_in_a_value, junk_in_a_value, bad_name, bad_name, bad_name, bad_path,
    bad_tomo_type, bad_number, wrong_checksum, wrong_size, other_content, lost_file, added_file,
    odd_entry,
)  # fmt: skip
# Rarely: it takes a while.
BOMB_SHARE = 0.01


def damage_content(made: Made, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 1, 1, 2])):
        try:
            rng.choice(CONTENT_DAMAGES)(made, rng)
        except (KeyError, TypeError, IndexError, AttributeError):
            continue  # the first damage has removed what the second wants
    if rng.random() < BOMB_SHARE:
        bomb(made, rng)


def write_folder(made: Made, bundle: Path) -> None:
    for name, content in made.packed().items():
        path = bundle / name
        # What leads out of the case's folder is not ours to write; a bundle needs not hold it.
        if not Path(os.path.normpath(path)).is_relative_to(made.folder):
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_dir():
                path.write_bytes(content)
        except (OSError, ValueError):
            continue  # no file can have that name
        write_odd_entry(path, made.odd_entries.get(name))


def write_odd_entry(path: Path, kind: str | None) -> None:
    """Put something else in a file's place."""
    if kind is None or not path.is_file():
        return
    content = path.read_bytes()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":  # to the same content, which is as good
        path.with_name("elsewhere").write_bytes(content)
        path.symlink_to("elsewhere")
    else:
        path.symlink_to({"loop": path.name, "device": "/dev/zero", "dangling": "nothing"}[kind])


def write_zip(made: Made, path: Path, rng: random.Random) -> None:
    method = rng.choices(
        [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
        weights=[12, 4, 1, 1],
    )[0]
    with (
        # Duplicates are meant; a name also ends where it holds a NUL.
        warnings.catch_warnings(action="ignore", category=UserWarning),
        zipfile.ZipFile(path, "w", method) as archive,
    ):
        for name, content in made.packed().items():
            entry = zipfile.ZipInfo(name or "-")
            entry.compress_type = method
            kind = made.odd_entries.get(name)
            if kind == "folder":
                entry.filename += "/"
            elif kind is not None:
                form = stat.S_IFIFO if kind == "pipe" else stat.S_IFLNK
                entry.external_attr = (form | 0o777) << 16
                content = content if kind == "pipe" else b"/etc/passwd"
            if rng.random() < DUPLICATE_SHARE:
                archive.writestr(entry.filename, rng.choice([content, b"other", b""]))
            archive.writestr(entry, content)


def damage_archive(content: bytes, rng: random.Random) -> bytes:
    """Flip bytes, cut, or rewrite a field of a header of an archive."""
    changed = bytearray(content)
    kind = rng.random()
    if kind < 0.25:
        return content[: rng.randrange(len(content))]
    if kind < 0.35:
        return rng.randbytes(rng.randrange(30)) + content
    if kind < 0.6:
        for _ in range(rng.randint(1, 8)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        return bytes(changed)
    # Fields of the members' headers, of the directory's entries, and of its end; offset and size.
    headers = {
        b"PK\3\4": [(6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)],
        b"PK\1\2": [(8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (42, 4)],
        b"PK\5\6": [(4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)],
    }
    for _ in range(rng.randint(1, 2)):
        signature = rng.choice(list(headers))
        starts = [found.start() for found in re.finditer(re.escape(signature), content)]
        offset, size = rng.choice(headers[signature])
        place = rng.choice(starts) + offset
        value = rng.choice(
            [0, 1, 8, 9, 12, 99, 2 ** (8 * size) - 1, rng.randrange(2 ** (8 * size))]
        )
        changed[place : place + size] = value.to_bytes(size, "little")
    return bytes(changed)


def take(made: Made, path: Path) -> None:
    """Take a bundle as picking does, and check what that has written.

    Raises
    ------
    InputError
        If the bundle is refused.
    AssertionError
        If something was written that should not be there.
    """
    results = made.folder / "work" / "here" / "results" / "picked"
    results.mkdir(parents=True)
    dataset = made.folder / "data"
    tomogram = dataset / "test/static/ExperimentRuns/TS_1/VoxelSpacing10.000/denoised.zarr"
    tomogram.mkdir(parents=True)
    before = set(made.folder.rglob("*"))
    try:
        # As the Snakefile does, which needs a plan before the bundle is taken.
        plan = make_plan({"bundle": str(path), "dataset": str(dataset)}, "config.yaml")
        for section in RESULT_SECTIONS.values():
            section_text(plan.config, section)
        manifest = read_manifest(path)
        most = max(item.bytes for item in manifest.files.values())
        with no_file_larger_than(most):
            take_bundle(path, results)
    finally:
        written = {one for one in set(made.folder.rglob("*")) - before if not one.is_dir()}
        outside = [str(one) for one in written if not one.resolve().is_relative_to(results)]
        assert not outside, f"written outside the result: {outside}"
        half = [one.name for one in written if "-unfinished-" in one.name]
        assert not half, f"left half-written: {half}"
    assert {str(one.relative_to(results)) for one in written} == set(manifest.result_files)
    for one in written:
        listed = manifest.files[str(one.relative_to(results))]
        assert announced(one.read_bytes()) == listed.model_dump(), f"{one} is not what is listed"


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Have the system refuse to write any file that is larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (min(size, LARGEST_LIMIT), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def read_damaged_folder(folder: Path, rng: random.Random) -> None:
    made = valid_bundle(folder)
    damage_content(made, rng)
    bundle = folder / "bundles" / "some" / "where" / "bundle"
    bundle.mkdir(parents=True)
    write_folder(made, bundle)
    take(made, bundle)


def read_damaged_zip(folder: Path, rng: random.Random) -> None:
    made = valid_bundle(folder)
    if rng.random() < 0.6:
        damage_content(made, rng)
    path = folder / "bundle.zip"
    write_zip(made, path, rng)
    if rng.random() < 0.4:
        path.write_bytes(damage_archive(path.read_bytes(), rng))
    take(made, path)
