"""A page in Debian's Chromium, without a window: what a reader would see of it, and what went wrong in it."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional

#: What has to be there beside the Python package selenium.
PROGRAMS = ("chromium", "chromedriver")
INSTALL = "apt-get install chromium chromium-driver"
WIDE, NARROW, HEIGHT = 1280, 400, 900
#: A page that has not loaded by then never does.
_PATIENCE_S = 120.0
#: Of a picture, in pixels.
_HIGHEST = 16_000
#: Sections and charts that can be seen and have nothing in them yet.
_NOT_DRAWN = """
return [...document.querySelectorAll("[data-section], .canvas")].filter((one) => one.offsetParent && !one.dataset.drawn)
  .map((one) => one.dataset.section || one.getAttribute("aria-label"));
"""
_OPEN = """
const closed = [...document.querySelectorAll("details:not([open])")].filter((one) => one.offsetParent);
for (const one of closed) one.open = true;
return closed.length;
"""


def lacking() -> Optional[str]:
    """Why no page can be opened here; ``None`` where one can."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed: {INSTALL}" if missing else None


class Chromium:
    """One browser, which opens a page after the other."""

    def __init__(self, profile: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for argument in (
            "--headless=new",
            # In a container of root's there is nothing that its sandbox could use.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
        self.driver.set_script_timeout(_PATIENCE_S)
        self.driver.set_page_load_timeout(_PATIENCE_S)

    def open(self, page: Path, *, width: int = WIDE, dark: bool = False, anchor: str = "", media: str = "") -> None:
        """Open a page at a width, on the screen or on another medium, and wait until it is drawn."""
        self._resize(width, HEIGHT)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self._tell("Emulation.setEmulatedMedia", {"media": media, "features": [scheme, still]})
        self.driver.get_log("browser")
        self.driver.get("about:blank")
        self.driver.get(page.as_uri() + anchor)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a function body of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, where the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        actions = ActionChains(self.driver)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def click(self, x: float, y: float) -> None:
        """Click at a place of the window, in pixels."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **button})

    @property
    def text(self) -> str:
        """What stands on the page, as it is drawn."""
        return str(self.run("return document.body.innerText"))

    def complaints(self) -> List[str]:
        """What the browser had to say: errors of scripts, and all that the page's policy refused."""
        entries: List[Dict[str, Any]] = self.driver.get_log("browser")
        return [str(entry["message"]) for entry in entries]

    def draw_all(self) -> None:
        """Draw what is drawn when it comes near the window, as before the page is printed."""
        for _ in range(3):
            self.run("dispatchEvent(new Event('beforeprint'))")
        assert self.run(_NOT_DRAWN) == []

    def open_all(self) -> None:
        """Open all that a reader can open, and draw it."""
        while self.run(_OPEN):
            # What opens is filled by an event of its own, which comes later.
            self.run("return new Promise((done) => setTimeout(done))")
            self.draw_all()

    def picture(self, path: Path) -> None:
        """The whole page, also what is below the screen, as PNG."""
        self.draw_all()
        width = int(self.run("return window.innerWidth"))
        # Rows that are far from the window have no content in a picture.
        for _ in range(2):
            self._resize(width, min(int(self.run("return document.documentElement.scrollHeight")), _HIGHEST))
            self.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(taken["data"]))

    def close(self) -> None:
        """End the browser."""
        self.driver.quit()

    def _resize(self, width: int, height: int) -> None:
        shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._tell("Emulation.setDeviceMetricsOverride", shape)

    def _tell(self, command: str, values: Dict[str, Any]) -> None:
        self.driver.execute_cdp_cmd(command, values)
