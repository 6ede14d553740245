"""Known cubes have known values."""

import numpy as np
import pytest

from features import gradient, harmonics, intensity, shape, symmetry, texture
from picking.config import FeatureSettings
from tests.features.made_data import cubes_of

SETTINGS = FeatureSettings()
FAMILIES = (intensity, gradient, shape, texture, symmetry, harmonics)
SQRT_HALF = np.sqrt(0.5)


def radius(z, y, x):
    return np.sqrt(z**2 + y**2 + x**2)


def ball(z, y, x, size=0.8):
    return -1.0 * (radius(z, y, x) <= size)


def gaussian_ball(z, y, x, sigma=0.4):
    return -np.exp(-0.5 * (radius(z, y, x) / sigma) ** 2)


def dimer(along, across, weights=(1.0, 1.0)):
    """Two Gaussian balls on either side along a direction."""
    at = 0.55
    return sum(
        -weight * np.exp(-0.5 * ((along - side) ** 2 + across**2) / 0.3**2)
        for weight, side in zip(weights, (at, -at), strict=True)
    )


def values_of(family, *functions):
    return family.measure(cubes_of(*functions), SETTINGS)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_every_declared_feature_is_measured_and_finite_even_for_flat_cubes(family):
    rng = np.random.default_rng(0)
    measured = values_of(
        family,
        lambda z, y, x: 0,
        lambda z, y, x: -8,
        ball,
        lambda z, y, x: rng.normal(size=z.shape),
    )
    names = [feature.name for feature in family.declared(SETTINGS)]
    assert sorted(measured) == sorted(names)
    assert len(set(names)) == len(names)
    for name, values in measured.items():
        assert values.shape == (4,), name
        assert np.isfinite(values).all(), name


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_cube_is_measured_alike_alone_and_among_others(family):
    rng = np.random.default_rng(1)
    noise = rng.normal(size=17**3)
    together = values_of(family, ball, lambda z, y, x: noise, gaussian_ball)
    alone = values_of(family, lambda z, y, x: noise)
    for name, values in alone.items():
        assert values[0] == pytest.approx(together[name][1], rel=1e-3, abs=1e-4), name


def test_shells_of_a_linear_profile():
    measured = values_of(intensity, radius)
    width = 1.5 / SETTINGS.shells
    for shell in range(1, SETTINGS.shells):
        a, b = shell * width, (shell + 1) * width
        mean = 0.75 * (b**4 - a**4) / (b**3 - a**3)
        assert measured[f"intensity_shell_{shell}_mean"][0] == pytest.approx(mean, abs=0.04)
    assert measured["intensity_profile_slope"][0] == pytest.approx(1, abs=0.05)
    assert measured["intensity_profile_minimum"][0] == pytest.approx(width / 2)


def test_contrast_of_a_dark_ball_and_hollowness_of_a_shell():
    def hollow(z, y, x):
        return -1.0 * ((radius(z, y, x) > 0.5) & (radius(z, y, x) <= 1.0))

    measured = values_of(intensity, lambda z, y, x: ball(z, y, x, 1.0), hollow)
    assert measured["intensity_contrast"][0] == pytest.approx(1)
    assert measured["intensity_contrast"][1] == pytest.approx(7 / 8, abs=0.03)
    assert measured["intensity_shell_0_mean"] == pytest.approx([-1, 0])
    assert measured["intensity_shell_5_mean"] == pytest.approx([0, 0], abs=1e-6)
    assert measured["intensity_body_percentile_5"] == pytest.approx([-1, -1])
    assert measured["intensity_profile_hollowness"] == pytest.approx([0, 1], abs=0.05)


def test_gradient_of_a_cone_points_outward_and_of_a_ramp_along_z():
    measured = values_of(gradient, radius, lambda z, y, x: 3 * z)
    assert measured["gradient_radial_rim"] == pytest.approx([1, 0], abs=0.02)
    assert measured["gradient_magnitude_rim"] == pytest.approx([1, 3], abs=0.02)
    assert measured["gradient_radial_share_rim"] == pytest.approx([1, 1 / 3], abs=0.02)
    assert measured["gradient_z_share_rim"] == pytest.approx([1 / 3, 1], abs=0.02)


def test_blob_responses_to_a_gaussian_ball():
    measured = values_of(gradient, gaussian_ball)

    def blurred_height(sigma):  # of a Gaussian ball of 0.4 radii, at its centre
        return -((0.4**2 / (0.4**2 + sigma**2)) ** 1.5)

    for name, sigma in gradient.LAPLACIAN_SIGMAS_RADII.items():
        expected = -3 * sigma**2 / (0.4**2 + sigma**2) * blurred_height(sigma)
        assert measured[f"gradient_laplacian_{name}"][0] == pytest.approx(expected, rel=0.1)
    narrow, wide = gradient.DIFFERENCE_SIGMAS_RADII["inner"]
    expected = blurred_height(wide) - blurred_height(narrow)
    assert measured["gradient_difference_inner"][0] == pytest.approx(expected, rel=0.05)
    middle = shape.HESSIAN_SIGMA_RADII
    curvature = -(middle**2) / (0.4**2 + middle**2) * blurred_height(middle)
    hessian = values_of(shape, gaussian_ball)
    for name in ("least", "middle", "greatest"):
        assert hessian[f"shape_hessian_{name}"][0] == pytest.approx(curvature, rel=0.1)


def test_inertia_of_a_turned_ellipsoid():
    def ellipsoid(z, y, x):  # half-axes 1.1, 0.8 and 0.5; the long one between z and x
        long, short = SQRT_HALF * (z + x), SQRT_HALF * (z - x)
        return -2.0 * ((long / 1.1) ** 2 + (y / 0.8) ** 2 + (short / 0.5) ** 2 <= 1)

    measured = values_of(shape, ellipsoid, ball)
    assert measured["shape_elongation"] == pytest.approx([1 - 0.8 / 1.1, 0], abs=0.03)
    assert measured["shape_flatness"] == pytest.approx([1 - 0.5 / 0.8, 0], abs=0.03)
    assert measured["shape_axis_tilt"][0] == pytest.approx(SQRT_HALF, abs=0.03)
    # Mean square of an axis of an ellipsoid is a fifth of its half-axis squared.
    expected = np.sqrt((1.1**2 + 0.8**2 + 0.5**2) / 5)
    assert measured["shape_gyration_radius"][0] == pytest.approx(expected, rel=0.03)
    assert measured["shape_gyration_radius"][1] == pytest.approx(0.8 * np.sqrt(3 / 5), rel=0.03)
    assert measured["shape_mass_offset"] == pytest.approx([0, 0], abs=1e-4)
    volume = 1.1 * 0.8 * 0.5
    assert measured["shape_component_volume"] == pytest.approx([volume, 0.8**3], rel=0.1)


def test_mass_offset_and_leak_of_a_ball_beside_the_centre():
    measured = values_of(shape, lambda z, y, x: ball(z, y - 0.3, x), ball)
    assert measured["shape_mass_offset"] == pytest.approx([0.3, 0], abs=0.03)
    assert measured["shape_component_leak"][0] > 0.01
    assert measured["shape_component_leak"][1] == 0


def test_only_the_largest_dark_part_of_each_cube_counts():
    def two_balls(z, y, x):
        return ball(z, y, x, 0.5) + ball(z - 1.1, y, x, 0.25)

    measured = values_of(shape, two_balls, lambda z, y, x: ball(z, y, x, 0.5), ball)
    volume = measured["shape_component_volume"]
    assert volume[0] == pytest.approx(volume[1])
    assert volume[2] > 2 * volume[1]


def test_structure_tensor_tells_sheets_and_rods_from_balls():
    measured = values_of(
        shape,
        lambda z, y, x: -np.exp(-0.5 * (z / 0.3) ** 2),
        lambda z, y, x: -np.exp(-0.5 * (z**2 + y**2) / 0.3**2),
        gaussian_ball,
    )
    assert measured["shape_tensor_planarity"] == pytest.approx([1, 0, 0], abs=0.02)
    assert measured["shape_tensor_linearity"] == pytest.approx([0, 1, 0], abs=0.02)
    assert measured["shape_tensor_tilt"][0] == pytest.approx(1)


def test_texture_of_a_wave():
    wavelength = 0.75  # radii: the far lag; the near one is half of it
    measured = values_of(texture, lambda z, y, x: np.cos(2 * np.pi * x / wavelength))
    assert measured["texture_energy_band_2"][0] > 0.6  # 1.33 a radius, and the window blurs
    assert measured["texture_energy_band_0"][0] < 0.02
    assert measured["texture_energy_z_share"][0] < 0.05
    assert measured["texture_correlation_z_near"][0] == pytest.approx(1, abs=0.05)
    assert measured["texture_correlation_xy_near"][0] == pytest.approx(0, abs=0.1)
    assert measured["texture_correlation_xy_far"][0] == pytest.approx(1, abs=0.1)


def test_texture_of_two_values_and_of_noise():
    rng = np.random.default_rng(0)
    measured = values_of(
        texture,
        lambda z, y, x: np.where(x > 0, 1.0, -1.0),
        lambda z, y, x: rng.normal(0, 0.5, z.shape),
    )
    assert measured["texture_entropy"][0] == pytest.approx(np.log(2), abs=0.02)
    assert measured["texture_local_std_coarse"][1] == pytest.approx(0.5, rel=0.1)
    assert measured["texture_energy_total"][1] == pytest.approx(np.log(0.25), abs=0.3)
    assert measured["texture_correlation_z_near"][1] == pytest.approx(0, abs=0.15)
    shares = [measured[f"texture_energy_band_{band}"] for band in range(3)]
    assert sum(shares) + measured["texture_energy_high"] == pytest.approx([1, 1], abs=1e-4)


def test_symmetry_of_a_ramp_is_odd_under_inversion():
    measured = values_of(symmetry, lambda z, y, x: x, lambda z, y, x: z)
    assert measured["symmetry_inversion"] == pytest.approx([-1, -1])
    assert measured["symmetry_mirror_z"] == pytest.approx([1, -1])
    assert measured["symmetry_mirror_xy"] == pytest.approx([0, 1], abs=1e-5)
    assert measured["symmetry_turn_z_180"] == pytest.approx([-1, 1])
    assert measured["symmetry_turn_z_90"] == pytest.approx([0, 1], abs=1e-5)
    assert measured["symmetry_turn_xy_180"] == pytest.approx([0, -1], abs=1e-5)
    assert measured["symmetry_axial_share"] == pytest.approx([0, 1], abs=1e-3)


def test_radial_average_explains_a_ball_and_not_a_dimer():
    measured = values_of(symmetry, gaussian_ball, lambda z, y, x: dimer(x, np.hypot(y, z)))
    assert measured["symmetry_radial_share"][0] > 0.98
    assert measured["symmetry_radial_share"][1] < 0.6


def test_a_dimer_in_any_direction_is_like_itself_about_its_own_axes():
    direction = np.array([0.48, 0.6, 0.64])  # zyx, length 1

    def lying(weights):
        def values(z, y, x):
            along = direction @ np.stack([z, y, x])
            across = np.sqrt(np.maximum(radius(z, y, x) ** 2 - along**2, 0))
            return dimer(along, across, weights)

        return values

    measured = values_of(symmetry, lying((1.0, 1.0)), lying((1.0, 0.6)))
    for axis in symmetry.PRINCIPAL_AXES:
        assert measured[f"symmetry_turn_{axis}_180"][0] > 0.93
    assert measured["symmetry_turn_z_180"][0] < 0.7
    assert measured["symmetry_turn_long_180"][1] > 0.93
    assert measured["symmetry_turn_short_180"][1] < measured["symmetry_turn_long_180"][1] - 0.05


def harmonic(measured, shell, degree):
    return measured[f"harmonics_shell_{shell}_degree_{degree}"]


def test_each_degree_answers_to_its_own_harmonic():
    def legendre(degree, sine):
        """A density that is a zonal harmonic about an axis, given the cosine to that axis."""
        coefficients = np.zeros(degree + 1)
        coefficients[degree] = 1
        return np.polynomial.legendre.legval(sine, coefficients)

    degrees = harmonics.degrees(1.0)
    assert list(degrees) == [1, 2, 3, 4, 5, 6]
    for degree in degrees:
        measured = values_of(
            harmonics,
            lambda z, y, x, d=degree: legendre(d, z / np.maximum(radius(z, y, x), 1e-9)),
        )
        strengths = [harmonic(measured, 4, other)[0] for other in degrees]
        assert np.argmax(strengths) == degree - 1
        assert sum(strengths) < 1.5 * max(strengths)


def test_harmonics_of_a_dimer_are_the_same_in_any_direction():
    # The grid's own four-fold directions show in the highest degrees alone.
    directions = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1], [1, 2, 3]], dtype=float)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)

    def turned(direction):
        def density(z, y, x):
            along = z * direction[0] + y * direction[1] + x * direction[2]
            return dimer(along, np.sqrt(np.maximum(radius(z, y, x) ** 2 - along**2, 0)))

        return density

    measured = values_of(harmonics, *(turned(direction) for direction in directions))
    for shell in (2, 3, 4):
        second = harmonic(measured, shell, 2)
        np.testing.assert_allclose(second, second[0], rtol=0.05)
        # What is the same on both sides has no odd harmonics.
        assert (harmonic(measured, shell, 1) < 0.05 * second).all()
        assert (harmonic(measured, shell, 3) < 0.05 * second).all()


def test_harmonics_see_no_ball_and_no_brightness():
    measured = values_of(harmonics, lambda z, y, x: -3, gaussian_ball)
    for name, values in measured.items():
        assert (np.abs(values) < 0.05).all(), name
