import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from picking.scoring.suppression import suppress


def test_best_of_a_chain_drops_its_neighbours_only():
    # 0 is dropped by 1; 2 is dropped by 1 as well, so that 3 stays though it is close to 2.
    positions = [[0, 0, 0], [10, 0, 0], [20, 0, 0], [30, 0, 0]]
    assert suppress(positions, [1, 4, 3, 2], 15).tolist() == [False, True, False, True]


def test_exact_distance_stays():
    positions = [[0, 0, 0], [0, 3, 4]]
    assert suppress(positions, [1, 2], 5).all()
    assert suppress(positions, [1, 2], np.nextafter(5, 6)).tolist() == [False, True]


def test_nothing_and_one():
    assert suppress(np.empty((0, 3)), [], 10).tolist() == []
    assert suppress([[1, 2, 3]], [0.5], 10).tolist() == [True]


def test_same_place_keeps_one():
    assert suppress([[1, 2, 3]] * 5, [1, 1, 1, 1, 1], 1).sum() == 1


positions_and_scores = st.lists(
    st.tuples(*[st.integers(-6, 6)] * 3, st.integers(0, 3)),
    max_size=30,
    unique_by=lambda row: row[:3],
)


@settings(deadline=None, max_examples=60)
@given(positions_and_scores, st.floats(0.1, 8), st.randoms(use_true_random=False))
def test_spacing_coverage_and_order(rows, distance, random):
    table = np.array(rows, dtype=float).reshape(-1, 4)
    keep = suppress(table[:, :3], table[:, 3], distance)
    kept, dropped = table[keep], table[~keep]
    apart = cdist(kept[:, :3], kept[:, :3])
    assert (apart[~np.eye(len(kept), dtype=bool)] >= distance).all()
    # Whatever was dropped has something at least as good close by that stayed.
    close = cdist(dropped[:, :3], kept[:, :3]) < distance
    assert (close & (kept[:, 3] >= dropped[:, 3:])).any(axis=1).all()

    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = table[order]
    again = suppress(shuffled[:, :3], shuffled[:, 3], distance)
    assert again.tolist() == keep[order].tolist()
