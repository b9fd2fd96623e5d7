"""Uploaded files: known by their content, on disk for good before their row, used by whoever may, gone when unused."""

import hashlib
import io
import os
import struct
import time
import zipfile
from datetime import timedelta

import pytest
from PIL import Image

from core import content, files
from core.errors import Refused
from tests.core import small

NOW = small.NOW


def picture(kind, size=(3, 2)):
    out = io.BytesIO()
    Image.new("RGB", size).save(out, kind)
    return out.getvalue()


def office(folder, **more):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(f"{folder}/document.xml", "<x/>")
        for name, text in more.items():
            archive.writestr(name, text)
    return out.getvalue()


PDF = b"%PDF-1.7\n1 0 obj\n"
PNG = picture("png")


def kind_of(raw, name=""):
    return content.kind_of(io.BytesIO(raw), len(raw), name)


@pytest.fixture
def store(tmp_path):
    return files.Store(tmp_path / "files")


@pytest.fixture
def database(engine_url):
    found = small.open_database(engine_url)
    yield found
    found.close()


def put(store, raw=PDF, name="plan.pdf", **options):
    return store.put(io.BytesIO(raw), name, **options)


def uploaded(database, store, raw=PDF, name="plan.pdf", actor=7, at=NOW):
    stored = put(store, raw, name)
    with database.begin() as connection:
        return files.add(connection, stored, actor, at)


def claim(database, record, ids, **options):
    with database.begin() as connection:
        return [p.code for p in files.claim(connection, record, {"/papers": ids}, **{"actor_id": 7} | options)]


# What a file is


@pytest.mark.parametrize(("raw", "kind"), [
    (PDF, content.PDF), (PNG, content.PNG), (picture("jpeg"), content.JPEG), (picture("webp"), content.WEBP), (picture("gif"), content.GIF),
    (office("xl"), content.XLSX), (office("word"), content.DOCX), (office("ppt"), content.PPTX), (office("other"), content.ZIP),
    (b"\x00\x00\x00\x18ftypisom" + bytes(40), content.MP4), (b"AC1032" + bytes(40), content.DWG),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40), content.OLE),
    ("a, b\n计划".encode(), content.TEXT), ("计划 1 < 2\n".encode("gb18030"), content.TEXT), ("计划".encode("utf-16"), content.TEXT),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", content.SVG), (b"<?xml version='1.0'?>\n<!-- x --><svg/>", content.SVG),
    (b"<!DOCTYPE html><p>x", content.HTML), (b"hello <script>alert(1)</script>", content.HTML), (b"\xef\xbb\xbf <HTML>", content.HTML),
    ("<script>".encode("utf-16"), content.HTML), (b"<?xml version='1.0'?><data/>", content.XML),
])
def test_content_says_what_a_file_is(raw, kind):
    """The kind comes from the bytes, whatever the name says."""
    assert kind_of(raw, "picture.png") == kind


def test_plain_text_may_be_called_csv():
    """Only between two harmless kinds does the name decide."""
    assert kind_of(b"a,b\n", "LIST.CSV") == content.CSV
    assert kind_of(b"<script>", "list.csv") == content.HTML


@pytest.mark.parametrize("kind", [one for one in vars(content).values() if isinstance(one, content.Kind)])
def test_nothing_that_runs_is_shown_in_place(kind):
    """Markup and Office files are downloads; pictures, PDF and video may be shown."""
    assert kind.inline == (kind.type in {*content.IMAGES, "application/pdf", "video/mp4"})


@pytest.mark.parametrize(("raw", "code"), [
    (b"MZ\x90\x00\x03\x00\x00\x00", "file-kind"), (b"\x7fELF\x02\x01\x01\x00", "file-kind"), (b"a\x00b", "file-kind"),
    (PNG[:20], "file-damaged"), (picture("jpeg")[:30], "file-damaged"), (b"\xff\xd8\xff\xe0", "file-damaged"), (picture("webp")[:18], "file-damaged"),
    (b"GIF89a\x00\x00\x00\x00\x00\x00\x00", "file-damaged"), (b"PK\x03\x04broken", "file-damaged"),
    (PNG[:16] + struct.pack(">II", 10_000, 5_001) + PNG[24:], "picture-too-large"),
    (b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + b"\x00\x00\x00", "picture-too-large"),
    (office("xl", zeros="0" * 3_000_000), "archive-too-large"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "file-encrypted"),
])
def test_what_is_refused(store, raw, code):
    """Programs, damaged files, pixel floods, zip bombs and password-protected files are refused with a remedy, and leave nothing."""
    with pytest.raises(Refused) as refused:
        put(store, raw)
    assert (refused.value.problems[0].code, bool(refused.value.problems[0].hint)) == (code, True)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_an_encrypted_archive_is_refused():
    """An entry with a password in an otherwise sound archive."""
    raw = bytearray(office("xl"))
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ValueError, match="password"):
        kind_of(bytes(raw))


def test_too_many_entries_are_a_bomb(monkeypatch):
    """An archive of more entries than any honest one is refused by its list alone."""
    monkeypatch.setattr(content, "MAX_ENTRIES", 2)
    with pytest.raises(ValueError, match="unpack"):
        kind_of(office("xl", more="x"))


@pytest.mark.parametrize(("given", "cleaned"), [
    ("计划 2026.pdf", "计划 2026.pdf"), ("../../etc/passwd", "passwd.pdf"), ("C:\\x\\a.pdf", "a.pdf"), ("a\u202efdp.exe", "afdp.exe"), ("", "file.pdf"),
    (".pdf", "pdf.pdf"), ("con.pdf", "_con.pdf"), ("a<b>:c?.pdf", "a_b__c_.pdf"), ("x" * 300 + ".pdf", "x" * 116 + ".pdf"), ("a\x00\r\nb.pdf", "ab.pdf"),
    ("\ud800.pdf", "pdf.pdf"), ("no ending", "no ending.pdf"),
])
def test_names_are_cleaned(given, cleaned):
    """No folders, no invisible marks, nothing that another system refuses."""
    assert content.clean_name(given, ".pdf") == cleaned


# Where the bytes lie


def test_bytes_lie_under_their_hash(store):
    """Content decides the place; the same content twice lies once."""
    stored = put(store)
    path = store.root / stored.sha256[:2] / stored.sha256[2:4] / stored.sha256
    assert (stored.sha256, path.read_bytes()) == (hashlib.sha256(PDF).hexdigest(), PDF)
    assert put(store, name="again.pdf").sha256 == stored.sha256
    assert [path for path in store.root.rglob("*") if path.is_file()] == [path]


def test_everything_is_forced_to_disk(store, monkeypatch):
    """File, its folder and the folders above are synchronised before `put` returns."""
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.readlink(f"/proc/self/fd/{fd}")), real(fd)))
    stored = put(store)
    folder = str(store.path(stored.sha256).parent)
    assert synced[-1] == folder
    assert {str(store.root), str(store.path(stored.sha256).parent.parent)} <= set(synced)
    assert any("/new/" in path for path in synced)


@pytest.mark.parametrize(("raw", "code"), [(b"", "file-empty"), (PDF + bytes(100), "file-too-large")])
def test_size_is_limited(store, raw, code):
    """An empty file and one above the limit are refused."""
    with pytest.raises(Refused) as refused:
        put(store, raw, max_size=100)
    assert refused.value.problems[0].code == code


def test_reading_back_checks_the_hash(store):
    """Changed or missing bytes are never handed out."""
    stored = put(store, PDF * 200_000)
    assert b"".join(store.read(stored.sha256)) == PDF * 200_000
    with store.check(stored.sha256).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    with pytest.raises(files.Damaged):
        b"".join(store.read(stored.sha256))
    store.path(stored.sha256).unlink()
    with pytest.raises(files.Damaged):
        store.check(stored.sha256)


# Rows and uses


def test_a_file_is_claimed_by_its_uploader(database, store):
    """Who uploaded a file may use it; somebody else may not, nor may anyone once another record has it."""
    file = uploaded(database, store)
    assert claim(database, 1, [file.id], actor_id=8) == ["file-unknown"]
    assert claim(database, 1, [file.id]) == []
    assert claim(database, 1, [file.id], actor_id=8) == []
    assert claim(database, 2, [file.id]) == ["file-unknown"]
    assert claim(database, 2, [file.id], lends=(1,)) == []
    assert claim(database, 3, [file.id], actor_id=None) == []
    assert claim(database, 4, [12345]) == ["file-unknown"]
    with database.begin(reading=True) as connection:
        assert files.users_of(connection, file.id) == (1, 2, 3)
        assert files.get(connection, file.id) == file
        assert files.hashes(connection, [file.id]) == {file.id: file.sha256}


def test_photos_take_pictures_alone(database, store):
    """A drawing in SVG or a PDF does not go into a field of photos."""
    png, pdf, svg = uploaded(database, store, PNG), uploaded(database, store), uploaded(database, store, b"<svg/>", "a.png")
    assert claim(database, 1, [png.id, pdf.id, svg.id], images=["/papers"]) == ["file-not-picture", "file-not-picture"]
    assert claim(database, 1, [png.id], images=["/papers"]) == []
    assert svg.disposition == "attachment"
    assert png.disposition == "inline"


def test_the_number_of_files_is_limited(database, store, monkeypatch):
    """A record keeps so many files, a user so many that nothing uses."""
    monkeypatch.setattr(files, "MAX_PER_RECORD", 2)
    monkeypatch.setattr(files, "MAX_UNUSED", 3)
    ids = [uploaded(database, store).id for _at in range(3)]
    with pytest.raises(Refused):
        uploaded(database, store)
    assert claim(database, 1, ids[:2]) == []
    assert claim(database, 1, ids) == ["files-too-many"]


def test_files_of_a_record_are_found(database):
    """Fields and columns that hold files are named by their place."""
    record = small.order(papers=(1, 2), pictures=(3,))
    assert files.used_by(record) == {"/papers": (1, 2), "/pictures": (3,)}
    assert files.picture_places(record) == ("/pictures",)


def test_unused_files_go_after_a_day(database, store):
    """A file that no record used within 24 hours goes, bytes too; one that is used stays, and so do shared bytes."""
    old = NOW - timedelta(hours=25)
    gone, used, shared = uploaded(database, store, b"gone", "a.txt", at=old), uploaded(database, store, PNG, at=old), uploaded(database, store, at=old)
    kept = uploaded(database, store)
    assert claim(database, 1, [used.id]) == []
    for path in store.root.glob("??/??/*"):
        os.utime(path, (time.time() - 90_000,) * 2)
    assert files.clean(database, store, NOW) == 2
    with database.begin(reading=True) as connection:
        assert set(files.load(connection, [gone.id, used.id, shared.id, kept.id])) == {used.id, kept.id}
    assert not store.path(gone.sha256).exists()
    assert store.path(used.sha256).exists()
    assert store.path(kept.sha256).exists()


def test_bytes_that_were_just_put_again_stay(database, store):
    """Cleaning never takes bytes whose new row is about to be written."""
    file = uploaded(database, store, at=NOW - timedelta(hours=25))
    os.utime(store.path(file.sha256), (time.time() - 90_000,) * 2)
    put(store)
    assert files.clean(database, store, NOW) == 1
    assert store.check(file.sha256)


def test_interrupted_uploads_are_swept(database, store):
    """What a killed upload left goes with the next cleaning, and orphaned bytes are named."""
    put(store)
    left = store.root / "new" / "half"
    left.write_bytes(b"x")
    for path in (left, *store.root.glob("??/??/*")):
        os.utime(path, (time.time() - 90_000,) * 2)
    files.clean(database, store, NOW)
    assert not left.exists()
    assert files.orphans(database, store) == [hashlib.sha256(PDF).hexdigest()]


@pytest.mark.parametrize(("name", "header"), [
    ("plan.pdf", 'attachment; filename="plan.pdf"'),
    ("\u8ba1\u5212 1.pdf", "attachment; filename=\"__ 1.pdf\"; filename*=UTF-8''%E8%AE%A1%E5%88%92%201.pdf"),
    ('a"\\\r\nb.pdf', "attachment; filename=\"a____b.pdf\"; filename*=UTF-8''a%22%5C%0D%0Ab.pdf"),
])
def test_a_file_is_handed_out_under_its_name_in_any_script(name, header):
    """A header holds ASCII alone: the name travels encoded, with a plain one beside it for old browsers."""
    assert content.disposition("attachment", name) == header
