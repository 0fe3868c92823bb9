"""A contract in words: the comments of the published file and the text of the table pages."""

from pipelines.contracts.model import Column, Contract

NOT_YET_FILLED = "Not filled yet: the table is always empty in this version."


def table_comment(contract: Contract) -> str:
    """What the table holds, its limits, its grain, and that it is empty where nothing fills it yet."""
    sentences = [contract.description, contract.limitations, f"Grain: {contract.grain}."]
    if contract.is_draft:
        sentences.append(NOT_YET_FILLED)
    return " ".join(filter(None, sentences))


def column_comment(column: Column) -> str:
    """The column's label, what it holds and what null means, and its closed list of values if it has one."""
    values = f" One of: {', '.join(column.valid)}." if column.valid else ""
    return f"{column.label}: {column.description}{values}"
