"""Score maps of every type, one by one: what stage 1 saw for each in that place.

Not measured by default. How a map looks where nothing is differs from network to network: trees
tell candidates of training runs, which one fold's network looked at, from those of test runs by it.
The family ``score_map`` holds the comparison of the types, which is alike in both.
"""

from collections.abc import Sequence

from features.feature import Feature, Measured
from features.run_context import RunContext
from picking.config import FeatureSettings
from picking.map_sampling import at_positions, in_balls


def declared(settings: FeatureSettings, particle_types: Sequence[str]) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    entries = [
        entry
        for name in particle_types
        for entry in (
            (f"{name}_centre", f"{name}'s score map at the candidate"),
            (f"{name}_max", f"{name}'s score map, maximum within the candidate's radius"),
        )
    ]
    return tuple(Feature(f"type_maps_{name}", "1", "type_maps", text) for name, text in entries)


def measure(run_context: RunContext, settings: FeatureSettings) -> Measured:
    """Measure this family on a run's n candidates; values (n,) by feature name."""
    maps = run_context.score_maps
    where = (maps.voxel_size_zyx_angstrom, maps.output_stride)
    positions, radii = run_context.positions_xyz_angstrom, run_context.radii_angstrom
    order = [maps.particle_types.index(name) for name in run_context.particle_types]
    centre = at_positions(maps.scores_tzyx, positions, *where)[:, order]  # (n, T)
    _, highest = in_balls(maps.scores_tzyx, positions, radii, *where)
    highest = highest[:, order]
    measured: Measured = {}
    for number, name in enumerate(run_context.particle_types):
        measured[f"type_maps_{name}_centre"] = centre[:, number]
        measured[f"type_maps_{name}_max"] = highest[:, number]
    return measured
