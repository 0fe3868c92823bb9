"""From the tables of a run to what happened to the people compared: by day after the index date, and by month."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from evaluation.estimation import UNKNOWN, PersonMonths, UseAfterIndex
from pipelines.compared_months import months_of_compared_people
from pipelines.comparison import use_of_compared
from pipelines.warehouse import Warehouse

ROWS_AT_ONCE = 1_000_000
# A person whose index date was corrected after the design was frozen has no use around the day that it asked for.
COMPARED = """
    select numbered.person_id, numbered.person_number
    from (
        select person_id, index_date, row_number() over (order by person_id asc nulls last) - 1 as person_number
        from design_people
    ) as numbered
    inner join people on numbered.person_id = people.person_id and numbered.index_date = people.index_date
"""


def use_after_index(warehouse: Warehouse, counted: Sequence[str]) -> UseAfterIndex:
    """The people compared after their index date: days observed, deaths, use by day, and whose use is known.

    Use is of the kinds `counted`, and days in hospital, which are known of whose emergency bed days are.
    """
    columns = ", ".join(f"use_by_day.{name}" for name in (*counted, "days_in_hospital"))
    observed = warehouse.connection.execute(
        f"""select
            people.person_id,
            greatest(date_diff('day', people.index_date, people.observed_until_date), 0) as days_observed,
            coalesce(people.date_of_death = people.observed_until_date - 1, false) as died
        from people inner join ({COMPARED}) as compared on people.person_id = compared.person_id"""
    ).pl()
    by_day = warehouse.connection.execute(
        f"""select use_by_day.person_id, use_by_day.day_from_index, {columns}
        from use_by_day inner join ({COMPARED}) as compared using (person_id)"""
    ).pl()
    known = use_of_compared(warehouse, "person_periods", period="follow_up")
    names = dict.fromkeys(("person_id", *counted, "emergency_bed_days"))
    return UseAfterIndex(observed=observed, by_day=by_day, known=known.select(*names))


def months_of_compared(warehouse: Warehouse, counted: Sequence[str]) -> PersonMonths:
    """The people compared by month from the index date, in small whole numbers; a few rows are read at a time."""
    ids = warehouse.connection.execute("select person_id from design_people order by person_id").pl()["person_id"]
    months = warehouse.connection.execute("select distinct month_from_index from index_months order by 1").pl()
    numbers = months["month_from_index"].cast(pl.Int64).to_numpy()
    days = np.zeros((ids.len(), numbers.size), dtype=np.uint8)
    counts = {name: np.full(days.shape, UNKNOWN, dtype=np.int16) for name in counted}
    columns = ", ".join(f"cast(coalesce({name}, {UNKNOWN}) as smallint) as {name}" for name in counts)
    query = f"""select compared.person_number, person_months.month_from_index,
            cast(person_months.person_days as utinyint) as person_days, {columns}
        from person_months inner join ({COMPARED}) as compared using (person_id)"""
    with months_of_compared_people(warehouse):
        for batch in warehouse.connection.execute(query).to_arrow_reader(ROWS_AT_ONCE):
            row = batch["person_number"].to_numpy()
            column = np.searchsorted(numbers, batch["month_from_index"].to_numpy())
            days[row, column] = batch["person_days"].to_numpy()
            for name, of_metric in counts.items():
                of_metric[row, column] = batch[name].to_numpy()
    return PersonMonths(person_id=ids, months=numbers, days=days, counts=counts)
