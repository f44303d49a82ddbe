"""Which distribution a file of site-packages belongs to."""

from __future__ import annotations

import pytest

from pytest_edgeperf.measure.digests import Digests
from pytest_edgeperf.measure.installed_packages import Owner, Owners, place_of


@pytest.fixture
def site(tmp_path):
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    files = {
        "numpy/__init__.py": "",
        "numpy-1.26.4.dist-info/RECORD": "numpy/__init__.py,,\nnumpy.libs/libblas.so,,\n",
        "cv2/__init__.py": "",
        "opencv_python_headless-4.10.0.84.dist-info/RECORD": "cv2/__init__.py,sha256=a,1\ncv2/cv2.abi3.so,,\n",
        "google/protobuf/__init__.py": "",
        "protobuf-5.29.0.dist-info/RECORD": "google/protobuf/__init__.py,,\n",
        "google/auth/__init__.py": "",
        "google_auth-2.0.dist-info/RECORD": "google/auth/__init__.py,,\n",
        "six.py": "",
        "six-1.16.0.dist-info/RECORD": "six.py,,\n",
        "yaml/__init__.py": "",
        "PyYAML-5.3.1-py3.8.egg-info/top_level.txt": "_yaml\nyaml\n",
        "copied/__init__.py": "",
        "mine/__init__.py": "",
        "mine-0.1.dist-info/RECORD": "mine/__init__.py,,\n",
        "mine-0.1.dist-info/direct_url.json": "{}",
    }
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    return site


@pytest.mark.parametrize(
    ("file", "owner"),
    [
        ("numpy/core/multiarray.py", Owner("numpy", "1.26.4")),
        ("numpy.libs/libblas.so", Owner("numpy", "1.26.4")),
        ("cv2/cv2.abi3.so", Owner("opencv-python-headless", "4.10.0.84")),
        ("google/protobuf/message.py", Owner("protobuf", "5.29.0")),
        ("google/auth/token.py", Owner("google-auth", "2.0")),
        ("six.py", Owner("six", "1.16.0")),
        ("yaml/__init__.py", Owner("pyyaml", "5.3.1")),
        ("copied/__init__.py", None),
        ("mine/__init__.py", Owner("mine", "0.1", own_build=True)),
    ],
)
def test_it_is_found_by_its_name_or_by_what_the_distribution_says_it_has(site, file, owner):
    place = place_of(str(site / file))
    assert place is not None
    assert place.site == str(site)
    assert place.path == file
    assert Owners(Digests()).of(place) == owner


def test_nothing_is_looked_up_again_until_something_is_installed(site, tmp_path):
    kept, place = tmp_path / "files.json", place_of(str(site / "cv2/__init__.py"))
    for upgraded in (False, True):
        first = Digests(kept)
        assert Owners(first).of(place).version == ("4.11.0" if upgraded else "4.10.0.84")
        first.save()
        second = Digests(kept)
        Owners(second).of(place)
        assert (first.files_read, second.files_read) == (1, 0)
        if not upgraded:
            old = site / "opencv_python_headless-4.10.0.84.dist-info"
            old.rename(site / "opencv_python_headless-4.11.0.dist-info")


@pytest.mark.parametrize("file", ["/home/a/code/ops.py", "/usr/lib/python3.11/json/__init__.py", "/x/site-packages"])
def test_what_is_not_installed_has_no_place(file):
    assert place_of(file) is None
