"""Labels: which particles an annotator marked, and how exactly."""

from collections.abc import Iterable, Sequence

import numpy as np

from picking.config.synthetic import SyntheticSettings
from picking.synthetic.field import Field
from picking.synthetic.molecules import FloatArray
from picking.synthetic.placing import Placement


def missing_probability(
    settings: SyntheticSettings, field: Field, positions_xyz_angstrom: FloatArray
) -> FloatArray:
    """Probability, (n,), that a particle at a position, (n, 3) xyz Å, has no label.

    It falls linearly from the border's value to the interior's over the border's width: in the
    real picks 2 and 11 lie within 50 and 100 Å of the xy border where chance would have 40 and 79.
    """
    high = field.extent_xyz_angstrom[:2] - field.voxel_size_angstrom  # the last voxels' centres
    xy = positions_xyz_angstrom[:, :2]
    to_border = np.minimum(xy, high - xy).min(axis=1)
    nearness = np.clip(1 - to_border / settings.label_border_angstrom, 0, 1)
    at_border = settings.label_missing_at_border_fraction
    inside = settings.label_missing_fraction
    return np.asarray(inside + (at_border - inside) * nearness)


def draw_labels(
    settings: SyntheticSettings,
    field: Field,
    particles: Sequence[Placement],
    stream: np.random.Generator,
    particle_types: Iterable[str],
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Draw which particles are labelled, and where the annotator's mark is.

    A test run's truth takes the same road as a training run's picks (the same particles would be
    overlooked), but has the exact positions: so a score measures the picker, not the jitter.

    Returns
    -------
    picks, truth : dict of ndarray, (n, 3)
        Positions xyz in Å by particle type, of all `particle_types`; `picks` with jitter, `truth`
        without, in the same order.
    """
    low = np.zeros(3)
    high = field.extent_xyz_angstrom - field.voxel_size_angstrom
    jitter_angstrom = settings.label_jitter_voxels * field.voxel_size_angstrom
    picks, truth = {}, {}
    for particle_type in sorted(particle_types):
        positions = np.array(
            [p.position_xyz_angstrom for p in particles if p.molecule.name == particle_type]
        ).reshape(-1, 3)
        positions = positions[np.all((positions >= low) & (positions <= high), axis=1)]
        missing = missing_probability(settings, field, positions)
        positions = positions[stream.random(len(positions)) >= missing]
        marks = positions + stream.normal(0, 1, positions.shape) * jitter_angstrom
        truth[particle_type] = positions
        picks[particle_type] = np.clip(marks, low, high)
    return picks, truth
