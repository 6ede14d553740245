"""Find the structure of every particle type, and write those that there are.

A type's structure is its own `structure` in the configuration, else the density map of copick's
object, else, for the challenge's six species, this project's model of the molecule. A type without
any of these has an average of its picks instead (features.learn_averages), if there are enough.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.structures.copick_structure import copick_structure
from picking.structures.read_structure import VOXEL_ANGSTROM, read_structure, splatted, structure_of
from picking.structures.structure import Structure
from picking.structures.structure_file import write_structures
from picking.synthetic.molecules import labelled_molecules


def find_structures(
    config: PipelineConfig, copick_config: Path | None = None
) -> dict[str, tuple[Structure, str]]:
    """Find the structure of every particle type that has one.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    copick_config : Path or None
        The user's copick project, whose objects may have density maps.

    Returns
    -------
    dict of str to (Structure, str)
        By particle type; the text says where it is from.

    Raises
    ------
    InputError
        If a structure cannot be read.
    """
    found: dict[str, tuple[Structure, str]] = {}
    for particle in config.known_particles:
        if particle.structure is not None:
            found[particle.name] = read_structure(particle.structure), str(particle.structure)
            continue
        mapped = None if copick_config is None else copick_structure(copick_config, particle.name)
        if mapped is not None:
            found[particle.name] = mapped, f"density map in {copick_config}"
        elif particle.name in labelled_molecules():
            found[particle.name] = molecule_structure(particle.name), "this project's model"
    return found


def molecule_structure(name: str) -> Structure:
    """Structure of one of this project's own molecules."""
    molecule = labelled_molecules()[name]
    density = splatted(molecule.beads_xyz_angstrom, molecule.bead_weight_kda)
    return structure_of(density, VOXEL_ANGSTROM, name, threshold=0.0)


def make_structures(config: PipelineConfig, copick_config: Path | None, output: Path) -> None:
    """Find the structures, write them, and say where each is from.

    Raises
    ------
    InputError
        If a structure cannot be read.
    """
    found = find_structures(config, copick_config)
    write_structures(output, {name: structure for name, (structure, _) in found.items()})
    for particle in config.known_particles:
        name = particle.name
        source = found[name][1] if name in found else "none; its picks are averaged instead"
        print(f"structure of {name}: {source}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--copick", type=Path, help="copick project whose objects may have maps")
    parser.add_argument("--output", type=Path, required=True, help="file to write")
    arguments = parser.parse_args(argv)
    make_structures(resolve(load_config(arguments.config)), arguments.copick, arguments.output)


if __name__ == "__main__":
    run_command(main)
