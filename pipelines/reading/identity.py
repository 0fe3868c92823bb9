"""What a delivery in the lake depends on: content, contract with its items, reader and key."""

import hashlib
from dataclasses import replace

from pipelines.contracts import Column, Contract
from pipelines.instruments import Instrument

READER_VERSION = "1"


def with_items(contract: Contract, instrument: Instrument | None) -> Contract:
    """The contract with the instrument's item columns behind its own; its hash covers both."""
    if instrument is None:
        return contract
    own = {name.upper() for column in contract.columns for name in (column.name, *column.synonyms)}
    names = dict.fromkeys(item.column.upper() for item in instrument.items)
    items = tuple(
        Column(name=name, sql_type="VARCHAR", description="", label=name, options={"format": "answer"})
        for name in names
        if name not in own
    )
    digest = hashlib.sha256("\n".join([contract.sha256, *names]).encode()).hexdigest()
    return replace(contract, columns=contract.columns + items, sha256=digest)


def delivery_id_of(sha256: str, contract: Contract, key_id: str) -> str:
    """First 16 hex of the SHA-256 of content, contract, reader version and key: what the lake's files depend on.

    `key_id` is empty where the file carries no NHS number: another key then changes nothing.
    """
    parts = [sha256, contract.sha256, READER_VERSION, key_id]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
