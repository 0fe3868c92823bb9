"""The controls that are still free, so that the nearest one is found in next to no time among millions."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
SAME_DISTANCE = 1e-10


class FreeControls:
    """Controls sorted by stratum and score; blocks of equal score hand out their people by tie number.

    Exhausted blocks are skipped by union-find in both directions, so that a search takes nearly constant
    time whatever was taken before (Tarjan 1975). Distances within 1e-10 of each other are equal: the lower tie
    number wins. A control in several strata is taken in all of them at once.
    """

    def __init__(self, *, stratum: Integers, score: Floats, tie: NDArray[np.uint64], person: Integers) -> None:
        order = np.lexsort((tie, score, stratum))
        sorted_stratum, sorted_score = stratum[order], score[order]
        is_new = np.ones(len(order), dtype=np.bool_)
        is_new[1:] = (sorted_stratum[1:] != sorted_stratum[:-1]) | (sorted_score[1:] != sorted_score[:-1])
        first = np.flatnonzero(is_new)
        self._block_stratum, self._block_score = sorted_stratum[first], sorted_score[first]
        self._blocks = len(first)
        # Memory views read and write single numbers faster than arrays, and hold them tighter than lists.
        self._row, self._person, self._tie = (np.ascontiguousarray(a).data for a in (order, person, tie))
        self._stratum, self._score = self._block_stratum.data, self._block_score.data
        self._next = first.copy().data
        self._end = np.append(first[1:], len(order)).astype(np.int64).data
        self._above = np.arange(self._blocks + 1).data
        self._below = np.arange(self._blocks + 1).data
        self._is_taken = bytearray(int(person.max()) + 1 if person.size else 0)

    def starting_blocks(self, stratum: Integers, score: Floats) -> Integers:
        """For each case the first block of its stratum with a score of at least its own."""
        levels = np.unique(np.concatenate([self._block_score, score]))
        keys = self._block_stratum * len(levels) + np.searchsorted(levels, self._block_score)
        return np.searchsorted(keys, stratum * len(levels) + np.searchsorted(levels, score)).astype(np.int64)

    def nearest(self, start: int, stratum: int, score: float) -> tuple[int, float]:
        """Row and distance of the nearest free control of the stratum; row -1 where there is none."""
        above, distance_above = self._candidate(self._free_from(start), stratum, score)
        below, distance_below = self._candidate(self._free_before(start), stratum, score)
        if above < 0 or below < 0:
            return (above, distance_above) if below < 0 else (below, distance_below)
        if abs(distance_above - distance_below) <= SAME_DISTANCE:
            is_above = self._tie[above] < self._tie[below]
        else:
            is_above = distance_above < distance_below
        return (above, distance_above) if is_above else (below, distance_below)

    def take(self, row: int) -> None:
        """The control of this row is free no more."""
        self._is_taken[self._person[row]] = 1

    def _candidate(self, block: int, stratum: int, score: float) -> tuple[int, float]:
        if not 0 <= block < self._blocks or self._stratum[block] != stratum:
            return -1, np.inf
        return self._row[self._next[block]], abs(self._score[block] - score)

    def _has_free(self, block: int) -> bool:
        place, end = self._next[block], self._end[block]
        while place < end and self._is_taken[self._person[self._row[place]]]:
            place += 1
        self._next[block] = place
        return place < end

    def _free_from(self, block: int) -> int:
        while (block := _root(self._above, block)) < self._blocks and not self._has_free(block):
            self._above[block] = block + 1
        return block

    def _free_before(self, block: int) -> int:
        """Node n of `_below` stands for block n - 1, and node 0 for none."""
        node = block
        while (node := _root(self._below, node)) > 0 and not self._has_free(node - 1):
            self._below[node] = node - 1
        return node - 1


def _root(parents: memoryview, node: int) -> int:
    while (parent := parents[node]) != node:
        parents[node] = node = parents[parent]
    return node
