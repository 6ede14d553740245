"""Projects elsewhere that cannot be reached, in one line."""

import json
from pathlib import Path

import pytest

from picking.errors import InputError
from picking.files.copick_project import is_all_local, remote_errors


def project(folder: Path, **content: str) -> Path:
    path = folder / "copick.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("content", "is_local"),
    [
        ({"overlay_root": "local:///data"}, True),
        ({"overlay_root": "/data", "static_root": "file:///data"}, True),
        ({"overlay_root": "/data", "static_root": "s3://bucket/data"}, False),
        ({"config_type": "cryoet_data_portal", "overlay_root": "local:///data"}, False),
    ],
)
def test_what_is_of_this_machine_alone(
    content: dict[str, str], is_local: bool, tmp_path: Path
) -> None:
    assert is_all_local(project(tmp_path, **content)) == is_local


def test_a_project_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    path = project(tmp_path, overlay_root="s3://bucket/data")
    with (
        pytest.raises(
            InputError, match=r"cannot be reached \(ConnectionError: no route to"
        ) as caught,
        remote_errors(path),
    ):
        raise ConnectionError("no route\n  to host")
    assert "\n" not in str(caught.value)


def test_what_is_wrong_with_a_local_project_stays_what_it_is(tmp_path: Path) -> None:
    path = project(tmp_path, overlay_root="local:///data")
    with pytest.raises(ZeroDivisionError), remote_errors(path):
        raise ZeroDivisionError


def test_errors_for_a_person_stay_what_they_are(tmp_path: Path) -> None:
    path = project(tmp_path, overlay_root="s3://bucket/data")
    with pytest.raises(InputError, match="run R1: is damaged; copy it"), remote_errors(path):
        raise InputError("run R1", "is damaged", "copy it again")
