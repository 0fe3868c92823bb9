"""HTML built as a tree, so that every text is escaped when it is written, wherever it came from."""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, tostring

INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def element(tag: str, *content: str | Element, **attributes: str) -> Element:
    """An element with texts and elements as content; `class_` stands for `class`, `aria_label` for `aria-label`.

    >>> html_text(element("p", "a < b, ", element("b", "c"), class_="x"))
    '<p class="x">a &lt; b, <b>c</b></p>'
    """
    made = Element(tag, {name.rstrip("_").replace("_", "-"): visible(value) for name, value in attributes.items()})
    for part in content:
        if isinstance(part, Element):
            made.append(part)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + visible(part)
        else:
            made.text = (made.text or "") + visible(part)
    return made


def visible(text: str) -> str:
    """The text with a replacement for what has no shape or turns the direction of writing: names come from outside."""
    return "".join(REPLACEMENT if unicodedata.category(letter) in INVISIBLE else letter for letter in text)


def html_text(tree: Element) -> str:
    """The tree as HTML; texts and attributes are escaped here."""
    return tostring(tree, encoding="unicode", method="html")


def style(css: str) -> Element:
    """A style sheet of our own, which HTML takes as it is written."""
    made = Element("style")
    made.text = css
    return made


def when(moment: datetime) -> Element:
    """A moment in words; one without a time zone is UTC."""
    utc = in_utc(moment)
    return element("time", f"{utc.day} {utc:%B %Y, %H:%M} UTC", datetime=f"{utc:%Y-%m-%dT%H:%M:%SZ}")


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC; one without a time zone is taken as UTC already."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def counted(number: int, one: str, several: str = "") -> str:
    """A number of things other than people and rows, with its noun.

    >>> counted(1, "rule"), counted(2, "rule"), counted(0, "delivery", "deliveries")
    ('1 rule', '2 rules', '0 deliveries')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def table(caption: str, header: Iterable[str], rows: Iterable[Iterable[str | Element]], *, numbers: int = 0) -> Element:
    """A table that scrolls inside its frame on narrow screens; its last `numbers` columns are figures.

    The first cell of a row names the row.
    """
    titles = list(header)
    text_columns = len(titles) - numbers
    head = [element("th", title, scope="col", class_=_kind(at, text_columns)) for at, title in enumerate(titles)]
    body = [element("tr", *_cells(row, text_columns)) for row in rows]
    made = element(
        "table", element("caption", caption), element("thead", element("tr", *head)), element("tbody", *body)
    )
    return element("div", made, class_="frame", role="region", aria_label=caption, tabindex="0")


def _cells(row: Iterable[str | Element], text_columns: int) -> Iterable[Element]:
    for at, content in enumerate(row):
        if at == 0:
            yield element("th", content, scope="row")
        else:
            yield element("td", content, class_=_kind(at, text_columns))


def _kind(at: int, text_columns: int) -> str:
    return "figure" if at >= text_columns else "text"
