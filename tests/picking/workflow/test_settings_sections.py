"""Settings files: all that jobs read, each key in one of them."""

import json
from pathlib import Path

from picking.config import PipelineConfig, validated_config
from picking.data_in.inventory import resolve
from picking.workflow.settings_sections import (
    RESULT_SECTIONS,
    SYNTHETIC_SECTIONS,
    section_text,
)

CONFIG = resolve(PipelineConfig())
# Arguments of commands, or read by the workflow alone.
IN_NO_FILE = {
    "dataset",
    "copick",
    "bundle",
    "other_tomo_type",
    "on_error",
    "hours",
    "synthetic_folder",
    "leave_out",
    "stage1_proposals.prediction.runs_per_job",
    "stage2_rerank.compare_test_runs",
}


def leaves(content: dict[str, object], parent: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in content.items():
        name = f"{parent}{key}"
        found |= leaves(value, f"{name}.") if isinstance(value, dict) and value else {name}
    return found


def test_every_key_is_in_one_file_of_a_result_or_of_the_synthetic_set() -> None:
    files = [
        leaves(json.loads(section_text(CONFIG, keys)))
        for sections in (RESULT_SECTIONS, SYNTHETIC_SECTIONS)
        for keys in sections.values()
    ]
    written = set().union(*files)
    assert written == leaves(CONFIG.model_dump(mode="json")) - IN_NO_FILE
    twice = {key for key in written if sum(key in file for file in files) > 1}
    # The synthetic set may serve several results, each with the seed of its own; what particles
    # look like is left out of what is trained on.
    assert twice == {"seed", "particles"}


def test_what_particles_look_like_is_read_by_those_that_draw_them() -> None:
    data = json.loads(section_text(CONFIG, RESULT_SECTIONS["data"]))
    assert all(set(item) == {"name", "radius_angstrom"} for item in data["particles"])
    appearance = json.loads(section_text(CONFIG, RESULT_SECTIONS["appearance"]))
    both = resolve(validated_config(data | appearance, where="here"))
    assert both.known_particles == CONFIG.known_particles
    alone = resolve(validated_config(data, where="here"))
    assert [item.label for item in alone.known_particles] == [1, 2, 3, 4, 5, 6]


def test_where_structures_are_read_from_trains_nothing() -> None:
    moved = [
        particle.model_copy(update={"structure": Path("/maps/any.mrc")})
        for particle in CONFIG.known_particles
    ]
    other = CONFIG.model_copy(update={"particles": tuple(moved)})
    changed = {
        name
        for name, keys in RESULT_SECTIONS.items()
        if section_text(CONFIG, keys) != section_text(other, keys)
    }
    assert changed == {"structures"}
    alone = json.loads(section_text(other, RESULT_SECTIONS["structures"]))
    assert resolve(validated_config(alone, where="here")).known_particles[0].structure == Path(
        "/maps/any.mrc"
    )


def test_picks_are_averaged_again_for_another_wedge_alone() -> None:
    def changed(**features: object) -> set[str]:
        settings = CONFIG.features.model_copy(update=features)
        other = CONFIG.model_copy(update={"features": settings})
        return {
            name
            for name, keys in RESULT_SECTIONS.items()
            if section_text(CONFIG, keys) != section_text(other, keys)
        }

    assert changed(orientations=10) == {"features"}
    assert changed(tilt_range_degrees=40) == {"wedge"}


def test_the_files_of_a_result_are_its_configuration_again() -> None:
    content: dict[str, object] = {}
    for keys in RESULT_SECTIONS.values():
        for key, value in json.loads(section_text(CONFIG, keys)).items():
            known = content.setdefault(key, value)
            if isinstance(known, dict):
                known.update(value)
    assert validated_config(content, where="here").stage2_rerank == CONFIG.stage2_rerank


def test_a_section_does_not_depend_on_the_order_of_its_keys() -> None:
    assert section_text(CONFIG, {"seed", "name"}) == '{"name": "synthetic", "seed": 0}'
