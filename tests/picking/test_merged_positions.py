import numpy as np
import pytest

from picking.merged_positions import merged_positions


def positions(*xs: float) -> np.ndarray:
    return np.array([[x, 0.0, 0.0] for x in xs]).reshape(-1, 3)


def merged_x(*sets: np.ndarray, distance: float = 10) -> list[float]:
    return merged_positions(sets, distance)[:, 0].tolist()


def test_what_two_sets_have_is_one_particle_half_way_between() -> None:
    assert merged_x(positions(0, 100), positions(4, 200)) == [2, 100, 200]


def test_three_sets_have_a_particle_at_the_mean_of_theirs() -> None:
    assert merged_x(positions(0), positions(6), positions(9)) == pytest.approx([5])


def test_close_picks_of_one_set_stay_two_particles() -> None:
    assert merged_x(positions(0, 3), positions(50)) == [0, 3, 50]


def test_pairs_are_one_to_one_the_closest_first() -> None:
    # Both of the second set are close to 0; the closer one is it, the other a particle of its own.
    assert merged_x(positions(0), positions(8, 2)) == [1, 8]


def test_what_is_as_far_apart_as_the_distance_stays_two() -> None:
    assert merged_x(positions(0), positions(10)) == [0, 10]


@pytest.mark.parametrize("sets", [(), (positions(),), (positions(), positions())])
def test_of_nothing_nothing_is_made(sets: tuple[np.ndarray, ...]) -> None:
    assert merged_positions(sets, 10).shape == (0, 3)
