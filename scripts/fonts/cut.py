"""Cut the print fonts to the characters that the site's languages use.

``general-use.txt``, ``traditional.txt`` and ``frequent.txt`` come from the properties kTGH, kTraditionalVariant and
kHanyuPinlu of the Unicode Han database. Run on a machine with Debian's ``fonts-noto-cjk`` (SIL Open Font License 1.1) and ``fonts-dejavu-core`` (Bitstream Vera
licence, for signs that Noto CJK lacks)::

    python scripts/fonts/cut.py [FOLDER]

It writes the files that ``core/printing`` ships as package data: a Song face for content, a Hei
face for labels (regular and bold), each split into everyday characters and the rest of the table and of Traditional
text, since a file is quicker to embed the fewer glyphs it holds; and one file with every further character, which a
print opens only when a rare name needs it. The faces are renamed so that a print never takes a font of the machine by accident.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont, newTable

HERE = Path(__file__).parent
SOURCES = Path("/usr/share/fonts/opentype/noto")
SIGNS = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
TARGET = HERE.parent.parent / "core" / "printing" / "fonts"

# Latin with the accents of European names, Greek, punctuation, arrows, mathematics, technical signs, numbers in
# circles, box drawing, geometric shapes, ticks, CJK punctuation and marks, units, full-width forms.
PLAIN = ((0x20, 0x7E), (0xA0, 0x17F), (0x1CD, 0x1DC), (0x391, 0x3C9), (0x401, 0x451), (0x2010, 0x2027), (0x2030, 0x205E),
         (0x2070, 0x209C), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2150, 0x218B), (0x2190, 0x21FF), (0x2200, 0x22FF),
         (0x2300, 0x23FF), (0x2460, 0x24FF), (0x2500, 0x257F), (0x2580, 0x259F), (0x25A0, 0x25FF), (0x2600, 0x26FF),
         (0x2700, 0x27BF), (0x3000, 0x303F), (0x3041, 0x30FF), (0x3105, 0x312F), (0x3200, 0x32FF), (0x3300, 0x33FF),
         (0xFE10, 0xFE1F), (0xFE30, 0xFE4F), (0xFF01, 0xFF60), (0xFFE0, 0xFFE6))


# What else people paste: Cyrillic, Greek with accents, further marks and arrows.
MORE_SIGNS = ((0x180, 0x24F), (0x2B0, 0x2FF), (0x300, 0x36F), (0x370, 0x52F), (0x1E00, 0x1EFF), (0x27C0, 0x27FF), (0x2900, 0x2BFF))

# Signs that nearly every print has: quotation marks, dashes, boxes, punctuation, circled figures.
USUAL = {*range(0x2010, 0x2027), *range(0x2610, 0x2612), *range(0x3001, 0x3012), *range(0xFF01, 0xFF5F), 0x2103, 0x2264, 0x2265}

# What a label needs of it.
FEW = ((0x20, 0x7E), (0xA0, 0xFF), (0x391, 0x3C9), (0x2010, 0x2027), (0x2030, 0x203B), (0x2100, 0x213B), (0x2160, 0x217B),
       (0x2190, 0x2199), (0x2200, 0x2265), (0x2460, 0x2473), (0x25A0, 0x25CF), (0x2605, 0x2606), (0x2610, 0x2612),
       (0x2713, 0x2717), (0x3000, 0x301F), (0xFF01, 0xFF60), (0xFFE0, 0xFFE6))


def general_use() -> str:
    """The 8,105 characters of the table of general standard Chinese characters (2013), in its order."""
    return "".join((HERE / "general-use.txt").read_text("utf-8").split())


def big5_first_plane() -> set[str]:
    """The 5,401 frequent characters of Big5, which Traditional text uses."""
    found = set()
    for high in range(0xA4, 0xC7):
        for low in (*range(0x40, 0x7F), *range(0xA1, 0xFF)):
            try:
                found.add(bytes([high, low]).decode("big5"))
            except UnicodeDecodeError:
                continue
    return {character for character in found if character >= "\u4e00"}


def traditional() -> set[str]:
    """The Traditional forms of the 3,500 most frequent characters: what a label in Traditional Chinese is made of."""
    return set("".join((HERE / "traditional.txt").read_text("utf-8").split()))


def characters(ranges: tuple[tuple[int, int], ...]) -> set[str]:
    """The characters of ranges of code points."""
    return {chr(code) for first, last in ranges for code in range(first, last + 1)}


def is_han(code: int) -> bool:
    """Whether a code point is a Chinese character."""
    return 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF or code == 0x3007


def face(file: str, name: str) -> TTFont:
    """One face out of a collection of Noto CJK."""
    collection = TTCollection(SOURCES / file)
    return next(font for font in collection.fonts if font["name"].getDebugName(1).startswith(name))


def cut(font: TTFont, wanted: set[str], family: str, bold: bool, target: Path) -> None:
    """Write `font` with the characters `wanted` alone, under our own family name; as TrueType where `target` says so."""
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
                             name_languages=[0x409], glyph_names=False, drop_tables=["vhea", "vmtx", "VORG", "BASE", "DSIG", "FFTM"])
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes={ord(character) for character in wanted})
    subsetter.subset(font)
    style = "Bold" if bold else "Regular"
    postscript = f"{family.replace(' ', '')}-{style}"
    for number, text in {1: family, 2: style, 3: f"{postscript};Noto CJK", 4: f"{family} {style}", 6: postscript}.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    if "CFF " in font and target.suffix == ".ttf":
        to_truetype(font)
        if family == "Yunkong Song":
            add_boxes(font)
        put_in_order(font)
    elif "CFF " in font:
        top = font["CFF "].cff
        top.fontNames[0] = postscript
        top.topDictIndex[0].FamilyName, top.topDictIndex[0].FullName = family, f"{family} {style}"
    font.save(target)
    print(f"{target.name}: {len(font.getGlyphOrder())} glyphs, {target.stat().st_size / 1e6:.2f} MB")


def to_truetype(font: TTFont) -> None:
    """Turn PostScript outlines into TrueType ones.

    A PDF that embeds a few of many glyphs is half as big with them: an unused glyph costs nothing there.
    """
    drawn, order, glyphs = font.getGlyphSet(), font.getGlyphOrder(), {}
    for name in order:
        pen = TTGlyphPen(drawn)
        drawn[name].draw(Cu2QuPen(pen, 2.0, reverse_direction=True))
        glyphs[name] = pen.glyph()
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, glyphs
    most = font["maxp"]
    most.tableVersion = 0x00010000
    for name in ("Zones", "TwilightPoints", "Storage", "FunctionDefs", "InstructionDefs", "StackElements", "SizeOfInstructions",
                 "ComponentElements", "Points", "Contours", "CompositePoints", "CompositeContours", "ComponentDepth"):
        setattr(most, f"max{name}", 1 if name == "Zones" else 0)
    font["post"].formatType, font["post"].extraNames, font["post"].mapping = 3.0, [], {}
    del font["CFF "]
    font.sfntVersion = "\x00\x01\x00\x00"


def put_in_order(font: TTFont) -> None:
    """Put what is used most first: an embedded font ends with the last glyph that the print uses."""
    frequent = {character: place for place, character in enumerate("".join((HERE / "frequent.txt").read_text("utf-8").split()))}
    code_of = {name: code for code, name in sorted(font.getBestCmap().items(), reverse=True)}

    def place(name: str) -> tuple[int, int]:
        code = code_of.get(name, 0)
        if not is_han(code):
            return (1 if code < 0x2000 or code in USUAL else 3), code
        return 2, frequent.get(chr(code), 9999)

    first = font.getGlyphOrder()[0]
    order = [first, *sorted((name for name in font.getGlyphOrder() if name != first), key=place)]
    font["glyf"].glyphs = {name: font["glyf"][name] for name in order}
    font["cmap"].tables, font["hmtx"].metrics  # noqa: B018 - read by the old order before the new one holds
    font.setGlyphOrder(order)
    font["glyf"].glyphOrder = order


def add_boxes(font: TTFont) -> None:
    """Draw the boxes of a form, empty and ticked, as a print wants them: a square with a rule of its own weight."""
    outer, inner = (90, -30, 850, 730), (146, 26, 794, 674)
    tick = ((240, 380), (300, 425), (415, 270), (660, 600), (720, 560), (425, 150))
    for code, ticked in ((0x2610, False), (0x2611, True)):
        pen = TTGlyphPen(None)
        left, bottom, right, top = outer
        _polygon(pen, ((left, bottom), (left, top), (right, top), (right, bottom)))
        left, bottom, right, top = inner
        _polygon(pen, ((left, bottom), (right, bottom), (right, top), (left, top)))
        if ticked:
            _polygon(pen, tick)
        name = f"box{code:x}"
        font.setGlyphOrder([*font.getGlyphOrder(), name])
        font["glyf"].glyphs[name] = pen.glyph()
        font["glyf"].glyphOrder = font.getGlyphOrder()
        font["hmtx"].metrics[name] = (1000, outer[0])
        for table in font["cmap"].tables:
            table.cmap[code] = name


def _polygon(pen: TTGlyphPen, points: tuple[tuple[int, int], ...]) -> None:
    pen.moveTo(points[0])
    for point in points[1:]:
        pen.lineTo(point)
    pen.closePath()


def main(target: Path) -> None:
    """Cut every face."""
    target.mkdir(parents=True, exist_ok=True)
    table, big5 = general_use(), big5_first_plane()
    first = set(table[:3500])
    faces = {"song": ("NotoSerifCJK-Regular.ttc", "Noto Serif CJK SC", False), "hei": ("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC", False),
             "hei-bold": ("NotoSansCJK-Bold.ttc", "Noto Sans CJK SC", True)}
    wanted = {
        "song": (characters(PLAIN) | first, (set(table) | big5) - first),
        "hei": (characters(FEW) | first, traditional()),
        "hei-bold": (characters(FEW) | first, traditional()),
    }
    for name, (everyday, more) in wanted.items():
        file, source, bold = faces[name]
        family = "Yunkong Song" if name == "song" else "Yunkong Hei"
        cut(face(file, source), everyday, family, bold, target / f"{name}.ttf")
        cut(face(file, source), more, f"{family} More", bold, target / f"{name}-more.ttf")
    full = face("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC")
    rest = {chr(code) for code in full.getBestCmap() if is_han(code)} - set(table) - big5
    cut(full, rest, "Yunkong Rare", False, target / "rare.otf")
    held = {chr(code) for code in TTFont(target / "song.ttf").getBestCmap()}
    cut(TTFont(SIGNS), characters(PLAIN + MORE_SIGNS) - held, "Yunkong Signs", False, target / "signs.ttf")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
