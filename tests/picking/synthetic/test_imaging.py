"""Imaging: particles come out dark and in their place, and the wedge stays empty."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from picking.config.synthetic import TOMO_TYPES, SyntheticSettings
from picking.synthetic.density import potential_volume
from picking.synthetic.field import Field
from picking.synthetic.filters import disk_values, measure_spectrum, reconstruct
from picking.synthetic.imaging import HalfSets, image
from picking.synthetic.microscope import (
    FourierSampling,
    contrast_transfer,
    dose_symmetric_tilts,
)
from picking.synthetic.molecules import labelled_molecules
from picking.synthetic.placing import Placement
from picking.synthetic.random_streams import stream_for

NOISELESS = SyntheticSettings(shape_zyx=(48, 64, 72), noise_strength=0.0)
NOISY = SyntheticSettings(shape_zyx=(48, 64, 72), noise_strength=3.0)
FIELD = Field(NOISELESS.shape_zyx, NOISELESS.voxel_size_angstrom)
DEFOCUS_ANGSTROM = 30_000.0
SLAB_ANGSTROM = 400.0

# No whole number of voxels on any axis, and not the field's middle.
POSITION_XYZ_ANGSTROM = np.array([341.7, 296.4, 233.3])


def particle(particle_type: str) -> Placement:
    turn = Rotation.from_euler("zyx", [20, 40, 60], degrees=True)
    return Placement(labelled_molecules()[particle_type], POSITION_XYZ_ANGSTROM, turn)


def sampling(settings: SyntheticSettings) -> FourierSampling:
    return FourierSampling(settings, FIELD.padded_shape_zyx, DEFOCUS_ANGSTROM, SLAB_ANGSTROM)


def imaged(settings: SyntheticSettings, particle_type: str) -> HalfSets:
    potential = potential_volume(FIELD, [particle(particle_type)])
    return image(potential, sampling(settings), stream_for(0, "noise"), workers=1)


def centre_of_mass_xyz_angstrom(weights_zyx: np.ndarray) -> np.ndarray:
    grid_zyx = np.indices(weights_zyx.shape).reshape(3, -1)
    centre_zyx = grid_zyx @ weights_zyx.ravel() / weights_zyx.sum()
    return centre_zyx[::-1] * FIELD.voxel_size_angstrom


def test_splatted_particle_keeps_its_place_and_its_potential() -> None:
    volume = potential_volume(FIELD, [particle("thyroglobulin")])
    assert volume.shape == FIELD.padded_shape_zyx
    centre = centre_of_mass_xyz_angstrom(FIELD.crop(volume))
    np.testing.assert_allclose(centre, POSITION_XYZ_ANGSTROM, atol=0.05)
    # 605 kDa of protein at 0.81 Da/Å3 and 3.5 V above ice.
    expected = 605 / 0.81e-3 * 3.5 / FIELD.voxel_size_angstrom**3
    assert volume.sum() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("tomo_type", TOMO_TYPES)
def test_imaged_particle_is_dark_and_in_its_place(tomo_type: str) -> None:
    # The virus-like particle's shape is its own mirror image, up to a little: so the weight of
    # what is dark has its centre in its place, whatever the contrast transfer does to it.
    halves = imaged(NOISELESS, "virus-like-particle")
    tomogram = reconstruct(halves, FIELD, tomo_type, measure_spectrum(halves), workers=1)
    near = np.ones(tomogram.shape, dtype=bool)
    grid = np.indices(tomogram.shape)[::-1] * FIELD.voxel_size_angstrom  # x, y, z in Å
    distance = np.sqrt(((grid - POSITION_XYZ_ANGSTROM[:, None, None, None]) ** 2).sum(axis=0))
    near = distance < 200.0
    darkness = np.where(near, np.clip(-tomogram, 0, None) ** 2, 0)
    centre = centre_of_mass_xyz_angstrom(darkness)
    np.testing.assert_allclose(centre, POSITION_XYZ_ANGSTROM, atol=1.0)
    assert tomogram[(distance > 118) & (distance < 138)].mean() < -0.5 * tomogram.std()


def test_noisy_data_of_half_sets_share_the_signal_only() -> None:
    halves = imaged(NOISY, "ribosome")
    spectrum = measure_spectrum(halves)
    assert not np.array_equal(halves.first, halves.second)
    correlation = spectrum.fourier_shell_correlation
    assert correlation[2:5].mean() > 0.5  # coarse shells agree
    assert np.abs(correlation[36:44]).mean() < 0.2  # shells near the resolution limit do not
    # What the halves differ in is the noise that the dose predicts.
    assert spectrum.noise_scale == pytest.approx(1.0, rel=0.05)


def test_no_noise_gives_equal_halves() -> None:
    halves = imaged(NOISELESS, "ribosome")
    assert np.array_equal(halves.first, halves.second)


def test_more_dose_gives_less_noise() -> None:
    low = sampling(NOISY).noise(0).mean()
    high = sampling(NOISY.model_copy(update={"dose_per_tilt": 7.0})).noise(0).mean()
    assert high == pytest.approx(low / 2)


@pytest.mark.parametrize("tomo_type", ["wbp", "ctfdeconvolved", "denoised"])
def test_wedge_is_empty_where_no_tilt_looked(tomo_type: str) -> None:
    halves = imaged(NOISY, "ribosome")
    field = Field(FIELD.shape_zyx, FIELD.voxel_size_angstrom)
    whole = _uncropped(halves, tomo_type)
    power = np.abs(np.fft.rfftn(whole)) ** 2
    seen, unseen = _tilt_regions(field)
    assert power[:, seen].mean() > 0
    assert power[:, unseen].mean() < 1e-6 * power[:, seen].mean()


def test_isonetcorrected_fills_part_of_the_wedge() -> None:
    halves = imaged(NOISY, "ribosome")
    power = np.abs(np.fft.rfftn(_uncropped(halves, "isonetcorrected"))) ** 2
    seen, unseen = _tilt_regions(FIELD)
    assert 1e-3 < power[:, unseen].mean() / power[:, seen].mean() < 1


def _uncropped(halves: HalfSets, tomo_type: str) -> np.ndarray:
    """Reconstruct the padded volume, by a field that takes all of it."""

    class Uncropped(Field):
        def crop(self, padded_zyx: np.ndarray) -> np.ndarray:
            return padded_zyx

    field = Uncropped(FIELD.shape_zyx, FIELD.voxel_size_angstrom)
    volume = reconstruct(halves, field, tomo_type, measure_spectrum(halves), workers=1)
    return volume.transpose(1, 0, 2)  # (Y, Z, X): masks of (kz, kx) come last


def _tilt_regions(field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Where in (kz, kx) all tilts within 45 degrees look, and where none does; with room between.

    A transform (Y, Z, X) has these two as its last axes.
    """
    shape_z, _, shape_x = field.padded_shape_zyx
    kz = np.fft.fftfreq(shape_z)[:, None]
    kx = np.fft.rfftfreq(shape_x)[None]
    # A wave along (kz, kx) is normal to the beam at tilt angle atan(kz / kx).
    angle = np.degrees(np.arctan2(np.abs(kz), np.abs(kx)))
    length = np.hypot(kz, kx)
    return (angle < 40) & (length > 0.1) & (length < 0.3), (angle > 60) & (length > 0.1)


def test_contrast_transfer_is_dark_at_low_frequency_and_crosses_zero_where_it_should() -> None:
    # Without amplitude contrast and aberration to speak of, the first zero is at k2 = 1/(lambda d).
    first_zero = 1 / (0.019687 * DEFOCUS_ANGSTROM)
    squared = np.array([0.0, 0.5, 0.98, 1.02, 1.5], dtype=np.float32) * np.float32(first_zero)
    transfer = contrast_transfer(squared, DEFOCUS_ANGSTROM, 0.0)
    assert np.sign(transfer).tolist() == [0, -1, -1, 1, 1]
    assert contrast_transfer(squared[:1], DEFOCUS_ANGSTROM, 0.08)[0] == pytest.approx(-0.08)


def test_damage_grows_with_the_dose() -> None:
    fresh = sampling(NOISELESS.model_copy(update={"dose_per_tilt": 0.1})).signal(0)
    burnt = sampling(NOISELESS.model_copy(update={"dose_per_tilt": 10.0})).signal(0)
    coarse, fine = 4, 40  # rows: ky of 1/240 and 1/24 per Å

    def what_is_left(row: int) -> float:
        # Along the tilt axis (kx = kz = 0) every tilt counts alike.
        return float(burnt[row, 0] / fresh[row, 0])

    assert what_is_left(fine) < 0.6 * what_is_left(coarse)
    assert what_is_left(coarse) < 1


def test_tilts_start_at_zero_and_end_at_the_steepest() -> None:
    tilts = dose_symmetric_tilts(SyntheticSettings())
    assert len(tilts.angles_degrees) == 31
    assert tilts.angles_degrees[0] == 0
    assert set(np.abs(tilts.angles_degrees[-2:])) == {45.0}
    assert (np.diff(tilts.dose_before) > 0).all()


def test_filters_differ_and_denoised_is_smoother() -> None:
    halves = imaged(NOISY, "ribosome")
    spectrum = measure_spectrum(halves)
    made = {t: reconstruct(halves, FIELD, t, spectrum, workers=1) for t in TOMO_TYPES}

    def roughness(tomo_type: str) -> float:
        return float(np.diff(made[tomo_type], axis=2).std())

    assert roughness("denoised") < roughness("ctfdeconvolved") < roughness("wbp")
    assert np.corrcoef(made["denoised"].ravel(), made["isonetcorrected"].ravel())[0, 1] < 0.99


def test_signal_power_does_not_rise_at_fine_detail() -> None:
    # Near zeros of the contrast transfer an estimate may blow up: it would fill `denoised` with
    # a fine grain.
    spectrum = measure_spectrum(imaged(NOISY, "ribosome"))
    finer_than_100_angstrom = spectrum.signal[11:]
    assert (np.diff(finer_than_100_angstrom) <= 0).all()


def test_unknown_tomo_type_is_refused() -> None:
    halves = imaged(NOISELESS, "ribosome")
    with pytest.raises(ValueError, match="unknown tomo_type 'wpb'"):
        reconstruct(halves, FIELD, "wpb", measure_spectrum(halves))


def test_values_have_the_scale_of_the_real_data() -> None:
    values = stream_for(0, "values").normal(5, 3, (8, 16, 16)).astype(np.float32)
    scaled = disk_values(values)
    assert scaled.dtype == np.float32
    assert scaled.std() == pytest.approx(7e-6, rel=1e-3)
    assert abs(scaled.mean()) < 1e-9
