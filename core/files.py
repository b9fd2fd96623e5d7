"""Uploaded files: what they really are, where their bytes lie, and who uses them.

Bytes live outside the database, under the SHA-256 of their content, and are on disk for good before their row commits.
What a file is comes from its content, never from its name; what a browser could run is only ever handed out as a
download.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from sqlalchemy import Boolean, Column, Connection, ForeignKey, Index, Table, Text, delete, func, insert, select

from core import content
from core.errors import Invalid, NotFound, Problem, Refused
from core.fields import Lines
from core.messages import _
from core.storage import Base, Database, Id, Moment, new_id

if TYPE_CHECKING:
    from core.storage import Record

MAX_SIZE: Final = 25 * 1024 * 1024
"""Bytes of one file."""
MAX_PER_RECORD: Final = 200
"""Files that one record may use."""
MAX_UNUSED: Final = 200
"""Files that one user may have uploaded and not used yet."""
KEPT_UNUSED: Final = timedelta(hours=24)
"""How long a file that no record uses is kept."""

_CHUNK: Final = 1024 * 1024


class FileRow(Base):
    """One uploaded file. `inline` says whether a browser may show it in place; everything else is a download."""

    __table__ = Table(
        "file", Base.metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("name", Text, nullable=False),
        Column("size", Id, nullable=False),
        Column("type", Text, nullable=False),
        Column("inline", Boolean, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("created_by", Id),
        Column("created_at", Moment, nullable=False),
        Index("ix_file_sha256", "sha256"),
        Index("ix_file_created_at", "created_at"),
    )


class FileUse(Base):
    """A record uses a file. The row stays when the field is emptied: history and signatures still show the file."""

    __table__ = Table(
        "file_use", Base.metadata,
        Column("file_id", Id, ForeignKey("file.id"), primary_key=True, autoincrement=False),
        Column("record_id", Id, primary_key=True, autoincrement=False),
        Index("ix_file_use_record_id", "record_id"),
    )


FILE = Base.metadata.tables["file"]
FILE_USE = Base.metadata.tables["file_use"]


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that are safely on disk, with what they are."""

    name: str
    size: int
    type: str
    inline: bool
    sha256: str


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file as the database knows it."""

    id: int
    name: str
    size: int
    type: str
    inline: bool
    sha256: str
    created_by: int | None
    created_at: datetime

    @property
    def is_image(self) -> bool:
        """Whether it may stand in a field of photos."""
        return self.type in content.IMAGES

    @property
    def disposition(self) -> str:
        """`inline` or `attachment`, for the answer that hands it out (always with `nosniff`)."""
        return "inline" if self.inline else "attachment"


class Damaged(Exception):
    """The bytes on disk are gone or are not those that were stored; nothing of them is handed out."""

    def __init__(self, sha256: str, found: str) -> None:
        super().__init__(f"stored file {sha256} reads back as {found}")
        self.sha256 = sha256
        self.found = found


class Store:
    """The folder of bytes: `ab/cd/<sha256>` below its root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the bytes of this hash lie."""
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def put(self, stream: BinaryIO, name: str, max_size: int = MAX_SIZE) -> Stored:
        """Write a stream to disk for good and say what it is; Refused when it is too big, empty or of no allowed kind.

        Belongs before the transaction that adds its row: temporary file, fsync, rename, fsync of the folders.
        """
        self._make(self.root / "new")
        temporary = self.root / "new" / secrets.token_hex(16)
        try:
            sha256, size = _copy(stream, temporary, max_size)
            with temporary.open("rb") as written:
                kind = content.kind_of(written, size, name)
            self._settle(temporary, self.path(sha256))
        except Invalid as invalid:
            raise Refused([invalid.at("file")]) from None
        finally:
            temporary.unlink(missing_ok=True)
        return Stored(content.clean_name(name, kind.suffix), size, kind.type, kind.inline, sha256)

    def _settle(self, temporary: Path, target: Path) -> None:
        """Give the bytes their place; bytes that are there already are touched, so that no cleaning takes them."""
        self._make(target.parent)
        try:
            os.utime(target)
        except FileNotFoundError:
            temporary.replace(target)
        else:
            if target.stat().st_size != temporary.stat().st_size:
                temporary.replace(target)
        _sync_folder(target.parent)

    def _make(self, folder: Path) -> None:
        """Make a folder and the ones above it, each entered for good in the one above."""
        if folder.is_dir():
            return
        if folder != self.root:
            self._make(folder.parent)
        folder.mkdir(parents=folder == self.root, exist_ok=True)
        _sync_folder(folder.parent)

    def check(self, sha256: str) -> Path:
        """The path of the bytes once they have been read and match their hash; else `Damaged`."""
        path = self.path(sha256)
        for _chunk in self.read(sha256):
            pass
        return path

    def read(self, sha256: str) -> Iterator[bytes]:
        """The bytes in chunks; `Damaged` at the end, before the last chunk, when they do not match their hash."""
        digest = hashlib.sha256()
        held = b""
        try:
            with self.path(sha256).open("rb") as source:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    if held:
                        yield held
                    held = chunk
        except OSError as error:
            raise Damaged(sha256, type(error).__name__) from error
        if digest.hexdigest() != sha256:
            raise Damaged(sha256, digest.hexdigest())
        yield held

    def drop(self, sha256: str, before: float) -> bool:
        """Remove bytes not touched since `before` (seconds since the epoch); False when somebody just put them again.

        They are first moved aside: whoever puts the same content at that moment either touched them, which brings
        them back, or no longer finds them and writes them anew.
        """
        path = self.path(sha256)
        aside = path.with_suffix(f".{secrets.token_hex(4)}.gone")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return False
        if aside.stat().st_mtime >= before:
            aside.replace(path)
            return False
        aside.unlink()
        return True

    def sweep(self, before: float) -> int:
        """Remove what interrupted uploads left behind; returns how many."""
        gone = 0
        for left in (self.root / "new").glob("*"):
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < before:
                    left.unlink()
                    gone += 1
        return gone


def _copy(stream: BinaryIO, target: Path, max_size: int) -> tuple[str, int]:
    """Copy to a new file, forced to disk; returns hash and size."""
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as out:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > max_size:
                raise Invalid(
                    _("The file is larger than {limit} MB.", limit=max_size // (1024 * 1024)),
                    _("Make it smaller or split it, then upload again."),
                    "file-too-large",
                )
            digest.update(chunk)
            out.write(chunk)
        if not size:
            raise Invalid(_("The file is empty."), _("Choose the file again; the upload may have been interrupted."), "file-empty")
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest(), size


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def add(connection: Connection, stored: Stored, actor_id: int | None, at: datetime) -> File:
    """Enter stored bytes as a file of this user, not used by any record yet."""
    if actor_id is not None and _unused_by(connection, actor_id) >= MAX_UNUSED:
        raise Refused([Problem(
            "file", _("You have {count} uploaded files that no record uses yet.", count=MAX_UNUSED),
            _("Save the forms they belong to, or wait a day until they are removed."), "files-too-many",
        )])
    file = File(new_id(), stored.name, stored.size, stored.type, stored.inline, stored.sha256, actor_id, at)
    connection.execute(insert(FILE).values({key: getattr(file, key) for key in File.__slots__}))
    return file


def _unused_by(connection: Connection, actor_id: int) -> int:
    used = select(FILE_USE.c.file_id).where(FILE_USE.c.file_id == FILE.c.id).exists()
    found = connection.scalar(select(func.count()).select_from(FILE).where(FILE.c.created_by == actor_id, ~used))
    return found or 0


def get(connection: Connection, file_id: int) -> File:
    """The file of this id; NotFound when there is none. Whether its reader may have it is the door's to say."""
    return _or_not_found(load(connection, (file_id,)).get(file_id))


def _or_not_found(file: File | None) -> File:
    if file is None:
        raise NotFound
    return file


def load(connection: Connection, ids: Iterable[int]) -> dict[int, File]:
    """Files by id, one statement; those that are not there are left out."""
    wanted = tuple(dict.fromkeys(ids))
    if not wanted:
        return {}
    rows = connection.execute(select(*(FILE.c[key] for key in File.__slots__)).where(FILE.c.id.in_(wanted)))
    return {row.id: File(*row) for row in rows}


def used_by(record: Record) -> dict[str, tuple[int, ...]]:
    """The files in the fields of a record: {place: ids}, places as JSON pointers, empty fields left out."""
    found: dict[str, tuple[int, ...]] = {}
    for name, kind in record.type.fields.items():
        if isinstance(kind, Lines):
            for at, row in enumerate(record.values.get(name) or ()):
                for column, cell in kind.columns.items():
                    found[f"/{name}/{at}/{column}"] = _ids(cell.kind, row.values.get(column))
        else:
            found[f"/{name}"] = _ids(kind.kind, record.values.get(name))
    return {place: ids for place, ids in found.items() if ids}


def picture_places(record: Record) -> tuple[str, ...]:
    """The places of `used_by` that take pictures alone."""
    places: list[str] = []
    for place in used_by(record):
        parts = place[1:].split("/")
        kind = record.type.kind_of(f"{parts[0]}.{parts[2]}" if len(parts) == 3 else parts[0])
        if kind is not None and kind.kind == "photos":
            places.append(place)
    return tuple(places)


def _ids(kind: str, value: Any) -> tuple[int, ...]:
    if not value:
        return ()
    if kind in ("attachments", "photos"):
        return tuple(value)
    if kind == "outside_signature" and value.get("file") is not None:
        return (int(value["file"]),)
    return ()


def hashes(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """The SHA-256 of each file, for the snapshot that a signature keeps."""
    return {file.id: file.sha256 for file in load(connection, ids).values()}


def users_of(connection: Connection, file_id: int) -> tuple[int, ...]:
    """The records that use a file: who may read one of them may have the file."""
    return tuple(connection.scalars(select(FILE_USE.c.record_id).where(FILE_USE.c.file_id == file_id).order_by(FILE_USE.c.record_id)))


def claim(
    connection: Connection, record_id: int, wanted: Mapping[str, Iterable[int]], *,
    actor_id: int | None, images: Iterable[str] = (), lends: Iterable[int] = (),
) -> list[Problem]:
    """Let a record use files: {place: file ids}. Returns what stands in the way; then nothing was claimed.

    A file may be used when this record uses it already, when the actor uploaded it and nobody uses it yet, or when a
    record in `lends` uses it (one that the actor reads, or from which a rule copies). Without an actor, an effect acts and every
    file will do. Places in `images` take pictures alone.
    """
    places = {place: tuple(ids) for place, ids in wanted.items()}
    every = tuple(dict.fromkeys(one for ids in places.values() for one in ids))
    if not every:
        return []
    found = load(connection, every)
    uses: dict[int, set[int]] = {}
    for file_id, user_id in connection.execute(select(FILE_USE.c.file_id, FILE_USE.c.record_id).where(FILE_USE.c.file_id.in_(every))):
        uses.setdefault(file_id, set()).add(user_id)
    open_to = {record_id, *lends}
    allowed = {
        one: file for one, file in found.items()
        if actor_id is None or uses.get(one, set()) & open_to or (file.created_by == actor_id and one not in uses)
    }
    problems = list(_objections(places, allowed, frozenset(images)))
    fresh = [one for one in every if record_id not in uses.get(one, set())]
    if len(fresh) + _used_by(connection, record_id, fresh) > MAX_PER_RECORD:
        problems.append(Problem(
            next(iter(places)), _("One record can keep {count} files.", count=MAX_PER_RECORD),
            _("Put several pictures into one document, or leave some out."), "files-too-many",
        ))
    if fresh and not problems:
        connection.execute(insert(FILE_USE), [{"file_id": one, "record_id": record_id} for one in fresh])
    return problems


def _objections(places: Mapping[str, tuple[int, ...]], allowed: Mapping[int, File], images: frozenset[str]) -> Iterator[Problem]:
    for place, ids in places.items():
        for one in ids:
            if one not in allowed:
                yield Problem(place, _("This file does not exist, or not for you."), _("Upload it again."), "file-unknown")
            elif place in images and not allowed[one].is_image:
                yield Problem(
                    place, _("{name} is not a picture.", name=allowed[one].name),
                    _("Take JPEG, PNG, WebP or GIF here; other files go into attachments."), "file-not-picture",
                )


def _used_by(connection: Connection, record_id: int, fresh: list[int]) -> int:
    """How many files a record uses so far; not asked when nothing is added."""
    if not fresh:
        return 0
    return connection.scalar(select(func.count()).select_from(FILE_USE).where(FILE_USE.c.record_id == record_id)) or 0


def release(connection: Connection, record_id: int) -> None:
    """Forget the files of a draft that is deleted; they go with the next cleaning."""
    connection.execute(delete(FILE_USE).where(FILE_USE.c.record_id == record_id))


def clean(database: Database, store: Store, now: datetime) -> int:
    """Remove files that no record has used within 24 hours, and what interrupted uploads left; returns how many files went."""
    with database.begin() as connection:
        used = select(FILE_USE.c.file_id).where(FILE_USE.c.file_id == FILE.c.id).exists()
        old = (FILE.c.created_at < now - KEPT_UNUSED) & ~used
        gone = connection.execute(delete(FILE).where(old).returning(FILE.c.sha256)).scalars().all()
    # Bytes are aged by the machine's clock, which wrote their times; the site's clock may be moved by tests.
    before = time.time() - KEPT_UNUSED.total_seconds()
    with database.begin(reading=True) as connection:
        kept = set(connection.scalars(select(FILE.c.sha256).where(FILE.c.sha256.in_(set(gone)))))
    for sha256 in set(gone) - kept:
        store.drop(sha256, before)
    store.sweep(before)
    return len(gone)


def orphans(database: Database, store: Store) -> list[str]:
    """The hashes of stored bytes that no file row names, older than a day: left by uploads whose row never came."""
    before = time.time() - KEPT_UNUSED.total_seconds()
    lying = [path.name for path in store.root.glob("??/??/*") if path.stat().st_mtime < before]
    found: list[str] = []
    with database.begin(reading=True) as connection:
        for start in range(0, len(lying), 500):
            some = lying[start:start + 500]
            known = set(connection.scalars(select(FILE.c.sha256).where(FILE.c.sha256.in_(some))))
            found += [sha256 for sha256 in some if sha256 not in known]
    return found
