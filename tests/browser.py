"""A browser that finds no host but this machine: what a page is without a network."""

import subprocess
from pathlib import Path


def browse(chromium: str, address: str, profile: Path) -> subprocess.CompletedProcess[str]:
    """Return a page as the browser has built it (stdout), and its console (stderr)."""
    return subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
            *("--disable-sync", "--hide-scrollbars", f"--user-data-dir={profile}", "--dump-dom"),
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            *("--virtual-time-budget=5000", "--enable-logging=stderr", address),
        ],
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
