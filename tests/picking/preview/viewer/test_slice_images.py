import base64
import io

import numpy as np
import pytest
from PIL import Image

from picking.files.tomogram import Tomogram
from picking.preview.viewer.content import ViewerContent
from picking.preview.viewer.slice_images import binned, slice_images
from picking.preview.viewer.write_page import BYTES_AROUND_IMAGES, MOST_BYTES, render

PLENTY = 10**7
VOXEL_ANGSTROM = 10.0


def tomogram(values_zyx):
    return Tomogram("R", np.asarray(values_zyx, np.float32), np.full(3, VOXEL_ANGSTROM))


def pixels(base64_jpeg):
    with Image.open(io.BytesIO(base64.b64decode(base64_jpeg))) as image:
        assert image.format == "JPEG"
        return np.asarray(image)


def noise(shape_zyx):
    return np.random.default_rng(0).standard_normal(shape_zyx, dtype=np.float32)


def length(images):
    return sum(map(len, images.base64_jpegs))


def test_blocks_are_averaged_and_the_last_of_an_odd_side_is_smaller():
    values = np.arange(3 * 2 * 5, dtype=np.float32).reshape(3, 2, 5)
    small = binned(values, 2)
    assert small.shape == (2, 1, 3)
    assert small[0, 0, 0] == values[:2, :2, :2].mean()
    assert small[1, 0, 2] == values[2:, :2, 4:].mean()


def test_slices_are_half_size_with_their_places():
    images = slice_images(tomogram(noise((6, 8, 10))), PLENTY)
    assert images.heights_angstrom == (5, 25, 45)
    assert images.extent_angstrom == (-5, 95, -5, 75)
    assert [pixels(image).shape for image in images.base64_jpegs] == [(4, 5)] * 3


def test_y_goes_upwards():
    values = np.zeros((2, 32, 32))
    values[:, 16:, :16] = 1  # high y, low x
    (image,) = slice_images(tomogram(values), PLENTY).base64_jpegs
    top_left = np.zeros((16, 16), bool)
    top_left[:8, :8] = True
    assert (pixels(image)[top_left] > 200).all()
    assert (pixels(image)[~top_left] < 50).all()


def test_grey_means_the_same_in_all_slices():
    values = noise((4, 32, 32))
    values[2:] += 4
    low, high = slice_images(tomogram(values), PLENTY).base64_jpegs
    assert pixels(high).mean() > pixels(low).mean() + 100


def test_the_quality_is_the_best_that_fits():
    field = tomogram(noise((8, 64, 64)))
    best = slice_images(field, PLENTY)
    assert slice_images(field, length(best)) == best
    worse = slice_images(field, length(best) - 1)
    assert 0.5 * length(best) < length(worse) < length(best)
    assert worse.heights_angstrom == best.heights_angstrom


def test_what_does_not_fit_at_half_size_is_made_smaller_still():
    field = tomogram(noise((8, 64, 64)))
    images = slice_images(field, 2_000)
    assert length(images) <= 2_000
    assert len(images.base64_jpegs) < 4
    assert pixels(images.base64_jpegs[0]).shape[0] < 32
    # Whatever the room, there is something to see.
    assert slice_images(field, 0).base64_jpegs


def test_a_page_of_a_full_size_field_of_noise_stays_below_its_limit():
    # Nothing takes a JPEG more room than noise; blocks of noise are quicker to make.
    values = np.tile(noise((8, 630, 630)), (23, 1, 1))
    images = slice_images(tomogram(values), MOST_BYTES - BYTES_AROUND_IMAGES)
    assert len(images.base64_jpegs) == 92
    assert pixels(images.base64_jpegs[0]).shape == (315, 315)
    page = render(ViewerContent("R", "truth", "results/NAME", (), images))
    assert 0.3 * MOST_BYTES < len(page.encode()) <= MOST_BYTES


@pytest.mark.parametrize("flat", [0.0, 3.0])
def test_a_flat_field_is_shown(flat):
    assert slice_images(tomogram(np.full((4, 16, 16), flat)), PLENTY).base64_jpegs
