"""How the text of a cell becomes the typed value of a contract column: as it stands, or in three SQL steps."""

from dataclasses import dataclass

from pipelines.contracts import Column

NULL_CODES = ("", "-", "&")
BLANKS = " \t\r\n\u00a0"
# Printable ASCII without blanks, with a letter or digit in it: no null code.
PLAIN_TEXT = "[!-~]*[0-9A-Za-z][!-~]*"


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL text constant."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: tuple[str, ...]) -> str:
    """SQL text constants, separated by commas."""
    return ", ".join(literal(text) for text in texts)


def lake_name(column: Column) -> str:
    """Name of a contract column in the lake."""
    return "person_id" if column.options.get("person") else column.name.lower()


@dataclass(frozen=True)
class Cell:
    """A contract column and the SQL of the raw cell that holds it (of several cells for a list)."""

    column: Column
    raw: str
    raw_list: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The value's column in the lake, unquoted."""
        return lake_name(self.column)

    @property
    def value(self) -> str:
        return quoted(self.name)

    @property
    def text(self) -> str:
        return quoted(f"__text_{self.name}")

    @property
    def parsed(self) -> str:
        return quoted(f"__parsed_{self.name}")

    @property
    def is_as_due(self) -> str:
        return quoted(f"__as_due_{self.name}")

    @property
    def trimmed(self) -> str:
        """The cell without outer blanks."""
        return f"trim({self.raw}, {literal(BLANKS)})"


@dataclass(frozen=True)
class Value:
    """SQL of one column. A cell that `is_as_due` is empty, or written as it should be with a valid value: then the
    value is `as_due`, with no fault and no repair. These two are expressions over the raw cell.

    All others take three steps, `text`, `parsed` and `value`, each computed once. Where `is_faulty`, `fault` is the
    id of the rule that the written value fails; where `is_repaired`, `repair` is the id of what was changed. These
    four are expressions over the columns of the three steps, of which the first two are null for a cell as due.

    `is_as_due` decides nothing but the way: for a cell as due the three steps give the same.
    """

    cell: Cell
    is_as_due: str
    as_due: str
    text: str
    parsed: str
    value: str
    fault: str
    repair: str
    is_faulty: str
    is_repaired: str


def without_null_codes(text: str) -> str:
    """The text, null where it is one of the ways in which a supplier writes that nothing is known."""
    return f"case when {is_one_of(text, NULL_CODES)} then null else {text} end"


def is_one_of(text: str, texts: tuple[str, ...]) -> str:
    """Whether a text is one of some: a function, so that the engine looks once at each different text of a block."""
    return f"list_contains([{literals(texts)}], {text})"


def matches(text: str, pattern: str) -> str:
    """Whether the whole text is of a pattern; null for a null text."""
    return f"regexp_full_match({text}, {literal(pattern)})"


def is_lost(cell: Cell) -> str:
    """The usual fault: something is written, no value came of it."""
    return f"({cell.text} is not null and {cell.value} is null)"


def is_rewritten(cell: Cell, canonical: str) -> str:
    """The usual repair: there is a value, and it is not written as we would write it."""
    return f"({cell.value} is not null and {canonical} <> {cell.raw})"
