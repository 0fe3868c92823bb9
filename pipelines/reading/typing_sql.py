"""The statements that type a file's raw records by contract: one for the accepted, one for the refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.contracts import Column, Contract, ContractError
from pipelines.reading import measured_values, text_values
from pipelines.reading.layout import Layout
from pipelines.reading.value import Cell, Value, lake_name, literal, quoted

KINDS: Mapping[str, Callable[[Cell], Value]] = {
    "DATE": measured_values.date,
    "BIGINT": measured_values.integer,
    "DOUBLE": measured_values.number,
    "BOOLEAN": measured_values.flag,
    "VARCHAR[]": text_values.codes,
}
TEXT_KINDS: Mapping[str, Callable[[Cell], Value]] = {
    "code": text_values.code,
    "icd10": text_values.code,
    "opcs4": text_values.code,
    "identifier": text_values.identifier,
    "answer": text_values.answer,
    "time": text_values.time,
}
NHS_NUMBER = "NHSNO"
_ALL_AS_DUE = "__all_as_due"
_IS_DECODED = "__is_decoded"
PROVIDER = "procode3"


@dataclass(frozen=True)
class Rule:
    """A reason to refuse a record: `condition` and `rule_id` are SQL, `column` the contract's name."""

    condition: str
    rule_id: str
    column: str


@dataclass(frozen=True)
class Typing:
    """How the raw records of one file become typed records of one contract.

    The SQL reads the tables `dropped_records` and `decoded_records`: records that could not be taken apart, and
    those that were cp1252.
    """

    contract: Contract
    layout: Layout
    values: tuple[Value, ...]
    future_after: date

    @property
    def by_name(self) -> Mapping[str, Value]:
        return {value.cell.name: value for value in self.values}

    def accepted_sql(self) -> str:
        """Every accepted record in the lake's columns, with what was nulled and repaired; `$delivery_id` is set."""
        columns = ", ".join(self._lake_column(column) for column in self.contract.columns)
        return (
            f"{self._typed('')}\nselect $delivery_id as delivery_id, record, {columns},\n"
            f"{_tokens(self._nulled(), self._late())} as nulled_fields,\n"
            f"{_tokens(self._repaired(), [_IS_DECODED])} as repaired_fields\n"
            f"from typed where not __is_dropped and not coalesce({_any(_rules(self))}, false)"
        )

    def rejected_sql(self) -> str:
        """The records of the table `not_accepted` with all rules they fail, in the contract's order.

        Columns: record, failed (`rule column`), what could still be read: person_id, provider_code, activity_date,
        and the raw cells.
        """
        tokens = ",\n".join(
            f"case when {rule.condition} then {rule.rule_id} || ' ' || {literal(rule.column)} end"
            for rule in _rules(self)
        )
        failed = f"list_filter([{tokens}]::varchar[], lambda rule: rule is not null) as failed"
        return (
            f"{self._typed('where record in (select record from not_accepted)')}\n"
            f"select record, {failed}, {', '.join([*self._whom_where_when(), *map(raw_cell, self.layout.used)])} "
            "from typed where not __is_dropped"
        )

    def _typed(self, wanted: str) -> str:
        judged = self._each(lambda value: f"coalesce({value.is_as_due}, true) as {value.cell.is_as_due}")
        texts = self._each(lambda value: f"{_otherwise(value, value.text)} as {value.cell.text}")
        parsed = self._each(lambda value: f"{_otherwise(value, value.parsed)} as {value.cell.parsed}")
        typed = self._each(
            lambda v: f"case when {v.cell.is_as_due} then {v.as_due} else {v.value} end as {v.cell.value}"
        )
        all_as_due = " and ".join(value.cell.is_as_due for value in self.values)
        absent = "".join(
            f",\n null::{column.sql_type} as {quoted(lake_name(column))}"
            for column in self.contract.columns
            if column.name not in self.layout.cells
        )
        return (
            "with raw as (select file_row_number + 1 as record, *, record in (from dropped_records) as __is_dropped, "
            f"record in (from decoded_records) as {_IS_DECODED} from read_parquet($raw, file_row_number = true)),\n"
            f"judged as (select *{judged} from raw {wanted}),\n"
            f"texts as (select *{texts},\n {all_as_due} as {_ALL_AS_DUE} from judged),\n"
            f"parsed as (select *{parsed} from texts),\ntyped as (select *{typed}{absent} from parsed)"
        )

    def _each(self, column: Callable[[Value], str]) -> str:
        return "".join(f",\n {column(value)}" for value in self.values)

    def _whom_where_when(self) -> list[str]:
        columns = self.contract.columns
        person = next((c for c in columns if c.options.get("person")), None)
        provider = next((c for c in columns if lake_name(c) == PROVIDER), None)
        day = next((c for c in columns if c.sql_type == "DATE" and places(c) == "true"), None)
        known = {
            "person_id": (person, "varchar"),
            "provider_code": (provider, "varchar"),
            "activity_date": (day, "date"),
        }
        return [
            f"{quoted(lake_name(column)) if column else 'null'}::{sql_type} as {name}"
            for name, (column, sql_type) in known.items()
        ]

    def _lake_column(self, column: Column) -> str:
        name = quoted(lake_name(column))
        if column.options.get("not_after_data") and places(column) != "true" and column.name in self.layout.cells:
            return f"case when {self._is_future(column)} then null else {name} end as {name}"
        return name

    def _is_future(self, column: Column) -> str:
        exempt = column.options.get("may_be_future")
        late = f"{quoted(lake_name(column))} > date {literal(self.future_after.isoformat())}"
        return f"({late} and not coalesce({exempt}, false))" if exempt else f"({late})"

    def _nulled(self) -> list[tuple[str, str, str]]:
        found = []
        for value in self.values:
            column = value.cell.column
            if places(column) == "true":
                continue
            found.append((value.is_faulty, value.fault, value.cell.name))
            if column.options.get("not_after_data"):
                found.append((self._is_future(column), "'future_date'", value.cell.name))
        return found

    def _late(self) -> list[str]:
        """When a date that may be null lies in the future."""
        columns = [value.cell.column for value in self.values]
        return [self._is_future(c) for c in columns if places(c) != "true" and c.options.get("not_after_data")]

    def _repaired(self) -> list[tuple[str, str, str]]:
        found = [(value.is_repaired, value.repair, value.cell.name) for value in self.values]
        return [*found, (_IS_DECODED, "'cp1252_line'", "record")]


def places(column: Column) -> str:
    """When a record cannot be placed without this column: `true`, an SQL condition, or empty for never."""
    answer = column.options.get("places", "")
    return "true" if answer is True else str(answer)


def build_typing(contract: Contract, layout: Layout, *, future_after: date) -> Typing:
    """The typing of a file with this layout; dates that must not be in the future may be up to `future_after`."""
    values = tuple(
        _value(column, [raw_cell(position) for position in layout.cells[column.name]], layout)
        for column in contract.columns
        if column.name in layout.cells
    )
    return Typing(contract=contract, layout=layout, values=values, future_after=future_after)


def raw_cell(position: int) -> str:
    """Name of a cell in the raw records."""
    return f"__c{position}"


def _value(column: Column, cells: Sequence[str], layout: Layout) -> Value:
    cell = Cell(column=column, raw=cells[0], raw_list=tuple(cells))
    if column.options.get("person"):
        is_nhs_number = layout.person_column == NHS_NUMBER
        return text_values.nhs_number(cell) if is_nhs_number else text_values.pseudonym(cell)
    if column.sql_type != "VARCHAR":
        return KINDS[column.sql_type](cell)
    kind = str(column.options.get("format", "code"))
    if kind not in TEXT_KINDS:
        raise ContractError(f"{column.name}: format {kind} is not known", f"known: {', '.join(TEXT_KINDS)}")
    return TEXT_KINDS[kind](cell)


def _otherwise(value: Value, step: str) -> str:
    return f"case when not {value.cell.is_as_due} then {step} end"


def _rules(typing: Typing) -> list[Rule]:
    rules = [_repeated_header(typing)]
    for value in typing.values:
        rules += _placing_rules(typing, value)
    for rule in typing.contract.options.get("record_rules", []):
        rules.append(Rule(f"not coalesce(({rule['holds']}), true)", literal(rule["id"]), rule["column"]))
    return rules


def _any(rules: list[Rule]) -> str:
    return f"({' or '.join(f'({rule.condition})' for rule in rules)})" if rules else "false"


def _repeated_header(typing: Typing) -> Rule:
    """Whether every cell holds its column's name; one cell of few different texts is looked at before the others."""
    layout = typing.layout
    hashed = NHS_NUMBER if layout.person_column == NHS_NUMBER else None
    same = {p: f"upper(trim({raw_cell(p)})) = {literal(layout.header[p])}" for p in layout.used}
    same = {position: condition for position, condition in same.items() if layout.header[position] != hashed}
    coded = [layout.cells[c.name][0] for c in typing.contract.columns if c.valid and c.name in layout.cells]
    first = next(iter([*coded, *same]), None)
    condition = f"case when {same[first]} then {' and '.join(same.values())} else false end" if same else "false"
    return Rule(condition, "'repeated_header'", "*")


def _placing_rules(typing: Typing, value: Value) -> list[Rule]:
    column = value.cell.column
    when = places(column)
    if not when:
        return []
    where = "" if when == "true" else f" and coalesce(({when}), false)"
    missing = "'missing_person'" if column.options.get("person") else "'missing_value'"
    rules = [
        Rule(f"{value.cell.value} is null and not {value.is_faulty}{where}", missing, column.name),
        Rule(f"{value.is_faulty}{where}", value.fault, column.name),
    ]
    if column.options.get("not_after_data"):
        rules.append(Rule(f"{typing._is_future(column)}{where}", "'future_date'", column.name))
    return rules


def _tokens(found: list[tuple[str, str, str]], beside: list[str]) -> str:
    """`rule:column` of everything that was found, separated by blanks; null when nothing was.

    Where all cells are as due, nothing is found but what the conditions `beside` say.
    """
    if not found:
        return "null::varchar"
    possible = " or ".join([f"not {_ALL_AS_DUE}", *beside])
    each = ",\n".join(f"case when {when} then {rule} || {literal(':' + name)} end" for when, rule, name in found)
    some = " or ".join(when for when, _, _ in found)
    return f"case when ({possible}) and ({some}) then concat_ws(' ', {each}) end"
