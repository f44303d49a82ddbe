"""Pictures of pages, to look at: ``python -m tests.browser.screenshots DIR [PAGE.html …]``.

Without pages, those of :mod:`.reports` are made. Each page is pictured at two widths, light and dark, as it opens and,
with ``--opened``, with all that can be opened open.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .chromium import NARROW, WIDE, Chromium, lacking
from .reports import PAGES, write


def main(arguments):
    """Make the pictures; their paths are printed."""
    reason = lacking()
    if reason is not None:
        sys.exit(reason)
    everything = "--opened" in arguments
    folder, *names = [argument for argument in arguments if not argument.startswith("--")]
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    pages = [Path(name).resolve() for name in names]
    if not pages:
        pages = [write(made(), target.resolve() / f"{name}.html") for name, made in PAGES.items()]
    with tempfile.TemporaryDirectory() as profile:
        browser = Chromium(Path(profile))
        for page in pages:
            for width in (WIDE, NARROW):
                for dark in (False, True):
                    browser.open(page, width=width, dark=dark)
                    if everything:
                        browser.open_all()
                    path = target / f"{page.stem}-{width}-{'dark' if dark else 'light'}.png"
                    browser.picture(path)
                    print(path, *browser.complaints())
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
