"""Which contracts there are, and where."""

from functools import cache
from pathlib import Path

from pipelines.contracts.loading import SUFFIX, load_contract
from pipelines.contracts.model import Contract, ContractError
from pipelines.strict_yaml import nearest

CONTRACTS_FOLDER = Path(__file__).resolve().parents[2] / "data_contracts"


@cache
def published_contracts() -> tuple[Contract, ...]:
    """Contracts of all published tables, sorted by table."""
    return tuple(load_contract(path) for path in sorted((CONTRACTS_FOLDER / "marts").glob(f"*{SUFFIX}")))


@cache
def source_contract(name: str) -> Contract:
    """Contract of one kind of source extract, such as `hes_apc`."""
    return load_contract(CONTRACTS_FOLDER / "sources" / f"{name}{SUFFIX}")


def contract_by_table(name: str) -> Contract:
    """Contract of the published table `name`; raises ContractError if no published table is called so."""
    by_table = {contract.table: contract for contract in published_contracts()}
    if name not in by_table:
        raise ContractError(f"{name} is not a published table", *nearest(name, list(by_table)))
    return by_table[name]
