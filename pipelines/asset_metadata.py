"""What Dagster shows of every asset beside its own words: owner, columns, version of the code, how old it may be."""

from datetime import timedelta
from functools import cache
from types import MappingProxyType

import dagster as dg

from pipelines.contracts import Contract, published_contracts, source_contract
from pipelines.fingerprint import code_version
from pipelines.protocol import EXTRACT_CONTRACTS
from pipelines.study import Study

OWNERS = ("team:evaluation",)
DELIVERED = "extracts"
PUBLISHED = "published"


def described(spec: dg.AssetSpec, study: Study) -> dg.AssetSpec:
    """The asset with owner, column schema where a contract promises one, and a version of the code that makes it.

    Extracts and what is published grow stale after the protocol's `alerts.late_after_days`, unless the study is
    made up.
    """
    contract = _contracts().get("/".join(spec.key.path))
    columns = {"dagster/column_schema": _table_schema(contract)} if contract else {}
    is_delivered = spec.group_name == DELIVERED
    found = spec.merge_attributes(owners=OWNERS, metadata=columns)
    if not is_delivered and spec.code_version is None:
        found = found.replace_attributes(code_version=_version())
    if study.protocol.synthetic or not (is_delivered or spec.key == dg.AssetKey(PUBLISHED)):
        return found
    window = timedelta(days=study.protocol.alerts.late_after_days)
    return found.replace_attributes(freshness_policy=dg.FreshnessPolicy.time_window(fail_window=window))


@cache
def _version() -> str:
    return code_version()


@cache
def _contracts() -> MappingProxyType[str, Contract]:
    published = {contract.table: contract for contract in published_contracts()}
    sources = {role: source_contract(name) for role, name in EXTRACT_CONTRACTS.items()}
    delivered = {f"{DELIVERED}/{role}": contract for role, contract in sources.items()}
    lake = {f"lake_{role}": contract for role, contract in sources.items()}
    return MappingProxyType({**published, **delivered, **lake})


def _table_schema(contract: Contract) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(
                name=column.name,
                type=column.sql_type,
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=not column.is_required),
            )
            for column in contract.columns
        ]
    )
