"""The ledger: which files came, what became of every record, and the rules that stop a run."""

import dagster as dg

from pipelines.faults import guarded
from pipelines.ledger import deliveries_table, unbalanced
from pipelines.masking import masked_count
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse


@dg.asset(deps=["deliveries_read", "record_fates"], group_name="ledger", kinds={"polars", "duckdb"})
@guarded
def deliveries(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
    """Every file that arrived, with the fate of all its records."""
    ledger = deliveries_table(
        warehouse.read("deliveries_read").drop("position"), warehouse.read("record_fates"), run_id=context.run.run_id
    )
    return dg.MaterializeResult(metadata=written(warehouse, "deliveries", ledger))


@dg.asset_check(asset=deliveries, blocking=True)
@guarded
def books_balance(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Of each delivery: rows read = accepted + quarantined + superseded + duplicate."""
    found = unbalanced(warehouse.read("deliveries"))
    files = ", ".join(f"{extract}/{file}" for extract, file in found.iter_rows())
    return dg.AssetCheckResult(passed=found.is_empty(), description=f"books do not balance: {files}" if files else None)


@dg.asset_check(asset=deliveries, blocking=True)
@guarded
def no_delivery_refused(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """A file that cannot be read for what its folder is for stops publishing; all others were read."""
    ledger = warehouse.read("deliveries")
    refused = ledger.filter(ledger["status"] == "refused").select("extract", "file_name", "refusal_reason")
    lines = "; ".join(f"{extract}/{file} was refused: {reason}" for extract, file, reason in refused.iter_rows())
    return dg.AssetCheckResult(passed=refused.is_empty(), description=lines or None)


@dg.asset_check(asset="people", blocking=True)
@guarded
def pilot_people_are_linked(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """At least one enrolled person stands in the population."""
    people = warehouse.read("people")
    linked = people.filter("is_pilot").height
    return dg.AssetCheckResult(
        passed=linked > 0,
        metadata={"pilot_people": masked_count(linked)},
        description=None
        if linked
        else "enrolments: no enrolled person stands in the population extract; "
        "check that both files carry the same kind of person identifier",
    )
