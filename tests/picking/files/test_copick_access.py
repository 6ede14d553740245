"""What of a project's access is written into a result: everything but credentials."""

import json
from pathlib import Path

import pytest

from picking.config import ParticleType
from picking.errors import InputError
from picking.files.copick_access import with_kept_arguments, without_credentials
from picking.files.copick_project import project_digest, read_config, with_overlay
from picking.files.copick_roots import check_roots

MINE = ParticleType(name="mine", radius_angstrom=40)
S3 = {
    "endpoint_url": "http://127.0.0.1:9000",
    "anon": False,
    "key": "SECRET-1",
    "secret": "SECRET-2",
    "client_kwargs": {"region_name": "eu-1", "aws_session_token": "SECRET-3"},
    "config_kwargs": {"s3": {"addressing_style": "path"}},
    "something_new": "SECRET-4",
}
SHOWN = {
    "endpoint_url": "http://127.0.0.1:9000",
    "anon": False,
    "client_kwargs": {"region_name": "eu-1"},
    "config_kwargs": {"s3": {"addressing_style": "path"}},
}


def project(folder: Path, **more: object) -> Path:
    path = folder / "copick.json"
    content = {
        "config_type": "filesystem",
        "pickable_objects": [],
        "static_root": "s3://bucket/static",
        "static_fs_args": S3,
        "overlay_root": f"local://{folder}/overlay",
        **more,
    }
    path.write_text(json.dumps(content))
    return path


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_whatever_may_be_a_credential_is_left_out() -> None:
    assert without_credentials(S3) == SHOWN
    for address in ("https://me:SECRET@host", "https://SECRET@host", "https://host/?sig=SECRET"):
        assert without_credentials({"endpoint_url": address}) == {}
    listed = {"s3": [{"key": "SECRET"}], "allowed_methods": ["GET"], "timeout": [1, 2]}
    assert without_credentials(listed) == {"timeout": [1, 2]}


def test_copies_of_copies_hold_no_credentials_and_find_them(tmp_path: Path) -> None:
    first = written(
        tmp_path / "train.json", with_overlay(project(tmp_path), tmp_path / "one", [MINE])
    )
    second = written(tmp_path / "picks.json", with_overlay(first, tmp_path / "two", [MINE]))
    for path in (first, second):
        assert "SECRET" not in path.read_text()
        assert read_config(path)["static_fs_args"] == SHOWN
        assert with_kept_arguments(read_config(path))["static_fs_args"] == S3


def test_without_the_users_file_the_environment_has_to_do(tmp_path: Path) -> None:
    path = project(tmp_path)
    ours = with_overlay(path, tmp_path / "one", [MINE])
    path.unlink()
    assert with_kept_arguments(ours)["static_fs_args"] == SHOWN


def test_another_address_does_not_get_the_credentials(tmp_path: Path) -> None:
    ours = with_overlay(project(tmp_path), tmp_path / "one", [MINE])
    elsewhere = ours | {"static_root": "s3://another/static"}
    assert with_kept_arguments(elsewhere)["static_fs_args"] == SHOWN


def test_arguments_without_credentials_are_copied_alone(tmp_path: Path) -> None:
    path = project(tmp_path, static_fs_args={"anon": True})
    ours = with_overlay(path, tmp_path / "one", [MINE])
    assert ours["static_fs_args"] == {"anon": True}
    assert set(ours) == {*read_config(path), "overlay_fs_args"}


def test_the_overlay_as_read_only_root_brings_its_own_arguments(tmp_path: Path) -> None:
    path = project(tmp_path, overlay_root="s3://bucket/overlay", overlay_fs_args={"key": "SECRET"})
    ours = with_overlay(path, tmp_path / "one", [MINE], "overlay")
    ours["static_root"] = "s3://bucket/overlay"  # as the import says then
    assert "SECRET" not in json.dumps(ours)
    assert with_kept_arguments(ours)["static_fs_args"] == {"key": "SECRET"}
    assert ours["overlay_fs_args"] == {"auto_mkdir": True}


def test_a_new_key_makes_no_other_data(tmp_path: Path) -> None:
    before = project_digest(project(tmp_path))
    assert project_digest(project(tmp_path, static_fs_args={**S3, "key": "SECRET-5"})) == before
    moved = {**S3, "endpoint_url": "http://other"}
    assert project_digest(project(tmp_path, static_fs_args=moved)) != before


@pytest.mark.parametrize("address", ["ssh://me:SECRET@host/data", "https://host/data?sig=SECRET"])
def test_a_password_in_an_address_is_refused_and_not_told(tmp_path: Path, address: str) -> None:
    path = project(tmp_path, static_root=address)
    with pytest.raises(InputError, match="static_root holds a password") as caught:
        check_roots(path)
    assert "SECRET" not in str(caught.value)
