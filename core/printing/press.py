"""One print worker: HTML in, PDF out. The only place where WeasyPrint is imported; runs as a process of its own.

It opens nothing but the pictures handed over with a print, sees no fonts but ours, has no network where the system
allows to give it up, and limits to its memory and its time.
"""

from __future__ import annotations

import ctypes
import gc
import io
import os
import resource
import socket
import sys
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from core.printing import frames

HERE: Final = Path(__file__).parent
ASSET: Final = "yunkong-asset:"
MOST_PIXELS: Final = 50_000_000
_PICTURES: Final = ("PNG", "JPEG", "WEBP", "GIF")
_SIDE: Final = 1600
"""Pixels of the longer side of a printed photo: 240 to the inch on 170 mm."""
_NEW_NETWORK: Final = 0x40000000
_NEW_USER: Final = 0x10000000


def fonts_file(scratch: Path) -> Path:
    """Write the fontconfig file that shows our own fonts alone."""
    path = scratch / "fonts.conf"
    (scratch / "cache").mkdir(exist_ok=True)
    path.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>'
        f"<dir>{escape(str(HERE / 'fonts'))}</dir><cachedir>{escape(str(scratch / 'cache'))}</cachedir></fontconfig>",
        "utf-8",
    )
    return path


def confine(memory: int) -> None:
    """Give up what a print never needs: memory beyond the limit, big files, core dumps and, where allowed, the network."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024 * 1024,) * 2)
    unshare = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    if unshare is not None and unshare(_NEW_NETWORK) != 0:
        unshare(_NEW_USER | _NEW_NETWORK)


def allow_processor(seconds: int) -> None:
    """Let the next print use this much processor time; the system ends the process beyond it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def resident() -> int:
    """Bytes of memory that the process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def picture(content: bytes) -> bytes:
    """A picture decoded and written anew, so that nothing but its pixels reaches the print; ValueError when it is none."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image: Any = Image.open(io.BytesIO(content), formats=_PICTURES)
            if image.format == "PNG" and image.mode == "1":
                image.load()
                return content
            image.draft("RGB", (_SIDE, _SIDE))
            image = ImageOps.exif_transpose(image)
    except (UnidentifiedImageError, Image.DecompressionBombWarning, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise ValueError(f"not a picture: {error}") from error
    image.thumbnail((_SIDE, _SIDE))
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.convert("RGBA").getchannel("A") if "A" in image.getbands() or "transparency" in image.info else None)
    out = io.BytesIO()
    flat.save(out, "JPEG", quality=80)
    return out.getvalue()


def _pictures(given: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Those that are pictures; a print does without the others."""
    for name, content in given.items():
        with suppress(ValueError):
            yield name, picture(content)


def _kinds() -> tuple[Any, Any]:
    """What fetches and what reads pages, made of WeasyPrint's classes once it is imported."""
    import weasyprint
    from cssselect2 import ElementWrapper  # type: ignore[import-untyped]
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Fetcher(URLFetcher):  # type: ignore[misc]
        """Opens the pictures of this print, by name, and nothing else in the world."""

        def __init__(self, pictures: Mapping[str, bytes]) -> None:
            super().__init__(timeout=0, allowed_protocols=(), allow_redirects=False)
            self.pictures = pictures
            self.refused: list[str] = []

        def fetch(self, url: str, headers: Any = None) -> Any:  # noqa: ARG002 - WeasyPrint's signature
            content = self.pictures.get(url.removeprefix(ASSET)) if url.startswith(ASSET) else None
            if content is None:
                self.refused.append(url[:200])
                raise ValueError("not an asset of this print")
            return URLFetcherResponse(url, content, {"Content-Type": "image/png" if content[:4] == b"\x89PNG" else "image/jpeg"})

    class House(weasyprint.HTML):  # type: ignore[misc]
        """A page whose only style sheet is that of the house; read as XML where it is well-formed, which is quicker."""

        def __init__(self, html: str, fetcher: Fetcher) -> None:
            try:
                root = ET.fromstring(html)  # noqa: S314 - our own templates; expat opens nothing outside
            except ET.ParseError:
                super().__init__(string=html, base_url=ASSET, url_fetcher=fetcher)
                return
            self.base_url, self.url_fetcher, self.media_type = ASSET, fetcher, "print"
            self.wrapper_element = ElementWrapper.from_html_root(root, content_language=None)
            self.etree_element = self.wrapper_element.etree_element

        def _ua_stylesheets(self, forms: bool = False) -> list[Any]:  # noqa: ARG002 - WeasyPrint's signature
            return []

    return Fetcher, House


class Press:
    """WeasyPrint made ready once: one font configuration, the house style parsed."""

    def __init__(self) -> None:
        import logging

        import weasyprint
        from weasyprint.css.counters import CounterStyle
        from weasyprint.text.fonts import FontConfiguration

        logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
        logging.getLogger("fontTools").setLevel(logging.CRITICAL)
        self._fetcher, self._page = _kinds()
        self._fonts, self._counters = FontConfiguration(), CounterStyle()
        house = (HERE / "templates" / "house.css").read_text("utf-8") + "".join(f".w{n} {{ width: {n / 2}% }}" for n in range(1, 201))
        self._style = weasyprint.CSS(string=house, font_config=self._fonts, counter_style=self._counters, url_fetcher=self._fetcher({}))

    def print(self, html: str, pictures: Mapping[str, bytes]) -> tuple[dict[str, Any], bytes]:
        """The PDF and what is to be said of it: pages, characters without a glyph, addresses that were refused."""
        fetcher = self._fetcher(dict(_pictures(pictures)))
        document = self._page(html, fetcher).render(
            font_config=self._fonts, counter_style=self._counters, stylesheets=[self._style])
        pdf: bytes = document.write_pdf()
        missing = sorted({code for font in document.fonts.values() for code in font.missing})
        return {"pages": len(document.pages), "missing": missing[:100], "refused": fetcher.refused[:100]}, pdf


def serve(link: socket.socket, seconds: int, memory: int) -> None:
    """Print what comes over the link until it closes."""
    press = Press()
    press.print("<p>1", {})
    confine(memory)
    # The collector would run several times in each print and find nothing; it runs once after each instead.
    gc.collect()
    gc.freeze()
    gc.disable()
    frames.send(link, {"ready": True})
    while True:
        try:
            head, blobs = frames.receive(link)
        except frames.Broken:
            return
        allow_processor(seconds)
        answer, pdf = attempt(press, head, blobs)
        frames.send(link, {**answer, "resident": resident()}, [pdf])
        del head, blobs, answer, pdf
        gc.collect()


def attempt(press: Press, head: Mapping[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], bytes]:
    """One print, or the word for what went wrong."""
    try:
        return press.print(blobs[0].decode(), dict(zip(head["names"], blobs[1:], strict=True)))
    except MemoryError:
        return {"error": "memory"}, b""
    except Exception as error:
        return {"error": "failed", "detail": f"{type(error).__name__}: {error}"[:500]}, b""


def main() -> None:
    """Run with DESCRIPTOR SECONDS MEMORY in a process of its own, started by the print server."""
    descriptor, seconds, memory = map(int, sys.argv[1:4])
    os.umask(0o077)
    with socket.socket(fileno=descriptor) as link:
        serve(link, seconds, memory)

