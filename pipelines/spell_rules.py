"""Use of the people compared under the spell rules that the study does not use, by the models that count it."""

from collections.abc import Iterator

import polars as pl

from pipelines.contracts import contract_by_table
from pipelines.own_schema import DATES_OF_COMPARED, models_named, own_schema
from pipelines.warehouse import Warehouse

SCHEMA = "other_spell_rule"
RULES = "continuous_spell_rules"
COUNTED = models_named("overnight_stays", "activity_events", "activity_by_month", "use_by_period")
OTHER_RULES = f"""select distinct rules.continuous_rule
    from code_list__{RULES} as rules cross join study_design
    where rules.continuous_rule <> study_design.continuous_rule
    order by rules.continuous_rule"""


def tables_read() -> list[str]:
    """The tables that use under another rule is made of."""
    read = {table for model in COUNTED for table in model.depends_on}
    made = {model.name for model in COUNTED}
    return sorted({*read, f"code_list__{RULES}", "design_people", "person_periods"} - made)


def metrics_of_rules() -> tuple[str, ...]:
    """The metrics that rest on the rule, as their contract says: all that is made of admissions, and cost."""
    columns = contract_by_table("person_periods").columns
    return tuple(column.name for column in columns if RULES in column.options.get("metric_code_lists", ()))


def follow_up_by_other_rules(warehouse: Warehouse) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each rule that the study does not use, by name, with `person_id`, `person_days` and the metrics that rest on it.

    Of the follow-up of the people compared, by the SQL models of the study's own rule, told of another one, in a
    schema of their own.
    """
    columns = ", ".join(("person_id", "person_days", *metrics_of_rules()))
    for (rule,) in warehouse.connection.execute(OTHER_RULES).fetchall():
        with own_schema(warehouse, SCHEMA):
            execute = warehouse.connection.execute
            execute(DATES_OF_COMPARED)
            execute(f"create table study_design as {_design(rule)}")
            for model in COUNTED:
                execute(f"create table {model.name} as {model.sql}")
            counts = execute(f"select {columns} from use_by_period where period = 'follow_up' order by person_id").pl()
        yield rule, counts


def _design(rule: str) -> str:
    return f"select * replace ('{rule}' as continuous_rule) from main.study_design"
