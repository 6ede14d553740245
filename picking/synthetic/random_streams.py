"""Random streams that depend on the seed and on a name, never on the order of the work."""

import hashlib

import numpy as np

# Bytes of the name's digest that enter the seed: 128 bits leave no accidental collisions.
DIGEST_BYTES = 16


def stream_for(seed: int, name: str) -> np.random.Generator:
    """Return the random stream of one run (or another named thing) of a data set.

    Python's own ``hash`` of a string changes from process to process, so SHA-256 is used.
    """
    digest = hashlib.sha256(name.encode()).digest()[:DIGEST_BYTES]
    return np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(digest, "big")]))
