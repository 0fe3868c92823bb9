"""Numbers drawn for people by seed and identifier, so that no order of rows can change them."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def draws(person_ids: Iterable[str], *, seed: int) -> NDArray[np.uint64]:
    """One number from 0 to 2^64 - 1 per person: the first eight bytes of BLAKE2b of the identifier, keyed by the seed.

    The same person and seed give the same number in every run, version and order of rows.
    """
    key = str(seed).encode()
    digests = b"".join(blake2b(person_id.encode(), digest_size=8, key=key).digest() for person_id in person_ids)
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


def folds(person_ids: Iterable[str], *, seed: int, number: int) -> NDArray[np.int64]:
    """One of `number` folds (0, 1, ...) per person, by `draws`."""
    return (draws(person_ids, seed=seed) % np.uint64(number)).astype(np.int64)
