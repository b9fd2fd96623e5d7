#!/usr/bin/env python3
"""The pictures of the documentation: every page type of a fresh demo site, on the desk and on the phone, in three languages.

    scripts/pictures.py             take them all; one that looks as before is left as it is
    scripts/pictures.py NAME …      take these alone

Needs Chromium and, for the print, pdftoppm (Debian: poppler-utils).
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from openpyxl import Workbook
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.translations import CORE, Translations  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
NOW = "2026-11-20T14:20:00+08:00"
PORT = 8377
BASE = f"http://127.0.0.1:{PORT}"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LOCALES = {"zh_CN": "zh-CN", "zh_TW": "zh-TW", "en": "en-US"}
ALIKE = 0.004
"""The share of points that may differ while two pictures count as the same: ids and hashes are new in each demo."""

PLANNER, APPROVER, KEEPER, ITEM_KEEPER, DIRECTOR, ADMIN = "lijianguo", "zhengguoqiang", "xuxiaoyan", "songyi", "chendayong", "admin"
PLAN, ORDER, ITEM = "/production/monthly_plan", "/production/order", "/master_data/item"
HEADINGS = ("Product", "Order or contract", "Planned quantity", "Due date", "Workshop", "In stock", "Risks and countermeasures")
PASTED = """\
Z41H-DN50	XS-2701-001	260	2027-01-15	装配一车间	40	铸件到货如迟，先装库存阀体
Z41H-DN80	XS-2701-002	180	2027-01-18	装配一车间	12
Z41H-DN65	XS-2701-004	12OO	2027-01-20	装配一车间	26
J41H-DN25	XS-2701-006	320	2027-01-22	装配二车间	75
J41H-DN40	XS-2701-007	240	2027-01-25	装配二车间	18	研磨工位只有一台
Q41F-DN50	XS-2701-009	150	2027-03-05	装配二车间	9
ZT-DN50	XS-2701-001	300	2027-01-12	机加一车间	64
ZT-DN80	XS-2701-002	200	2027-01-14		31
JT-DN25	XS-2701-006	340	2027-01-16	机加二车间	88
"""
TEXTS = Translations((CORE, ROOT / "plugins" / "production" / "translations"))


class Tour:
    """Browsers on a demo site that is served, one for each person, language and size."""

    def __init__(self, browser: Browser, passwords: dict[str, str]) -> None:
        self.browser = browser
        self.passwords = passwords
        self.pages: dict[tuple[str, int, str | None], Page] = {}

    def open(self, language: str, size: dict[str, int], who: str | None) -> Page:
        """The browser of somebody, signed in and set to a language."""
        key = (language if who is None else "", size["width"], who)
        if key not in self.pages:
            context = self.browser.new_context(
                base_url=BASE, locale=LOCALES[language], timezone_id="Asia/Shanghai", viewport=size, is_mobile=size is PHONE, has_touch=size is PHONE,
            )
            self.pages[key] = context.new_page()
            self.sign_in(self.pages[key], who)
        page = self.pages[key]
        if who is not None:
            self.speak(page, language)
        return page

    def sign_in(self, page: Page, who: str | None) -> None:
        """Go in, where somebody is to go in."""
        page.goto("/sign-in")
        if who is not None:
            page.fill("[name=username]", who)
            page.fill("[name=password]", self.passwords[who])
            page.press("[name=password]", "Enter")
            page.wait_for_url(f"{BASE}/")

    def speak(self, page: Page, language: str) -> None:
        """Let the page's user choose a language."""
        page.goto("/me")
        if page.locator("html").get_attribute("lang") != language.replace("_", "-"):
            page.check(f"form[action='/me/language'] input[value={language}]")
            page.locator("form[action='/me/language'] button").last.click()
            page.wait_for_load_state("networkidle")


def record_at(page: Page, path: str, words: str) -> str:
    """The address of the first record of a list whose row says these words."""
    page.goto(f"{path}?view=all")
    found = page.locator(f"a[href^='{path}/']", has_text=words).first
    return found.get_attribute("href") or path


# What each picture shows


def at(path: str) -> Callable[[Page], None]:
    """A page by its address."""
    def go(page: Page) -> None:
        page.goto(path)
    return go


def entrance(page: Page) -> None:
    """Where one signs in."""
    page.fill("[name=username]", PLANNER)


def plan(page: Page) -> None:
    """The plan of the month to come, that waits for its approver."""
    page.goto(record_at(page, PLAN, "MP-202612-01"))


def missing(page: Page) -> None:
    """A draft with something missing: why the step cannot be taken yet."""
    page.goto(f"{ORDER}/new")
    page.wait_for_load_state("networkidle")
    page.locator("[name='source_order']").fill("XS-2612-088")
    page.locator("button[value=save]").click()
    page.wait_for_load_state("networkidle")


def paste(page: Page, text: str) -> None:
    """Put a block into the cell that has the focus, as Excel would."""
    page.evaluate(
        "text => { const data = new DataTransfer(); data.setData('text/plain', text);"
        " document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }", text)


def pasted(page: Page) -> None:
    """The plan for January: nine lines from Excel, three of them wrong, sent, refused, and all still there."""
    page.goto(f"{PLAN}/new")
    page.wait_for_load_state("networkidle")
    page.fill("[name=plan_month]", "2027-01")
    language = (page.locator("html").get_attribute("lang") or "").replace("-", "_")
    page.locator("[data-grid=lines] tbody tr:nth-child(1) td[data-column=product] .ce").focus()
    paste(page, "\t".join(TEXTS.text(one, language) for one in HEADINGS) + "\n" + PASTED)
    page.wait_for_timeout(1500)
    page.locator("button.btn-p[type=submit]").last.click()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(600)
    page.evaluate("window.scrollTo(0, 0)")


def discarded(page: Page) -> None:
    """Nothing of it is left for the next picture."""
    page.locator("button[value=discard]").click()
    page.wait_for_load_state("networkidle")


def removed(page: Page) -> None:
    """The draft is gone again."""
    page.locator("details.menu summary.sq").click()
    page.locator("form[action$='/remove'] button").click()
    page.wait_for_load_state("networkidle")


def dialog(page: Page) -> None:
    """Approving, with the password asked again."""
    plan(page)
    page.wait_for_load_state("networkidle")
    page.locator("a.btn-p[data-dialog]").first.click()
    page.wait_for_selector("dialog[open] input[type=password]")


def workbook() -> bytes:
    """Items as a technical department lists them, two rows wrong."""
    book = Workbook()
    sheet = book.active
    for row in (
        ("编码", "名称", "类别", "计量单位", "型号", "规格"),
        ("Z41H-DN250", "楔式闸阀 DN250", "产品", "件", "Z41H-16C", "PN16，法兰连接，WCB"),
        ("Z41H-DN300", "楔式闸阀 DN300", "产品", "件", "Z41H-16C", "PN16，法兰连接，WCB"),
        ("Z41H-DN350", "楔式闸阀 DN350", "成品", "件", "Z41H-16C", "PN16，法兰连接，WCB"),
        ("J41H-DN125", None, "产品", "件", "J41H-16C", "PN16，法兰连接，WCB"),
        ("J41H-DN150", "截止阀 DN150", "产品", "件", "J41H-16C", "PN16，法兰连接，WCB"),
    ):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def tried(page: Page) -> None:
    """A workbook tried without importing it: an answer per row."""
    page.goto(f"{ITEM}/import")
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    page.set_input_files("input[name=file]", {"name": "items.xlsx", "mimeType": kind, "buffer": workbook()})
    page.locator("main form button.btn-p").first.click()
    page.wait_for_selector("#answer")


def account(page: Page) -> None:
    """One user: roles, password, sessions."""
    page.goto("/admin/users?q=lijianguo")
    page.locator("main a[href^='/admin/users/']", has_text="李建国").first.click()
    page.wait_for_load_state("networkidle")


@dataclass(frozen=True)
class Picture:
    """One picture: its name, who sees it, what, in which language, how large."""

    name: str
    who: str | None
    show: Callable[[Page], None]
    language: str = "zh_CN"
    on_phone: bool = False
    after: Callable[[Page], None] | None = None


REPORT = at("/production/reports/completion?month=2026-10")
PICTURES = (
    Picture("sign-in", None, entrance),
    Picture("inbox", PLANNER, at("/")),
    Picture("list", DIRECTOR, at("/production/daily_report?view=all")),
    Picture("record", PLANNER, plan),
    Picture("why-not", PLANNER, missing, after=removed),
    Picture("edit", PLANNER, pasted, after=discarded),
    Picture("step", APPROVER, dialog),
    Picture("import", ITEM_KEEPER, tried),
    Picture("report", PLANNER, REPORT),
    Picture("me", PLANNER, at("/me")),
    Picture("admin-modules", ADMIN, at("/admin")),
    Picture("admin-users", ADMIN, at("/admin/users")),
    Picture("admin-user", ADMIN, account),
    Picture("admin-departments", ADMIN, at("/admin/departments")),
    Picture("admin-functions", ADMIN, at("/admin/functions")),
    Picture("admin-policies", ADMIN, at("/admin/policies")),
    Picture("admin-settings", ADMIN, at("/admin/settings")),
    Picture("admin-sessions", ADMIN, at("/admin/sessions")),
    Picture("admin-trail", ADMIN, at("/admin/trail")),
    Picture("inbox-zh-tw", PLANNER, at("/"), "zh_TW"),
    Picture("record-zh-tw", PLANNER, plan, "zh_TW"),
    Picture("edit-zh-tw", PLANNER, pasted, "zh_TW", after=discarded),
    Picture("sign-in-en", None, entrance, "en"),
    Picture("inbox-en", PLANNER, at("/"), "en"),
    Picture("list-en", DIRECTOR, at("/production/daily_report?view=all"), "en"),
    Picture("record-en", PLANNER, plan, "en"),
    Picture("edit-en", PLANNER, pasted, "en", after=discarded),
    Picture("admin-policies-en", ADMIN, at("/admin/policies"), "en"),
    Picture("sign-in-phone", None, entrance, on_phone=True),
    Picture("inbox-phone", PLANNER, at("/"), on_phone=True),
    Picture("list-phone", DIRECTOR, at("/production/daily_report?view=all"), on_phone=True),
    Picture("record-phone", PLANNER, plan, on_phone=True),
    Picture("edit-phone", PLANNER, at(f"{PLAN}/new"), on_phone=True),
    Picture("step-phone", APPROVER, dialog, on_phone=True),
    Picture("report-phone", PLANNER, REPORT, on_phone=True),
    Picture("scan-phone", KEEPER, at("/scan"), on_phone=True),
    Picture("admin-users-phone", ADMIN, at("/admin/users"), on_phone=True),
)
COPIES = {"readme-record": "record", "readme-edit": "edit"}
"""Pictures of the READMEs, and those that they are copies of."""


# Taking and keeping


def take(tour: Tour, wanted: Picture) -> bytes:
    """The picture as PNG."""
    page = tour.open(wanted.language, PHONE if wanted.on_phone else DESK, wanted.who)
    wanted.show(page)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(400)
    page.evaluate("document.activeElement && document.activeElement.tagName === 'INPUT' && document.activeElement.blur()")
    png = page.screenshot()
    if wanted.after is not None:
        wanted.after(page)
    return png


def printed(tour: Tour) -> bytes:
    """The first two pages of a print, side by side, as PNG."""
    page = tour.open("zh_CN", DESK, PLANNER)
    address = record_at(page, PLAN, "MP-202611-01")
    pdf = page.request.get(f"{address}/prints/plan").body()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "print.pdf").write_bytes(pdf)
        subprocess.run(["pdftoppm", "-r", "86", "-png", "-l", "2", "print.pdf", "page"], cwd=folder, check=True)
        pages = [Image.open(one).convert("RGB") for one in sorted(Path(folder).glob("page*.png"))]
    gap = 24
    sheet = Image.new("RGB", (sum(one.width for one in pages) + gap * (len(pages) + 1), pages[0].height + 2 * gap), "#e6e9ee")
    left = gap
    for one in pages:
        sheet.paste(one, (left, gap))
        left += one.width + gap
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def keep(name: str, png: bytes) -> str:
    """Write a picture unless the one that stands looks the same; what was done."""
    path = FOLDER / f"{name}.webp"
    fresh = Image.open(io.BytesIO(png)).convert("RGB")
    if path.exists():
        old = Image.open(path).convert("RGB")
        if old.size == fresh.size:
            points = ImageChops.difference(old, fresh).convert("L").point(lambda value: 255 if value > 24 else 0)
            if sum(points.histogram()[255:]) <= ALIKE * fresh.width * fresh.height:
                return "as before"
    fresh.save(path, "WEBP", quality=82, method=6)
    return f"{path.stat().st_size // 1024} KB"


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """A demo site with a fixed clock, served; the passwords of its accounts."""
    with tempfile.TemporaryDirectory() as folder:
        known = {name: value for name, value in os.environ.items() if not name.startswith("YUNKONG_")}
        environment = {**known, "YUNKONG_NOW": NOW, "YUNKONG_LANGUAGE": "zh_CN", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", "import sys; from core.cli import main; sys.exit(main(sys.argv[1:]))"]
        site = f"{folder}/site"
        made = subprocess.run([*command, "demo", site, "--no-serve", "--json"], env=environment, check=True, capture_output=True, text=True)
        accounts = {one["username"]: one["password"] for one in json.loads(made.stdout)["accounts"]}
        server = subprocess.Popen([*command, "run", "--site", site, "--port", str(PORT)], env=environment)
        try:
            wait_for(f"{BASE}/readyz")
            yield accounts
        finally:
            server.terminate()
            server.wait(30)


def wait_for(url: str) -> None:
    """Wait until something answers."""
    for _try in range(240):
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.25)
    raise SystemExit(f"nothing answers at {url}")


def main(names: list[str]) -> int:
    """Take the pictures that are asked for, or all."""
    missing = [package for program, package in (("chromium", "chromium"), ("pdftoppm", "poppler-utils")) if shutil.which(program) is None]
    if missing:
        raise SystemExit(f"Missing for the pictures. Install them, then run this again:  apt-get install {' '.join(missing)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = [one for one in PICTURES if not names or one.name in names]
    with served() as passwords, sync_playwright() as playwright:
        # Chromium's own parts (a month, a file) speak the language of the process.
        speaking = {**os.environ, "LANGUAGE": "zh_CN", "LANG": "zh_CN.UTF-8"}
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"], env=speaking)
        tour = Tour(browser, passwords)
        for one in wanted:
            print(f"{one.name}: {keep(one.name, take(tour, one))}", flush=True)
        if not names or "print" in names:
            print(f"print: {keep('print', printed(tour))}")
        browser.close()
    for copy, of in COPIES.items():
        if (FOLDER / f"{of}.webp").exists():
            shutil.copyfile(FOLDER / f"{of}.webp", FOLDER / f"{copy}.webp")
    known: dict[str, Any] = {**{one.name: one for one in PICTURES}, **COPIES, "print": None}
    for path in FOLDER.glob("*.webp"):
        if path.stem not in known:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
