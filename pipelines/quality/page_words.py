"""Names of rules, tables and columns in words, as contracts and the list of rules give them."""

from collections.abc import Mapping
from functools import cache
from xml.etree.ElementTree import Element

from pipelines.contracts import Contract, published_contracts, source_contract
from pipelines.masking import SMALLEST_SHOWN, masked_count, masked_part, masked_share
from pipelines.protocol import EXTRACT_CONTRACTS
from pipelines.quality.page_elements import element
from pipelines.quality.page_findings import Finding, Point
from pipelines.quality.rules import QUALITY_RULES, QualityRule
from pipelines.reading.value import lake_name

WHOLE_TABLE = "*"
NO_REASON = "No row to evaluate: nothing was delivered, or too little for what the rule asks."
NOT_REACHED = "No part of this run: it ended before the rule's turn, or the contract holds the rule no more."


def rule_of(finding: Finding) -> QualityRule:
    """The rule in words; a rule that is not listed is named by its id."""
    unlisted = QualityRule(
        rule_id=finding.rule_id,
        title=finding.rule_id.replace("_", " ").capitalize(),
        dimension=finding.dimension,
        meaning="",
        advice="look the rule up in its contract",
    )
    return QUALITY_RULES.get(finding.rule_id, unlisted)


def place(finding: Finding) -> Element:
    """Table and column in words, with their names in the files behind."""
    contract = _contracts().get(finding.contract_id)
    names, code = [contract.title if contract else finding.contract_id], finding.table_name
    if finding.column_name and finding.column_name != WHOLE_TABLE:
        names += [_label(contract, name) for name in finding.column_name.split(", ")]
        code = f"{finding.table_name}.{finding.column_name}"
    return element("span", ", ".join(names), " ", element("code", code), class_="place")


def rows_in_words(point: Point) -> str:
    """Rows failed of those evaluated, masked: `20 of 1,000 (2.0%)`."""
    if point.failed_rows is None or point.evaluated_rows is None:
        return "not known"
    counts = f"{shown_part(point.failed_rows, point.evaluated_rows)} of {shown_count(point.evaluated_rows)}"
    if point.evaluated_rows < SMALLEST_SHOWN:
        return counts
    return f"{counts} ({masked_share(point.failed_rows, point.evaluated_rows)})"


def shown_count(count: int) -> str:
    """A count of rows, masked, with thousands apart."""
    text = masked_count(count)
    return f"{count:,}" if text == str(count) else text


def shown_part(part: int, whole: int) -> str:
    """A count of rows beside the whole that it is a part of, masked, with thousands apart."""
    text = masked_part(part, whole)
    return f"{part:,}" if text == str(part) else text


def allowed(threshold: float | None) -> str:
    """What the threshold lets pass, as a share of the evaluated rows."""
    if threshold is None:
        return "not a share"
    return f"up to {100 * threshold:.3g}%" if threshold else "none"


def prose(text: str) -> Element:
    """A sentence or half of one as a sentence; what stands between backticks is code."""
    whole = f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
    parts = enumerate(whole.split("`"))
    return element("span", *(element("code", part) if at % 2 else part for at, part in parts))


@cache
def _contracts() -> Mapping[str, Contract]:
    sources = [source_contract(name) for name in {*EXTRACT_CONTRACTS.values(), "survey"}]
    return {contract.id: contract for contract in [*published_contracts(), *sources]}


def _label(contract: Contract | None, name: str) -> str:
    """A column in words, under the name that the supplier or the lake gives it."""
    columns = contract.columns if contract else ()
    return next((column.label for column in columns if name.lower() in (column.name.lower(), lake_name(column))), name)
