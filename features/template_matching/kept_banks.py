"""Banks that are kept: those of one tomogram's particle types serve the next ones."""

import sys
from dataclasses import dataclass, field

from features.template_matching.bank import (
    MOST_BYTES,
    TemplateBank,
    fitting_orientations,
    make_bank,
)
from features.template_matching.missing_wedge import MissingWedge
from picking.structures.structure import Structure

# Kept banks take no more together, bytes: those of the challenge's six types under ten wedges.
KEPT_BYTES = 2 * MOST_BYTES

BankKey = tuple[Structure, float, MissingWedge, int]


@dataclass
class KeptBanks:
    """Makes a bank when it is first asked for, and forgets those that were not for longest.

    Parameters
    ----------
    kept_bytes : int
        What the banks may take together; the last one that was asked for stays in any case.
    """

    kept_bytes: int = KEPT_BYTES
    _banks: dict[BankKey, TemplateBank] = field(default_factory=dict, init=False)

    def bank_of(
        self,
        name: str,
        structure: Structure,
        voxel_angstrom: float,
        wedge: MissingWedge,
        orientations: int,
        threads: int = 1,
    ) -> TemplateBank:
        """Bank of a structure; a particle too large for that many orientations has fewer.

        Parameters
        ----------
        name : str
            The particle type, which the message names.
        structure, voxel_angstrom, wedge, orientations, threads
            As of :func:`features.template_matching.bank.make_bank`.
        """
        key = (structure, voxel_angstrom, wedge, orientations)
        bank = self._banks.pop(key, None)
        if bank is None:
            fitting = fitting_orientations(structure, voxel_angstrom, orientations)
            if fitting < orientations:
                print(
                    f"warning: {name} is so large that its structure is compared in {fitting} "
                    f"orientations instead of {orientations}; a particle of up to 900 Å across "
                    "has room for 600",
                    file=sys.stderr,
                )
            bank = make_bank(structure, voxel_angstrom, wedge, fitting, threads)
        self._banks[key] = bank
        while len(self._banks) > 1 and self._bytes() > self.kept_bytes:
            del self._banks[next(iter(self._banks))]
        return bank

    def clear(self) -> None:
        """Forget all."""
        self._banks.clear()

    def _bytes(self) -> int:
        return sum(bank.templates.nbytes for bank in self._banks.values())
