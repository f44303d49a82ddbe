from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
from labelled.pictures import reader, sides

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)


@pytest.fixture(params=["PIL", "cv2"])
def library(request, monkeypatch):
    """One library that reads pictures; the other is as if it were not installed. Pillow writes the tests' pictures."""
    pytest.importorskip("PIL", reason="Pillow is not installed")
    pytest.importorskip(request.param, reason=f"{request.param} is not installed")

    def take_the_other_away():
        if request.param == "cv2":
            for name in [name for name in sys.modules if name.partition(".")[0] == "PIL"]:
                monkeypatch.delitem(sys.modules, name)
            monkeypatch.setitem(sys.modules, "PIL", None)
        else:
            monkeypatch.setitem(sys.modules, "cv2", None)

    return take_the_other_away


def write(path, pixels=PIXELS, **options):
    from PIL import Image

    Image.fromarray(pixels).save(path, **options)
    return path


def test_pixels_are_as_written_red_first(library, tmp_path):
    path = write(tmp_path / "one.png")
    library()
    photograph = reader(path, 5, 7)()
    assert (photograph.dtype, photograph.flags.c_contiguous, photograph.flags.writeable) == (np.uint8, True, True)
    np.testing.assert_array_equal(photograph, PIXELS)
    assert sides(path) == (5, 7)


def test_grey_is_three_equal_channels(library, tmp_path):
    path = write(tmp_path / "grey.png", PIXELS[:, :, 0])
    library()
    np.testing.assert_array_equal(reader(path, 5, 7)(), np.repeat(PIXELS[:, :, :1], 3, axis=2))


def test_transparency_is_left_out(library, tmp_path):
    opaque = np.concatenate([PIXELS, np.full((5, 7, 1), 255, np.uint8)], axis=2)
    path = write(tmp_path / "layer.png", opaque)
    library()
    np.testing.assert_array_equal(reader(path, 5, 7)(), PIXELS)


def test_an_orientation_of_the_camera_is_not_applied(library, tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    path = write(tmp_path / "turned.jpg", np.tile(PIXELS[:1, :1], (16, 24, 1)), exif=exif)
    library()
    assert sides(path) == (16, 24)
    photograph = reader(path, 16, 24)()
    assert photograph.shape == (16, 24, 3)
    assert np.abs(photograph.astype(int) - PIXELS[0, 0]).max() < 8


def test_a_file_that_is_not_there_is_named(library, tmp_path):
    library()
    for read in (reader(tmp_path / "gone.jpg", 5, 7), lambda: sides(tmp_path / "gone.jpg")):
        with pytest.raises(ValueError, match=r"gone\.jpg: does not exist, .*: unpack the pictures"):
            read()


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"], ids=["empty", "text", "header"])
def test_a_file_that_is_no_picture_is_named(library, tmp_path, content):
    (tmp_path / "broken.png").write_bytes(content)
    library()
    for read in (reader(tmp_path / "broken.png", 5, 7), lambda: sides(tmp_path / "broken.png")):
        with pytest.raises(ValueError, match=r"broken\.png: cannot be read as a picture .*: unpack the set again"):
            read()


def test_a_file_that_was_cut_off_is_named(tmp_path):
    pytest.importorskip("PIL", reason="Pillow is not installed")
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    path = write(tmp_path / "cut.jpg", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"cut\.jpg: cannot be read as a picture"):
        reader(path, 64, 64)()


def test_another_size_than_the_labels_say_is_refused(library, tmp_path):
    path = write(tmp_path / "one.png")
    library()
    with pytest.raises(ValueError, match=r"one\.png: is 7 pixels wide and 5 high, and by its labels 5 and 7: use"):
        reader(path, 7, 5)()


def test_without_a_library_the_message_has_the_remedy(monkeypatch, tmp_path):
    for name in ("PIL", "cv2"):
        monkeypatch.setitem(sys.modules, name, None)
    for read in (reader(tmp_path / "one.png", 5, 7), lambda: sides(tmp_path / "one.png")):
        with pytest.raises(ModuleNotFoundError, match=r"one\.png: neither Pillow nor OpenCV .*: pip install Pillow"):
            read()


def test_a_reader_goes_to_other_processes(tmp_path):
    pytest.importorskip("PIL", reason="Pillow is not installed")
    path = write(tmp_path / "one.png")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reader(path, 5, 7)))(), PIXELS)
