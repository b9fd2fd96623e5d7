"""What a file really is, told from its bytes: the kinds that may be uploaded, and the ones a browser may show.

Nothing is decoded here: headers are read, archives are only listed. A file that claims to be a picture must have a
header of one, of a size that can be shown.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final
from urllib.parse import quote

from core.errors import Invalid
from core.messages import _

MAX_PIXELS: Final = 50_000_000
MAX_ENTRIES: Final = 10_000
MAX_UNPACKED: Final = 500 * 1024 * 1024
MAX_RATIO: Final = 200
"""How much larger than packed one entry of an archive may be, from 1 MB on."""

IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})

_HEAD: Final = 4096
_RATIO_FROM: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of content: its media type, the usual ending of its name, whether a browser may show it in place."""

    type: str
    suffix: str
    inline: bool = False


PDF = Kind("application/pdf", ".pdf", inline=True)
PNG = Kind("image/png", ".png", inline=True)
JPEG = Kind("image/jpeg", ".jpg", inline=True)
WEBP = Kind("image/webp", ".webp", inline=True)
GIF = Kind("image/gif", ".gif", inline=True)
MP4 = Kind("video/mp4", ".mp4", inline=True)
XLSX = Kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx")
DOCX = Kind("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx")
PPTX = Kind("application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx")
ZIP = Kind("application/zip", ".zip")
OLE = Kind("application/x-ole-storage", ".doc")
DWG = Kind("image/vnd.dwg", ".dwg")
TEXT = Kind("text/plain", ".txt")
CSV = Kind("text/csv", ".csv")
SVG = Kind("image/svg+xml", ".svg")
HTML = Kind("text/html", ".html")
XML = Kind("application/xml", ".xml")


def kind_of(source: BinaryIO, size: int, name: str = "") -> Kind:
    """The kind of a file of `size` bytes; Invalid when it is none that may be uploaded, damaged or a bomb.

    The name decides one thing only: whether plain text counts as a table of comma-separated values.
    """
    head = source.read(_HEAD)
    for matches, kind, check in _MAGIC:
        if matches(head):
            if check is not None:
                kind = check(source, head) or kind
            return kind
    return _text_kind(source, head, size, name)


def _starts(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(beginnings)


def _damaged() -> Invalid:
    return Invalid(_("The file is damaged."), _("Open it on your computer, save it again and upload the new file."), "file-damaged")


def _check_pixels(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise _damaged()
    if width * height > MAX_PIXELS:
        raise Invalid(
            _("The picture has {count} million pixels; {limit} million are allowed.",
              count=width * height // 1_000_000, limit=MAX_PIXELS // 1_000_000),
            _("Make the picture smaller, then upload it again."), "picture-too-large",
        )


def _png(_source: BinaryIO, head: bytes) -> None:
    if head[12:16] != b"IHDR" or len(head) < 33:
        raise _damaged()
    _check_pixels(*struct.unpack(">II", head[16:24]))


def _gif(_source: BinaryIO, head: bytes) -> None:
    if len(head) < 13:
        raise _damaged()
    _check_pixels(*struct.unpack("<HH", head[6:10]))


def _webp(_source: BinaryIO, head: bytes) -> None:
    form, body = head[12:16], head[20:30]
    if len(body) < 10:
        raise _damaged()
    if form == b"VP8X":
        width, height = (int.from_bytes(body[at:at + 3], "little") + 1 for at in (4, 7))
    elif form == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif form == b"VP8 ":
        width, height = (int.from_bytes(body[at:at + 2], "little") & 0x3FFF for at in (6, 8))
    else:
        raise _damaged()
    _check_pixels(width, height)


def _jpeg(source: BinaryIO, _head: bytes) -> None:
    """Walk the segments to the frame header; the picture of a preview inside a segment is stepped over."""
    source.seek(2)
    for _segment in range(10_000):
        marker = source.read(2)
        while len(marker) == 2 and marker[0] == 0xFF and marker[1] == 0xFF:
            marker = marker[1:] + source.read(1)
        if len(marker) < 2 or marker[0] != 0xFF:
            raise _damaged()
        if marker[1] in _STANDALONE:
            continue
        length = int.from_bytes(source.read(2), "big")
        if marker[1] in _FRAMES:
            frame = source.read(5)
            if len(frame) < 5:
                raise _damaged()
            height, width = struct.unpack(">HH", frame[1:5])
            return _check_pixels(width, height)
        if length < 2 or marker[1] == 0xDA:
            break
        source.seek(length - 2, 1)
    raise _damaged()


_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _zip(source: BinaryIO, _head: bytes) -> Kind:
    """An archive, only listed: an Office document or a plain archive, within limits that no honest one reaches."""
    source.seek(0)
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, OSError, NotImplementedError, struct.error) as error:
        raise _damaged() from error
    _check_archive(entries)
    names = {entry.filename for entry in entries}
    if "[Content_Types].xml" in names:
        for folder, kind in (("xl/", XLSX), ("word/", DOCX), ("ppt/", PPTX)):
            if any(name.startswith(folder) for name in names):
                return kind
    return ZIP


def _check_archive(entries: list[zipfile.ZipInfo]) -> None:
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise Invalid(_("The file is protected with a password."), _("Remove the password and upload it again."), "file-encrypted")
    bomb = (
        len(entries) > MAX_ENTRIES
        or sum(entry.file_size for entry in entries) > MAX_UNPACKED
        or any(entry.file_size > max(_RATIO_FROM, entry.compress_size * MAX_RATIO) for entry in entries)
    )
    if bomb:
        raise Invalid(
            _("The archive would unpack to far more than it may."),
            _("Upload the files it holds one by one."), "archive-too-large",
        )


def _ole(source: BinaryIO, _head: bytes) -> None:
    """An old Office file, or a new one wrapped in a password."""
    source.seek(0)
    marker = "EncryptedPackage".encode("utf-16-le")
    tail = b""
    while chunk := source.read(1024 * 1024):
        if marker in tail + chunk:
            raise Invalid(_("The file is protected with a password."), _("Remove the password and upload it again."), "file-encrypted")
        tail = chunk[-len(marker):]


_VIDEO_BRANDS: Final = frozenset({b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"dash", b"qt  "})

_MAGIC: Final[tuple[tuple[Callable[[bytes], bool], Kind, Callable[[BinaryIO, bytes], Kind | None] | None], ...]] = (
    (_starts(b"%PDF-"), PDF, None),
    (_starts(b"\x89PNG\r\n\x1a\n"), PNG, _png),
    (_starts(b"\xff\xd8\xff"), JPEG, _jpeg),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", WEBP, _webp),
    (_starts(b"GIF87a", b"GIF89a"), GIF, _gif),
    (lambda head: head[4:8] == b"ftyp" and head[8:12] in _VIDEO_BRANDS, MP4, None),
    (_starts(b"PK\x03\x04", b"PK\x05\x06"), ZIP, _zip),
    (_starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), OLE, _ole),
    (_starts(b"AC10"), DWG, None),
)

_MARKUP: Final = re.compile(
    rb"<\s*(!doctype\s+(?P<doctype>\w+)|(?P<tag>html|head|body|script|iframe|svg|img|a|b|p|div|meta|title|style|table|object|embed|form)\b"
    rb"|(?P<prolog>\?xml)|(?P<comment>!--))",
    re.IGNORECASE,
)


def _text_kind(source: BinaryIO, head: bytes, size: int, name: str) -> Kind:
    """Markup of some kind, or plain text that reads as UTF-8, UTF-16 or the Chinese national encoding."""
    source.seek(0)
    raw = source.read(size)
    if not _is_text(raw):
        raise Invalid(
            _("Files of this kind are not taken."),
            _("Take PDF, pictures (JPEG, PNG, WebP, GIF), Office files, text, CSV, MP4, DWG or ZIP."), "file-kind",
        )
    wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    start = (head.decode("utf-16", "replace").encode() if wide else head).removeprefix(b"\xef\xbb\xbf")
    markup = _markup(start)
    if markup is not None:
        return markup
    return CSV if name.lower().endswith(".csv") else TEXT


def _markup(start: bytes) -> Kind | None:
    """The kind of markup that a browser might see here: strict, so that nothing it could run counts as text."""
    found = list(_MARKUP.finditer(start))
    tags = {(match["tag"] or match["doctype"] or b"").lower() for match in found}
    if b"svg" in tags and not tags & {b"html", b"body"}:
        return SVG
    if tags - {b""}:
        return HTML
    if found or start.lstrip()[:1] == b"<":
        return XML
    return None


def _is_text(raw: bytes) -> bool:
    encodings = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8", "gb18030")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not _CONTROL.search(text)
    return False


_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_UNSAFE: Final = re.compile(r'[<>:"/\\|?*]')
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def clean_name(name: str, suffix: str, longest: int = 120) -> str:
    """A name that is safe to show and to save under.

    Folders, control and direction marks go; what other systems refuse becomes `_`; `suffix` is added to a name without an ending.
    """
    shown = "".join(_shown(unicodedata.normalize("NFC", name)))
    last = re.split(r"[/\\]", shown)[-1]
    kept = _UNSAFE.sub("_", last).strip(" .")
    if _RESERVED.match(kept):
        kept = f"_{kept}"
    stem, dot, ending = kept.rpartition(".")
    if not dot or not stem or len(ending) > 10:
        stem, ending = kept, suffix.lstrip(".")
    return f"{(stem or 'file')[: longest - len(ending) - 1].rstrip(' .')}.{ending}"


def _shown(name: str) -> Iterator[str]:
    """Its characters without those that show nothing: controls, direction marks, surrogates, unassigned ones."""
    for character in name:
        if unicodedata.category(character)[0] != "C":
            yield character


def disposition(how: str, name: str) -> str:
    """The header that hands out a file, `inline` or as `attachment`, under its name, whatever script that is written in."""
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    return f"{how}; filename=\"{plain}\"" + ("" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}")
