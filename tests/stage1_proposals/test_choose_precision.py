from pathlib import Path

import pytest
import torch

from picking.config import ParticleType, PipelineConfig, Stage1Settings
from picking.errors import InputError
from picking.files.precision import Precision, PrecisionTiming
from stage1_proposals import choose_precision as module
from stage1_proposals.choose_precision import (
    choose_precision,
    fastest,
    warn_if_emulated,
    write_precision,
)
from stage1_proposals.device.compute_device import ComputeDevice, find_device
from stage1_proposals.network.unet import ProposalNetwork

ENCODER = "resnet18-w8"
CPU = ComputeDevice(torch.device("cpu"), None)


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ({"float32": 1.0}, "float32"),
        ({"float16": 1.0}, "float16"),
        ({"float32": 1.0, "bfloat16": 3.0}, "float32"),  # AVX-512-bf16 on some processors
        ({"float32": 1.0, "bfloat16": 0.95}, "float32"),  # not worth the rounding
        ({"float32": 1.0, "bfloat16": 0.5}, "bfloat16"),
        ({"float32": 1.0, "float16": 0.5}, "float16"),
        ({"float32": 1.0, "bfloat16": 0.5, "float16": 0.48}, "bfloat16"),  # needs no loss scaling
        ({"float32": 1.0, "bfloat16": 0.9, "float16": 0.6}, "float16"),
    ],
)
def test_a_less_exact_precision_has_to_be_clearly_faster(
    seconds: dict[str, float], chosen: str
) -> None:
    assert fastest(seconds) == chosen


def test_the_time_decides_not_the_flags(
    tiny_settings: Stage1Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "has_units", lambda _: True)
    times = {"float32": 2.0, "bfloat16": 6.0, "float16": 7.0}
    monkeypatch.setattr(module, "step_seconds", lambda _, __, ___, device: times[device.precision])
    chosen = choose_precision(tiny_settings, ENCODER, 2, CPU)
    assert chosen.precision == "float32"
    assert chosen.step_seconds == times
    times["bfloat16"] = 1.0
    assert choose_precision(tiny_settings, ENCODER, 2, CPU).precision == "bfloat16"


def test_a_precision_that_takes_too_much_memory_is_left_out(
    tiny_settings: Stage1Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_large = {"float32", "bfloat16"}

    def seconds(_: Stage1Settings, __: str, ___: int, device: ComputeDevice) -> float:
        if device.precision in too_large:
            raise torch.OutOfMemoryError
        return 1.0

    monkeypatch.setattr(module, "has_units", lambda _: True)
    monkeypatch.setattr(module, "step_seconds", seconds)
    chosen = choose_precision(tiny_settings, ENCODER, 2, CPU)
    assert (chosen.precision, set(chosen.step_seconds)) == ("float16", {"float16"})
    too_large.add("float16")
    with pytest.raises(InputError, match="smaller batch_size"):
        choose_precision(tiny_settings, ENCODER, 2, CPU)


def test_the_encoder_that_is_asked_for_is_timed(
    tiny_settings: Stage1Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    def network(encoder: str, *settings: object) -> ProposalNetwork:
        built.append(encoder)
        return ProposalNetwork(encoder, *settings)

    monkeypatch.setattr(module, "ProposalNetwork", network)
    monkeypatch.setattr(module, "has_units", lambda device: device.half_dtype is None)
    choose_precision(tiny_settings, "resnet18-w4", 2, CPU)
    assert built == ["resnet18-w4"]


def test_a_precision_without_units_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_fp16_supported", lambda: False)
    warn_if_emulated(CPU)
    assert capsys.readouterr().err == ""
    warn_if_emulated(ComputeDevice(torch.device("cpu"), torch.float16))
    assert "cpu has no units for float16" in capsys.readouterr().err


def test_what_a_processor_lacks_is_not_timed(
    tiny_settings: Stage1Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Emulated, one step in bfloat16 takes half a minute.
    for name in ("bf16", "fp16"):
        monkeypatch.setattr(torch.ops.mkldnn, f"_is_mkldnn_{name}_supported", lambda: False)
    chosen = choose_precision(tiny_settings, ENCODER, 2, CPU)
    assert set(chosen.step_seconds) == {"float32"}
    assert chosen.step_seconds["float32"] > 0


def test_an_instruction_set_that_is_capped_shows_in_the_time(
    tiny_settings: Stage1Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bf16", "fp16"):
        monkeypatch.setattr(torch.ops.mkldnn, f"_is_mkldnn_{name}_supported", lambda: True)
    times = {torch.float32: 1.0, torch.bfloat16: 100.0, torch.float16: 100.0}
    monkeypatch.setattr(module, "_convolution_seconds", lambda dtype, _: times[dtype])
    assert set(choose_precision(tiny_settings, ENCODER, 2, CPU).step_seconds) == {"float32"}


def test_the_configuration_overrides_the_measurement(
    tiny_settings: Stage1Settings, particles: tuple[ParticleType, ...], tmp_path: Path
) -> None:
    asked = tiny_settings.model_copy(update={"precision": "bfloat16"})
    config = PipelineConfig(particles=particles, stage1_proposals=asked)
    write_precision(config, ENCODER, tmp_path / "precision.json", tmp_path / "timing.json")
    assert Precision.read(tmp_path / "precision.json").precision == "bfloat16"
    timing = PrecisionTiming.read(tmp_path / "timing.json")
    assert timing.asked_for == "bfloat16"
    assert timing.step_seconds == {}
    assert find_device(1, "bfloat16").half_dtype is torch.bfloat16


def test_the_file_holds_nothing_that_changes_with_the_day(
    tiny_settings: Stage1Settings,
    particles: tuple[ParticleType, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Networks are trained again if it changes.
    config = PipelineConfig(particles=particles, stage1_proposals=tiny_settings)
    for name, took in (("first", 1.0), ("second", 2.0)):
        monkeypatch.setattr(module, "step_seconds", lambda *_, took=took: took)
        write_precision(config, ENCODER, tmp_path / name, tmp_path / "timing.json")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "precision.json").write_text('{"precision": "float8"}')
    with pytest.raises(InputError, match=r"precision\.json: holds no precision"):
        Precision.read(tmp_path / "precision.json")
