from pathlib import Path

import pytest

from features import catalogue as catalogue_command
from features.catalogue import catalogue, catalogue_markdown
from picking.config import ALL_FAMILIES, CZII_PARTICLES, FeatureSettings
from picking.files.embedding import embedding_channels

DOCUMENTED = Path(__file__).resolve().parents[2] / "docs" / "features.md"
EVERYTHING = FeatureSettings(families=ALL_FAMILIES)
NAMES = tuple(particle.name for particle in CZII_PARTICLES)


def test_every_feature_says_what_it_is_in_one_line():
    features = catalogue(EVERYTHING, NAMES, ("fine_ribosome",))
    names = [feature.name for feature in features]
    assert len(set(names)) == len(names)
    for feature in features:
        assert feature.name.startswith(f"{feature.family}_")
        assert feature.unit
        assert feature.meaning
        assert "\n" not in feature.meaning
        # What LightGBM refuses in the name of a feature.
        assert not set(feature.name) & set(' ,:[]{}"')
    assert {feature.family for feature in features} == set(ALL_FAMILIES)


def test_there_are_few_enough_features_for_few_positives():
    assert 100 <= len(catalogue(FeatureSettings(), NAMES, embedding_channels(NAMES))) <= 200


def test_settings_and_types_decide_the_columns():
    few = FeatureSettings(families=("intensity",), shells=3)
    assert len(catalogue(few, NAMES, ())) < len(catalogue(FeatureSettings(), NAMES, ()))
    with_one = {feature.name for feature in catalogue(EVERYTHING, ("mine",), ())}
    assert "type_maps_mine_max" in with_one
    assert not any("ribosome" in name for name in with_one)


def test_the_command_prints_what_the_documentation_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    config = tmp_path / "config.yaml"
    config.write_text("name: any\n")
    catalogue_command.main(["--config", str(config)])
    printed = capsys.readouterr().out
    assert "| `intensity_shell_0_mean` | sigma | intensity |" in printed
    fix = "run python -m features.catalogue --config config/config.yaml > docs/features.md"
    assert DOCUMENTED.read_text(encoding="utf-8") == printed, fix


def test_a_family_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        FeatureSettings(families=("shape", "shape"))


def test_bars_in_a_meaning_do_not_break_the_table():
    features = catalogue(FeatureSettings(families=("shape",)), NAMES, ())
    rows = [line for line in catalogue_markdown(features).splitlines() if "| shape |" in line]
    assert len(rows) == len(features)
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)
