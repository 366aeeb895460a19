"""`python -m tools.draw_icons`: draw the app's icons anew from its sign, static/wfpush/favicon.svg.

They are kept in the repository, since nothing that runs it has a browser at hand. Needs Chromium and playwright.
"""

from playwright.sync_api import sync_playwright

from tests.support.chromium import FLAGS, PROGRAM
from tests.support.documentation import ROOT

ICONS = ROOT / "static" / "wfpush" / "icons"
GROUND = "#0b57d0"
LINE = 'fill="none" stroke="#fff" stroke-linecap="round" stroke-linejoin="round"'
TICK = f'<path d="m8.5 16.8 5 5 10-11.5" stroke-width="3.4" {LINE}/>'
"""As in static/wfpush/favicon.svg, on a square of 32."""


def sign(corner: int, view: str = "0 0 32 32") -> str:
    ground = f'<rect x="-16" y="-16" width="64" height="64" fill="{GROUND}"/>' if not corner else ""
    rounded = f'<rect width="32" height="32" rx="{corner}" fill="{GROUND}"/>' if corner else ""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}">{ground}{rounded}{TICK}</svg>'


ROUNDED = sign(8)
FULL = sign(0)
MASKABLE = sign(0, "-5 -5 42 42")
"""The tick within the circle that every mask leaves (w3.org/TR/appmanifest, "safe zone": 40 % of the width)."""

BADGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    f'<path d="m5 17.5 7.5 7.5 15-17" stroke-width="4.6" {LINE}/></svg>'
)
"""White on nothing: Android takes its shape alone."""

DRAWN = {
    "192": (192, ROUNDED),
    "512": (512, ROUNDED),
    "maskable-192": (192, MASKABLE),
    "maskable-512": (512, MASKABLE),
    "180": (180, FULL),
    "badge": (96, BADGE),
}


def main() -> None:
    ICONS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(PROGRAM), args=FLAGS)
        page = browser.new_page()
        for name, (size, svg) in DRAWN.items():
            page.set_viewport_size({"width": size, "height": size})
            page.set_content(f"<style>*{{margin:0}}svg{{display:block;width:{size}px}}</style>{svg}")
            page.screenshot(path=str(ICONS / f"{name}.png"), omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
