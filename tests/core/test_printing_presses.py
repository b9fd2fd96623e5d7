"""Print workers: what they open (nothing), how long and how big they may get, what they do when they fail, and their fonts."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zlib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pypdf
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from core.printing import ADDRESS, Limits, Printer, PrintFailed, PrintServer
from core.printing.press import MOST_PIXELS, picture

ROOT = Path(__file__).parents[2]
FONTS = ROOT / "core" / "printing" / "fonts"
GENERAL = "".join((ROOT / "scripts" / "fonts" / "general-use.txt").read_text("utf-8").split())
CANARY = "canary-5f1c0e27"

TARGETS = (
    "http://127.0.0.1:{port}/x", "http://localhost:{port}/x", "//127.0.0.1:{port}/x", "http://[::1]:{port}/x", "http://2130706433:{port}/x",
    "http://user@127.0.0.1:{port}/x", "HTTP://127.0.0.1:{port}/x", "ftp://127.0.0.1:{port}/x", "file://{file}", "file:{file}", "FILE://{file}",
    "file://localhost{file}", "{file}", "../../../../../../../../..{file}", "yunkong-asset:../{file}", "yunkong-asset:{file}", "yunkong-asset://{file}",
    "data:text/html,<img src=http://127.0.0.1:{port}/x>", "jar:file://{file}!/", "gopher://127.0.0.1:{port}/x",
)
CARRIERS = (
    '<img src="{url}">', '<link rel="stylesheet" href="{url}">', '<link rel="attachment" href="{url}">', '<style>@import url("{url}");</style>',
    '<style>@font-face {{ font-family: x; src: url("{url}") }} p {{ font-family: x }}</style>', '<p style="background: url(\'{url}\')">x</p>',
    '<p style="list-style-image: url(\'{url}\'); display: list-item">x</p>', '<style>p::before {{ content: url("{url}") }}</style>',
    '<object data="{url}" type="image/png">x</object>', '<embed src="{url}">', '<a rel="attachment" href="{url}">x</a>', '<iframe src="{url}"></iframe>',
    '<svg width="9" height="9"><image href="{url}" width="9" height="9"/></svg>', '<svg width="9" height="9"><use href="{url}#a"/></svg>',
    '<svg width="9" height="9"><rect fill="url({url}#a)" width="9" height="9"/></svg>',
    '<svg width="9" height="9"><style>@import "{url}"; rect {{ fill: url("{url}") }}</style><rect width="9" height="9"/></svg>',
    '<base href="{url}"><img src="x.png">', '<meta http-equiv="refresh" content="0;url={url}">', '<video poster="{url}"></video>',
    '<style>@page {{ background: url("{url}"); @top-left {{ content: url("{url}") }} }}</style>',
    '<style>@color-profile --x {{ src: url("{url}") }}</style>', '<input type="image" src="{url}">', '<script src="{url}"></script>',
)


@pytest.fixture(scope="module")
def printer():
    """One print server for all tests here, with two presses at most."""
    server = PrintServer(2)
    yield Printer(server.address)
    server.close()


@pytest.fixture
def canary(tmp_path):
    """A web server that counts who calls, and a file with a word in it."""
    calls = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            calls.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CANARY.encode())

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    file = tmp_path / "canary.txt"
    file.write_text(CANARY)
    yield server.server_port, file, calls
    server.shutdown()
    thread.join()
    server.server_close()


def payloads(port, file):
    """Every carrier with five of the targets, in turn: 115 pages that want something from outside."""
    for number, carrier in enumerate(CARRIERS):
        for step in range(5):
            yield carrier.format(url=TARGETS[(number + step * 4) % len(TARGETS)].format(port=port, file=file))


def inside(pdf):
    """Every byte of a PDF, streams opened."""
    found = [pdf, *(page.extract_text().encode() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with suppress(zlib.error):
            found.append(zlib.decompress(stream))
    return b"".join(found)


def test_a_hundred_hostile_pages_open_nothing(printer, canary):
    """No call to the server, no word of the file in any PDF."""
    port, file, calls = canary
    pages = list(payloads(port, file))
    assert len(pages) >= 100
    for page in pages:
        try:
            pdf = printer.print(f"<!DOCTYPE html><html><body><p>x</p>{page}</body></html>")
        except PrintFailed:
            continue  # an attachment that cannot be opened: no print at all
        assert CANARY.encode() not in inside(pdf)
    assert calls == []


def test_it_prints_nothing_but_the_pictures_handed_over(printer):
    """By their names; what is no picture is left out."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    made = printer.make('<img src="yunkong-asset:good"><img src="yunkong-asset:bad">', {"good": out.getvalue(), "bad": b"<svg/>"})
    assert [image.image.size for image in pypdf.PdfReader(io.BytesIO(made.pdf)).pages[0].images] == [(40, 30)]
    assert made.refused == ("yunkong-asset:bad",)


def test_a_press_has_no_network(printer):
    """Even where the fetcher would let it: the system is asked to take the network away."""
    printer.print("<p>1")
    for press in presses():
        if os.readlink(f"/proc/{press.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            pytest.skip("this system does not let a process give up its network")


def presses():
    """The print workers below this process."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # one that has just ended
            if "core.printing.press" in " ".join(one.cmdline()):
                found.append(one)
    return found


# Pictures


def test_a_photo_is_written_anew_without_its_place():
    """GPS and all else that a camera writes stays out; the picture is turned upright."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (40, 20), "red").save(out, "JPEG", exif=exif, comment=CANARY.encode())
    again = picture(out.getvalue())
    image = Image.open(io.BytesIO(again))
    assert image.size == (20, 40)
    assert not image.getexif()
    assert CANARY.encode() not in again


@pytest.mark.parametrize("content", [
    b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"%PDF-1.4",
])
def test_what_is_no_picture_is_refused(content):
    """Broken ones and kinds that can do more than show pixels."""
    with pytest.raises(ValueError, match="not a picture"):
        picture(content)


def test_a_picture_bomb_is_refused():
    """A small file of too many pixels is not unpacked."""
    out = io.BytesIO()
    Image.new("1", (MOST_PIXELS // 5000 + 1, 5000)).convert("L").save(out, "PNG")
    with pytest.raises(ValueError, match="not a picture"):
        picture(out.getvalue())


# Limits


LONG = "<!DOCTYPE html><html><body>" + "<table>" * 60 + "<td>x" + "<p>一二三四五</p>" * 20000


@pytest.fixture
def tight(request):
    """A printer of its own with narrow limits."""
    found = Printer(limits=request.param)
    yield found
    found.close()


@pytest.mark.parametrize("tight", [Limits(seconds=2)], indirect=True)
def test_a_print_that_takes_too_long_is_stopped(tight):
    """The press is killed and replaced: the next print is made."""
    tight.print("<p>1")
    before = {one.pid for one in presses()}
    began = time.monotonic()
    with pytest.raises(PrintFailed, match="too long"):
        tight.print(LONG)
    assert time.monotonic() - began < 6
    assert tight.print("<p>1").startswith(b"%PDF")
    assert before - {one.pid for one in presses()}


@pytest.mark.parametrize("tight", [Limits(memory=400 * 1024 * 1024)], indirect=True)
def test_a_print_that_needs_too_much_memory_is_stopped(tight):
    """Whether Python or the system notices, the next print is made."""
    with pytest.raises(PrintFailed):
        tight.print(LONG * 2)
    assert tight.print("<p>1").startswith(b"%PDF")


@pytest.mark.parametrize("tight", [Limits(prints=3)], indirect=True)
def test_a_press_is_replaced_after_its_share(tight):
    """None lives for ever."""
    tight.print("<p>1")
    first = {one.pid for one in presses()}
    for _n in range(4):
        tight.print("<p>1")
    assert first - {one.pid for one in presses()}


@pytest.mark.parametrize("tight", [Limits(grown=1)], indirect=True)
def test_a_press_that_has_grown_is_replaced(tight):
    """Memory comes back."""
    tight.print("<p>1")
    assert tight.print("<p>1").startswith(b"%PDF")


def test_a_killed_press_is_replaced(printer):
    """Whoever prints next notices nothing."""
    printer.print("<p>1")
    for one in presses():
        os.kill(one.pid, signal.SIGKILL)
    psutil.wait_procs(presses(), 5)
    assert printer.print("<p>1").startswith(b"%PDF")


def test_too_much_is_refused_before_it_is_sent(printer):
    """With what to do about it."""
    with pytest.raises(PrintFailed, match="too much"):
        printer.print("x" * 17_000_000)


def test_many_print_at_once(printer):
    """More than there are presses: they wait for one another."""
    got = []
    threads = [threading.Thread(target=lambda n=n: got.append(printer.make(f"<p>{n}").pages)) for n in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert got == [1] * 12
    assert len(presses()) <= 2 + 4  # two of this server, the rest of printers of other tests


def test_web_workers_of_a_site_share_one_server(printer, monkeypatch):
    """Its address is in the environment; only where it is gone each starts its own."""
    server = PrintServer(1)
    monkeypatch.setenv(ADDRESS, server.address)
    one, other = Printer(), Printer()
    assert one.print("<p>1").startswith(b"%PDF")
    assert other.print("<p>1").startswith(b"%PDF")
    mine = {child.pid for child in psutil.Process(server.pid).children()}
    assert len(mine) == 1
    server.close()
    assert one.print("<p>1").startswith(b"%PDF")
    one.close()


def test_the_server_ends_with_its_parent():
    """A web worker that is killed leaves nothing behind."""
    program = "from core.printing import Printer; import sys; p = Printer(); p.print('<p>1'); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "ready\n"
        below = psutil.Process(parent.pid).children(recursive=True)
        assert len(below) >= 2
        parent.kill()
    _gone, alive = psutil.wait_procs(below, 10)
    assert alive == []


def test_the_web_process_never_imports_the_typesetter():
    """Forty megabytes that every web worker would carry."""
    program = "import sys, core.app, core.printing; print([m for m in ('weasyprint', 'fontTools', 'PIL') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"


# Fonts


def test_every_general_use_character_has_its_glyph(printer):
    """The 8,105 of the table of 2013, in the face of content and in those of labels."""
    assert len(set(GENERAL)) == 8105
    text = "".join(f"<p>{GENERAL[at:at + 200]}</p>" for at in range(0, len(GENERAL), 200))
    made = printer.make(f"<!DOCTYPE html><html lang='zh-CN'><body>{text}<div class='sec'>{GENERAL}</div></body></html>")
    assert made.missing == ""


def test_two_hundred_rare_characters_have_theirs(printer):
    """From the depths of the blocks that names come from."""
    rare = [chr(code) for code in range(0x3401, 0x4DB0, 44)] + [chr(code) for code in range(0x9FA6, 0x9FD0)] + [chr(code) for code in range(0x4E02, 0x9FA0, 333)]
    rare = [character for character in rare if character not in GENERAL][:220]
    assert len(rare) >= 200
    assert printer.make(f"<p>{''.join(rare)}</p>").missing == ""


def test_traditional_text_and_signs_have_theirs(printer):
    """What zh_TW, formulas, units and forms use."""
    big5 = "".join(bytes([high, low]).decode("big5", "ignore") for high in range(0xA4, 0xC7) for low in (*range(0x40, 0x7F), *range(0xA1, 0xFF)))
    signs = "\u25a1\u25a0\u2610\u2611\u2612\u2713\u2717\u2014\u2026\u00b7\u00d7\u00f7\u00b1\u2264\u2265\u2260\u2103\u00b0\u03c6\u03a6\u2460\u3007\u33a1\u00b2\u2082\u2192\u201c\u201d\u00e9\u00fc\u0416"
    assert printer.make(f"<p>{big5}{signs}</p>").missing == ""


def test_a_character_without_a_glyph_is_told(printer):
    """So that it can be found out before an auditor does."""
    assert printer.make("<p>a\U0001f596</p>").missing == "\U0001f596"


def test_every_font_is_embedded_and_ours(printer):
    """No font of the machine gets into a print."""
    reader = pypdf.PdfReader(io.BytesIO(printer.print("<p style='font-family: DejaVu Sans, Arial, serif'>a汉<b>b</b><small>c</small><code>d</code></p>")))
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    below = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"] for font in fonts]
    assert fonts
    assert all("Yunkong" in font["/BaseFont"] for font in fonts)
    assert all("/FontFile2" in one or "/FontFile3" in one for one in below)


def test_the_fonts_are_small_enough_to_ship():
    """Seven and a half megabytes for every day, five more for rare names."""
    sizes = {path.name: path.stat().st_size for path in FONTS.iterdir() if path.suffix in (".ttf", ".otf")}
    assert sum(size for name, size in sizes.items() if name != "rare.otf") < 7.5e6
    assert sizes["rare.otf"] < 5.5e6


def test_the_fonts_tell_their_licence():
    """As it asks."""
    for path in FONTS.glob("*.?tf"):
        names = TTFont(path)["name"]
        assert names.getDebugName(1).startswith("Yunkong")
    assert "SIL OPEN FONT LICENSE" in (FONTS / "LICENSES.txt").read_text("utf-8")
