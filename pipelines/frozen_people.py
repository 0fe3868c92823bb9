"""Comparison people of a frozen design under the ids that they have today: who has enrolled since has another one."""

from collections.abc import Mapping

import polars as pl

from pipelines.warehouse import Warehouse

COMPARISON_IDS = {
    "design_people": "person_id",
    "comparison_weights": "person_id",
    "matched_pairs": "comparison_person_id",
}


def with_ids_of_today(tables: Mapping[str, pl.DataFrame], warehouse: Warehouse) -> dict[str, pl.DataFrame]:
    """The tables of a frozen design with each comparison person under the id that `comparison_candidates` has for them.

    Who enrols after the freeze keeps their place as a comparison person, as `<id> before enrolment`, and is followed
    until then: under their own id they are a pilot person now. Pilot people of the design keep their ids, and so does
    who is not in the population any more, or whose own id is that of a case of the design.
    """
    query = "select record_person_id, person_id as id_of_today from comparison_candidates"
    today = warehouse.connection.execute(query).pl()
    people = tables["design_people"]
    cases = people.filter("is_treated")["person_id"]
    others = people.filter(~pl.col("is_treated")).join(today, on="record_person_id")
    changed = others.filter(pl.col("person_id") != pl.col("id_of_today"), ~pl.col("id_of_today").is_in(cases.implode()))
    ids = dict(zip(changed["person_id"], changed["id_of_today"], strict=True))
    found = dict(tables)
    for name, column in COMPARISON_IDS.items():
        is_case = pl.col("is_treated") if name == "design_people" else pl.lit(value=False)
        new_id = pl.when(is_case).then(column).otherwise(pl.col(column).replace(ids)).alias(column)
        found[name] = tables[name].with_columns(new_id)
    return found
