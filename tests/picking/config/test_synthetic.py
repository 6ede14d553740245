"""Settings of the synthetic specimens."""

import pytest
from pydantic import ValidationError

from picking.config.synthetic import SyntheticSettings


@pytest.mark.parametrize(
    "content",
    [
        {"nois_strength": 1.0},
        {"crowding": 2.5},
        {"shape_zyx": (16, 256, 256)},
        {"defocus_range_micrometre": (5.0, 2.5)},
        {"slab_thickness_fraction": (0.5, 1.2)},
        {"particles_per_full_field": {"ribosomes": 3}},
    ],
)
def test_wrong_settings_are_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SyntheticSettings.model_validate(content)


def test_every_setting_is_described() -> None:
    fields = SyntheticSettings.model_fields
    assert [name for name, field in fields.items() if not field.description] == []
