"""Orientations that cover all of them evenly."""

import numpy as np
from numpy.typing import NDArray

# Alexa, "Super-Fibonacci spirals: fast, low-discrepancy sampling of SO(3)", CVPR 2022: the square
# root of two, and the positive root of psi^4 = psi + 4.
PHI = np.sqrt(2.0)
PSI = 1.533751168755204288118041


def even_quaternions(number: int) -> NDArray[np.float64]:
    """Spread orientations evenly: unit quaternions (x, y, z, w), (number, 4)."""
    steps = np.arange(number) + 0.5
    share = steps / number
    inner, outer = np.sqrt(share), np.sqrt(1 - share)
    alpha, beta = 2 * np.pi * steps / PHI, 2 * np.pi * steps / PSI
    return np.stack(
        [inner * np.sin(alpha), inner * np.cos(alpha), outer * np.sin(beta), outer * np.cos(beta)],
        axis=1,
    )
