"""Score maps of one tomogram: members, flips and rotations averaged, windows blended."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from picking.config import PredictionSettings
from picking.errors import InputError
from picking.files.embedding import embedding_channels
from picking.files.score_maps import ScoreMaps
from picking.files.tomogram import Tomogram, normalised
from stage1_proposals.device.compute_device import ComputeDevice
from stage1_proposals.flips_and_rotations import FlipRotation, flip_rotations_of
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.prediction.adapted_statistics import with_adapted_statistics
from stage1_proposals.prediction.sliding_window import (
    fitting_window,
    padded_to_windows,
    predict_blended,
    window_boxes,
)

PROGRESS_SECONDS = 5.0


@dataclass(frozen=True)
class PredictedMaps:
    """All that the networks say of a tomogram; the embedding is only needed at candidates.

    Parameters
    ----------
    score_maps : ScoreMaps
        The maps that are kept.
    embedding_czyx : ndarray, (C, Z/s, Y/s, X/s), float32
        Embedding channels, see :func:`picking.files.embedding.embedding_channels`; s is the maps'
        output stride.
    embedding_names : tuple of str
        Names of the C channels.
    """

    score_maps: ScoreMaps
    embedding_czyx: NDArray[np.float32]
    embedding_names: tuple[str, ...]


def plan_passes(members: int, passes: int, quarter_turns: bool) -> list[tuple[int, FlipRotation]]:
    """Plan which member predicts the tomogram in which flip and rotation.

    Parameters
    ----------
    members : int
        Members that may look at it.
    passes : int
        See :meth:`picking.config.PredictionSettings.passes_with`; each pass has another flip or
        rotation, as long as there are some.
    quarter_turns : bool
        The settings' ``training.quarter_turns``: without them networks have seen the missing wedge
        in its place alone.

    Returns
    -------
    list of (int, FlipRotation)
        Index of the member, and how the tomogram is flipped and rotated.
    """
    ways = flip_rotations_of(quarter_turns)
    return [(index % members, ways[index % len(ways)]) for index in range(passes)]


@torch.inference_mode()
def predict_maps(
    tomogram: Tomogram,
    networks: Sequence[ProposalNetwork],
    particle_types: tuple[str, ...],
    settings: PredictionSettings,
    passes: int,
    device: ComputeDevice,
    quarter_turns: bool = True,
) -> PredictedMaps:
    """Compute the score maps of one tomogram, and the maps of its embedding.

    Parameters
    ----------
    tomogram : Tomogram
        The tomogram as read.
    networks : sequence of ProposalNetwork
        The members that may look at it, on the device and in evaluation mode (see
        :func:`stage1_proposals.network.fast_network.fast_network`); all of one output stride.
    particle_types : tuple of str
        Types in the order of the networks' channels.
    settings : PredictionSettings
        Windows and their overlap, and how far the networks adapt to the tomogram.
    passes : int
        Passes that are averaged, see :func:`plan_passes`.
    device : ComputeDevice
        Where to compute.
    quarter_turns : bool
        See :func:`plan_passes`.

    Returns
    -------
    PredictedMaps

    Raises
    ------
    InputError
        If a network's answer is not finite.
    """
    stride = networks[0].settings.output_stride
    types = len(particle_types)
    shape_zyx = tomogram.values_zyx.shape
    window_zyx = fitting_window(
        shape_zyx,
        settings.window_zyx,
        settings.overlap,
        networks[0].settings.side_multiple,
        stride,
    )
    plan = plan_passes(len(networks), passes, quarter_turns)
    # The only copy at this size beside the tomogram itself.
    padded_zyx = padded_to_windows(normalised(tomogram.values_zyx), window_zyx, stride)
    adapted = {
        member: with_adapted_statistics(
            networks[member], padded_zyx, settings.adapted_statistics, device
        )
        for member in {member for member, _ in plan}
    }
    windows = len(list(window_boxes(padded_zyx.shape, window_zyx, settings.overlap, stride)))
    with tqdm(
        total=windows * len(plan),
        desc=f"score maps of {tomogram.run}",
        unit="window",
        mininterval=PROGRESS_SECONDS,
        file=sys.stderr,
    ) as progress:

        def mean_of_passes(window: torch.Tensor) -> torch.Tensor:
            on_device = window.to(device.device)
            total: torch.Tensor | None = None
            for member, way in plan:
                maps = _answer(adapted[member], on_device, way, device)
                total = maps if total is None else total.add_(maps)
                progress.update()
            assert total is not None
            return total.div_(len(plan))

        blended = predict_blended(padded_zyx, mean_of_passes, window_zyx, settings.overlap, stride)
    end_z, end_y, end_x = (-(-side // stride) for side in shape_zyx)
    mean = blended[:, :end_z, :end_y, :end_x].numpy()
    if not np.isfinite(mean).all():
        raise InputError(
            f"run {tomogram.run}",
            "a network's answer is not finite",
            "train again with a lower stage1_proposals.training.learning_rate",
        )
    score_maps = ScoreMaps(
        scores_tzyx=mean[:types],
        particle_types=particle_types,
        output_stride=stride,
        voxel_size_zyx_angstrom=tomogram.voxel_size_zyx_angstrom,
    )
    return PredictedMaps(score_maps, mean[types:], embedding_channels(particle_types))


def _answer(
    network: ProposalNetwork, window: torch.Tensor, way: FlipRotation, device: ComputeDevice
) -> torch.Tensor:
    """Scores and embedding (1, T + C, z, y, x) of one window (1, 1, z, y, x), which is flipped."""
    flipped = way.apply(window).contiguous(memory_format=device.memory_format)
    with device.autocast():
        output = network(flipped)
    maps = torch.cat([output.logits.float().sigmoid(), network.embedding(output)], dim=1)
    return way.undo(maps)
