"""A valve maker for every test of a plugin: on a site of its own, on Friday 20 November 2026."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.company import NOW, Company, make_site, populate


@pytest.fixture
def company(engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """The company with its people and registers and no records."""
    clock = tmp_path / "clock"
    clock.write_text(NOW)
    monkeypatch.setenv("YUNKONG_NOW", f"@{clock}")
    site = make_site(tmp_path / "site", engine_url)
    yield Company(site, clock, populate(site))
    site.close()
