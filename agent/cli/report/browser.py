"""A page printed to PDF by a Chromium of this machine, without a window."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from agent.core.errors import KikimimiError, failing_as, reason

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
"""Under which a Chromium goes, on the ``PATH``."""
_TIMEOUT_S = 180.0
_SHOWN = 300


class BrowserError(KikimimiError):
    """There is no Chromium, or it made no PDF."""


def find() -> str | None:
    """The first Chromium on the ``PATH``."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def print_to_pdf(page: Path, pdf: Path) -> None:
    """Print a page.

    Args:
        page: HTML on this machine, whole in itself.
        pdf: written, or replaced.

    Raises:
        BrowserError: says why, and what to do.
    """
    browser = find()
    if browser is None:
        raise BrowserError(
            f"{page} is there, but no {pdf.name}: none of {', '.join(NAMES)} is installed; "
            "`sudo apt install chromium`, or open the page in any browser and print it to PDF"
        )
    # A profile of its own: a browser that is open under the same user would answer instead.
    with tempfile.TemporaryDirectory(prefix="kikimimi-") as folder:
        made = Path(folder, "page.pdf")
        arguments = [
            browser,
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            # Without it, it asks its maker for updates and more; a page needs no other machine.
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder}/profile",
            "--no-pdf-header-footer",
            f"--print-to-pdf={made}",
            # Chromium refuses root its sandbox. The page runs no script.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            page.resolve().as_uri(),
        ]
        # Reports of crashes and caches would stay below the user's home folder.
        places = {"XDG_CONFIG_HOME": folder, "XDG_CACHE_HOME": folder}
        try:
            ended = subprocess.run(
                arguments,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
                env={**os.environ, **places},
            )
        except subprocess.TimeoutExpired as error:
            raise _failed(browser, page, f"no answer within {_TIMEOUT_S:.0f} s") from error
        except OSError as error:
            raise _failed(browser, page, reason(error)) from error
        if ended.returncode != 0 or not made.is_file():
            errors = ended.stderr.decode("utf-8", "replace").strip().splitlines()
            last = errors[-1][:_SHOWN] if errors else "it said nothing"
            raise _failed(browser, page, f"ended with {ended.returncode}: {last}")
        with failing_as(BrowserError, pdf, "name a folder that you may write to"):
            shutil.copyfile(made, pdf)


def _failed(browser: str, page: Path, reason: str) -> BrowserError:
    remedy = f"open {page} in any browser and print it to PDF"
    return BrowserError(f"{browser} made no PDF ({reason}); {remedy}")
