"""Contracts: the one declaration of every source extract and every published table."""

from pipelines.contracts.catalogue import contract_by_table, published_contracts, source_contract
from pipelines.contracts.loading import load_contract
from pipelines.contracts.model import Column, Contract, ContractError, QualityLimit

__all__ = [
    "Column",
    "Contract",
    "ContractError",
    "QualityLimit",
    "contract_by_table",
    "load_contract",
    "published_contracts",
    "source_contract",
]
