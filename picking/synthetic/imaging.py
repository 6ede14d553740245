"""Imaging a volume of potential: two half sets of data, as Fourier transforms."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picking.config.synthetic import SyntheticSettings
from picking.synthetic.density import potential_volume
from picking.synthetic.field import Field
from picking.synthetic.microscope import ANGSTROM_PER_MICROMETRE, FourierSampling
from picking.synthetic.placing import Placement
from picking.synthetic.transforms import for_each_plane, forward_transform

Transform = NDArray[np.complex64]


@dataclass(frozen=True)
class HalfSets:
    """Reconstructions, as rfftn transforms (Z, Y, X/2+1) complex64, from two halves of the dose.

    The halves share the specimen and the tilts, and have independent shot noise, like the odd and
    even frames of each tilt's movie.
    """

    first: Transform
    second: Transform
    sampling: FourierSampling

    def mean_plane(self, z: int) -> NDArray[np.complex64]:
        """Return a plane of the full data's transform, (Y, X/2+1)."""
        return np.asarray((self.first[z] + self.second[z]) / 2)


def image_placements(
    settings: SyntheticSettings,
    field: Field,
    placements: Iterable[Placement],
    defocus_micrometre: float,
    slab_thickness_angstrom: float,
    stream: np.random.Generator,
    workers: int = 2,
) -> HalfSets:
    """Image what was placed in a slab of ice.

    Parameters
    ----------
    settings : SyntheticSettings
        The microscope and the tilt series.
    field : Field
        The tomogram, and the padded volume around it that is imaged.
    placements : iterable of Placement
        All that is in the ice.
    defocus_micrometre : float
        Underfocus, µm.
    slab_thickness_angstrom : float
        Thickness of the ice, Å.
    stream : numpy.random.Generator
        Gives the shot noise.
    workers : int
        Threads of the Fourier transforms; the result does not depend on it.

    Returns
    -------
    HalfSets
    """
    sampling = FourierSampling(
        settings,
        field.padded_shape_zyx,
        defocus_micrometre * ANGSTROM_PER_MICROMETRE,
        slab_thickness_angstrom,
    )
    return image(potential_volume(field, placements), sampling, stream, workers)


def image(
    potential_zyx: NDArray[np.float32],
    sampling: FourierSampling,
    stream: np.random.Generator,
    workers: int = 2,
) -> HalfSets:
    """Image a specimen's potential.

    Parameters
    ----------
    potential_zyx : ndarray, (Z, Y, X), float32
        Potential in V.
    sampling : FourierSampling
        The microscope and the tilt series, for the same shape.
    stream : numpy.random.Generator
        Gives the shot noise.
    workers : int
        Threads of the Fourier transforms; the result does not depend on it.

    Returns
    -------
    HalfSets
        Transforms of the relative image contrast back-projected: protein is negative.
    """
    depth = len(potential_zyx)
    first = forward_transform(potential_zyx, workers)
    second = np.empty_like(first)

    def transfer(z: int) -> None:
        first[z] *= sampling.signal(z)
        second[z] = first[z]

    for_each_plane(transfer, depth, workers)
    for half in (first, second):
        white = stream.standard_normal(potential_zyx.shape, dtype=np.float32)
        noise = forward_transform(white, workers)
        del white

        def add_noise(z: int, half: Transform = half, noise: Transform = noise) -> None:
            # Half the dose has twice the full data's variance.
            half[z] += noise[z] * np.sqrt(2 * sampling.noise(z))

        for_each_plane(add_noise, depth, workers)
    return HalfSets(first, second, sampling)
