"""Settings of the final picks: names that copick, RELION and Dynamo can read."""

import pytest
from pydantic import ValidationError

from picking.config import PicksSettings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"user_id": "a_b"}, "leave out _"),
        ({"session_id": "my session"}, "leave out the spaces"),
        ({"user_id": ".me"}, "begin with"),
        ({"user_id": "a" * 61}, "too long"),
        ({"relion_name": "tomogram"}, r"names all tomograms alike; write \{run\}"),
        ({"dynamo_file": "/my data/{run}.mrc"}, "leave out spaces"),
        ({"relion_name": '"{run}"'}, "quotes"),
        ({"tilt_series_pixel_size": 0}, "greater than 0"),
    ],
)
def test_names_that_would_be_read_wrongly_are_refused(
    settings: dict[str, object], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        PicksSettings.model_validate(settings)


def test_a_number_is_a_session() -> None:
    assert PicksSettings.model_validate({"session_id": 3}).session_id == "3"
