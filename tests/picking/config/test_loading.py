from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from picking.config import CZII_WEIGHTS, PipelineConfig, load_config, validated_config
from picking.errors import InputError

PARTICLE = {"name": "ribosome", "label": 1, "radius_angstrom": 150}


def load(tmp_path, *contents):
    paths = []
    for number, content in enumerate(contents):
        paths.append(tmp_path / f"config{number}.yaml")
        paths[-1].write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load_config(paths)


def test_defaults_stand_where_nothing_is_given(tmp_path):
    config = load(tmp_path, {"name": "mine"})
    assert config.name == "mine"
    assert config.tomo_type == "denoised"
    assert config.dataset is None
    assert {name: config.scoring.weight(name) for name in CZII_WEIGHTS} == CZII_WEIGHTS
    assert config.scoring.weight("another") == 1.0


def test_later_files_win(tmp_path):
    config = load(tmp_path, {"seed": 1, "name": "a"}, {"seed": 2})
    assert (config.name, config.seed) == ("a", 2)


def test_sections_of_several_files_complete_one_another(tmp_path):
    config = load(
        tmp_path,
        {"stage1_proposals": {"training": {"max_steps": 7, "batch_size": 2}}},
        {"stage1_proposals": {"peaks": {"least_candidates": 9}, "training": {"max_steps": 8}}},
    )
    assert config.stage1_proposals.training.max_steps == 8
    assert config.stage1_proposals.training.batch_size == 2
    assert config.stage1_proposals.peaks.least_candidates == 9


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_half_a_stages_settings_fit_every_network(tmp_path, depth):
    network = {"depth": depth, "output_stride": 2, "decoder_channels": [8] * (depth - 1)}
    config = load(tmp_path, {"stage1_proposals": {"network": network}})
    assert config.stage1_proposals.network.depth == depth


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"nmae": "typo"}, "unknown key 'nmae'"),
        ({"scoring": {"bta": 4}}, "unknown key 'scoring.bta'"),
        (
            {"stage1_proposals": {"peaks": {"budget": 4}}},
            "'stage1_proposals.peaks.budget'",
        ),
        ({"dataset": "a", "copick": "b"}, "dataset and copick are both given"),
        ({"voxel_spacing": -1}, "voxel_spacing"),
        ({"voxel_spacing": "wide"}, "voxel_spacing"),
        ({"name": "a/b"}, "name: 'a/b' cannot name a folder"),
        ({"name": 5}, "name: 5 is not text"),
        ({"name": "a" * 300}, "name: is 300 characters long"),
        ({"tomo_type": ""}, "tomo_type"),
        ({"truth": {"user_id": ""}}, "truth.user_id"),
        ({"truth": {"session_id": ""}}, "truth.session_id"),
        ({"stage1_proposals": {"training": {"intensity_jitter": 0.5}}}, "intensity_jitter"),
        ({"particles": [{**PARTICLE, "radius_angstrom": float("inf")}]}, "radius_angstrom"),
        ({"scoring": {"weights": {"ribosome": float("inf")}}}, "scoring.weights.ribosome"),
        ({"dataset": ""}, "dataset: the path is empty"),
        ({"stage1_proposals": {"ensemble": {"seeds": [0, 0]}}}, "one of the seeds is listed twice"),
        ({"stage1_proposals": {"ensemble": {"seeds": [-1]}}}, "ensemble.seeds.0"),
        ({"stage1_proposals": {"network": {"decoder_channels": [64, 0, 16]}}}, "channels.1"),
        ({"folds": {"number": 1}}, "folds.number"),
        ({"particles": []}, "the list is empty"),
        ({"particles": [PARTICLE, PARTICLE]}, "share a name"),
        ({"particles": [PARTICLE, {**PARTICLE, "name": "other"}]}, "share a label"),
        (
            {"particles": [{**PARTICLE, "name": "under_score"}]},
            "particles.0.name: 'under_score' cannot name files; leave out _",
        ),
        ({"particles": [{**PARTICLE, "name": "a" * 101}]}, "is too long; use 100 letters at most"),
        ({"scoring": {"weights": {"ribosome": -1}}}, "scoring.weights.ribosome"),
        ("just text", "no configuration keys"),
        ("a: [1, 2", "is not valid YAML"),
        ("", "no configuration keys"),
    ],
)
def test_bad_configuration_is_named_in_one_line(tmp_path, content, message):
    with pytest.raises(InputError) as caught:
        load(tmp_path, content)
    text = str(caught.value)
    assert message in text
    assert "config0.yaml" in text
    assert "\n" not in text


def number_keys(model, prefix=()):
    """Paths of all keys whose default is a number."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from number_keys(value, (*prefix, name))
        elif isinstance(value, float | int) and not isinstance(value, bool):
            yield (*prefix, name)


NUMBERS = [".".join(key) for key in number_keys(PipelineConfig())]


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
@pytest.mark.parametrize("key", NUMBERS)
def test_no_number_is_infinite_or_undefined(tmp_path, key, number):
    *sections, name = key.split(".")
    content = f"{name}: {number}"
    for section in reversed(sections):
        content = f"{section}: {{{content}}}"
    with pytest.raises(InputError, match=name):
        load(tmp_path, content)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml: cannot be read"):
        load_config([tmp_path / "nowhere.yaml"])


def test_radius_of_a_hit_is_a_fraction_of_the_particles(tmp_path):
    config = load(tmp_path, {"particles": [PARTICLE], "scoring": {"distance_multiplier": 0.25}})
    assert config.match_radius_angstrom(config.particle("ribosome")) == 37.5


def test_numbers_are_taken_where_text_is_meant():
    config = validated_config({"truth": {"session_id": 0, "user_id": 7}, "dataset": 10440}, "here")
    assert config.truth.session_id == "0"
    assert config.truth.user_id == "7"
    assert config.dataset == Path("10440")
    content = {
        "leave_out": [10440],
        "tomo_type": 3,
        "particles": [{"name": 80, "radius_angstrom": 90, "pdb_id": 6000}],
        "scoring": {"weights": {80: 2}},
    }
    config = validated_config(content, "here")
    assert config.leave_out == ("10440",)
    assert config.tomo_type == "3"
    assert [(particle.name, particle.pdb_id) for particle in config.particles] == [("80", "6000")]
    assert config.scoring.weights == {"80": 2.0}
    with pytest.raises(InputError, match="dataset"):
        validated_config({"dataset": True}, "here")
