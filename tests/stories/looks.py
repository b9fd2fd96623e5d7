"""What every page must look like, measured in a real browser: the parts and sizes, the tokens, nothing cut, nothing inaccessible."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CSS = ROOT / "core" / "web" / "static" / "app"
AXE = ROOT / "tests" / "assets" / "axe.min.js"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


@cache
def tokens() -> frozenset[str]:
    """The colours of the style sheet's tokens, as the browser writes them."""
    root = re.search(r":root\{(.*?)\n\}", (CSS / "app.css").read_text(), re.DOTALL)
    found = {"rgba(0, 0, 0, 0)", "rgb(0, 0, 0)"}
    for value in re.findall(r"--yk-[\w-]+:(#[0-9a-f]{3,6})\b", root[1]):
        digits = value[1:] if len(value) == 7 else "".join(c * 2 for c in value[1:])
        found.add("rgb({}, {}, {})".format(*(int(digits[at:at + 2], 16) for at in (0, 2, 4))))
    return frozenset(found)


COLOURS = """() => { const HIDDEN = '.visually-hidden, .vh, .ts-hidden-accessible';
  const seen = {};
  for (const one of document.querySelectorAll("body, body *")) {
    if (!one.checkVisibility() || one.closest(HIDDEN) || one.matches("option")) continue;
    const style = getComputedStyle(one);
    const own = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const colours = [style.backgroundColor, own ? style.color : null];
    for (const side of ["Top", "Right", "Bottom", "Left"]) if (parseFloat(style[`border${side}Width`])) colours.push(style[`border${side}Color`]);
    if (one instanceof SVGElement && one.tagName === "rect") colours.push(style.fill);
    for (const colour of colours) if (colour && !(colour in seen)) seen[colour] = one.outerHTML.slice(0, 120);
  }
  return seen;
}"""

CUT = """() => { const HIDDEN = '.visually-hidden, .vh, .ts-hidden-accessible'; return [...document.querySelectorAll("body *")].filter(one => {
  if (!one.checkVisibility() || one instanceof SVGElement || one.closest(HIDDEN)) return false;
  const style = getComputedStyle(one);
  const own = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || one.matches("a, button, .ell, .btn, .st, .du, .chip, .tag");
  if (!own || one.matches("input, select, textarea, option")) return false;
  const across = style.overflowX === "hidden" && one.scrollWidth > one.clientWidth + 1;
  const down = style.overflowY === "hidden" && one.scrollHeight > one.clientHeight + 2;
  return (across || down) && !one.title && !one.closest("[title]") && !one.querySelector("[title]");
}).map(one => one.outerHTML.slice(0, 160)) }"""

SPILLS = """() => { const HIDDEN = '.visually-hidden, .vh, .ts-hidden-accessible'; return [...document.querySelectorAll("a, button, .st, .du, .chip, .tag, h1, h2, h3, th, label")].filter(one => {
  if (!one.checkVisibility() || one.closest(HIDDEN)) return false;
  const box = one.getBoundingClientRect();
  return one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline" && !one.title && !one.querySelector("[title]") && box.width > 0;
}).map(one => one.outerHTML.slice(0, 160)) }"""

SMALL = """() => [...document.querySelectorAll("body *")].filter(one => {
  if (!one.checkVisibility() || one instanceof SVGElement) return false;
  const own = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  return own && parseFloat(getComputedStyle(one).fontSize) < (one.matches("kbd, .n, .hash, .av, .d, .d *") ? 11 : 12);
}).map(one => one.outerHTML.slice(0, 120))"""

TARGETS = """() => { const HIDDEN = '.visually-hidden, .vh, .ts-hidden-accessible'; return [...document.querySelectorAll("button, summary, select, input:not([type=hidden]), .btn, .tabbar a")].filter(one => {
  if (!one.checkVisibility() || one.closest(HIDDEN) || one.matches("[type=checkbox], [type=radio], .ts-control input") || one.closest("table")) return false;
  const box = one.getBoundingClientRect();
  return box.width > 0 && box.height > 0 && box.height < 43.5;
}).map(one => `${one.getBoundingClientRect().height} ${one.outerHTML.slice(0, 120)}`) }"""

INLINE = """() => [...document.querySelectorAll("[style], script:not([src]), style")].filter(one => !one.closest("noscript, .ts-wrapper") && !one.dataset.by)
  .map(one => one.outerHTML.slice(0, 120))"""


def height(page, selector: str) -> float:
    """How high the first visible thing of a selector is."""
    return page.locator(selector).locator("visible=true").first.bounding_box()["height"]


def width(page, selector: str) -> float:
    """How wide it is."""
    return page.locator(selector).locator("visible=true").first.bounding_box()["width"]


def _none(found: list[str], what: str) -> None:
    assert not found, f"{what}:\n" + "\n".join(found)


def assert_about(found: float, wanted: float, what: str = "") -> None:
    """Two pixels either way."""
    assert abs(found - wanted) <= 2, f"{what} is {found}, not {wanted}"


def assert_tokens_only(page) -> None:
    """No colour that is no token; what a script moves about is not looked at."""
    strange = {colour: where for colour, where in page.evaluate(COLOURS).items() if colour not in tokens()}
    _none([f"{colour} {where}" for colour, where in strange.items()], "no token")


def assert_one_primary(page) -> None:
    """One accent button at a time; a dialog that is closed does not count."""
    found = page.locator(".btn-p").locator("visible=true").all_inner_texts()
    assert len(found) == 1, found


def assert_nothing_cut(page) -> None:
    """Every word can be read, or shows itself whole when pointed at."""
    _none(page.evaluate(CUT), "cut")
    _none(page.evaluate(SPILLS), "spills")


def assert_accessible(page) -> None:
    """axe finds nothing, by WCAG 2.2 A and AA."""
    page.evaluate(AXE.read_text())
    rules = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", rules)["violations"]
    _none([f"{one['id']} {node['html'][:160]} {node['failureSummary']}" for one in found for node in one["nodes"]], "axe")


def assert_frame(page) -> None:
    """Top bar 48, side bar 204, main padded 16 and 24, at 1440 x 900."""
    assert_about(height(page, ".yk-top"), 48, "top bar")
    assert_about(width(page, ".yk-side"), 204, "side bar")
    main = page.evaluate("() => { const s = getComputedStyle(document.querySelector('.yk-main')); return [s.paddingLeft, s.paddingRight].map(parseFloat) }")
    assert main == [24, 24]
    for one in page.locator(".btn:not(.sm):not(.lg)").locator("visible=true").all():
        assert_about(one.bounding_box()["height"], 32, one.inner_text())
    for one in page.locator(".btn.sm").locator("visible=true").all():
        assert_about(one.bounding_box()["height"], 26, one.inner_text())


def assert_desk(page) -> None:
    """Everything that holds for every page on a desk."""
    page.set_viewport_size(DESK)
    page.wait_for_load_state("networkidle")
    assert_one_primary(page)
    assert_tokens_only(page)
    assert_nothing_cut(page)
    _none(page.evaluate(SMALL), "small")
    _none(page.evaluate(INLINE), "inline")
    assert_accessible(page)


def assert_phone(page) -> None:
    """Everything that holds for every page on a phone: no sideways scrolling, targets of 44."""
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(100)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"], f"scrolls sideways: {wide}"
    _none(page.evaluate(TARGETS), "targets")
    assert_nothing_cut(page)
    assert_accessible(page)
    page.set_viewport_size(DESK)


def watch(page) -> list[str]:
    """What the browser complains about from now on: refused by the content policy, not found, broken script."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said
