"""Debian's Chromium as tests start it: without what costs a processor and shows in no page."""

from pathlib import Path

PROGRAM = Path("/usr/bin/chromium")

OF_PLAYWRIGHT = (
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
"""What Playwright turns off: Chromium heeds the last list of its command line alone, which is ours."""
OF_THE_WINDOW = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "SpareRendererForSitePerProcess")
"""Every window, and so every profile of a test, prepares the suggestions of its address bar as web pages, and a process
for the next site. Together they took as long as the tests' own pages."""

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-features=" + ",".join((*OF_PLAYWRIGHT, *OF_THE_WINDOW)),
)
