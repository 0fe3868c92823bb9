"""SQL models beside the run's own: the same tables of other people, dates or months, made and taken away again."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.models import SqlModel, in_dependency_order, load_models
from pipelines.warehouse import Warehouse

# Only who is compared, by the index date that they were compared by.
DATES_OF_COMPARED = """create table index_dates as select index_dates.* from main.index_dates
    inner join main.design_people
    on index_dates.person_id = design_people.person_id and index_dates.index_date = design_people.index_date"""


def models_named(*names: str) -> tuple[SqlModel, ...]:
    """SQL models by name, in the order in which one reads the other."""
    return in_dependency_order(model for model in load_models() if model.name in names)


@contextmanager
def own_schema(warehouse: Warehouse, name: str) -> Iterator[None]:
    """A schema that is searched first and gone afterwards: models read what stands in it in place of the run's own."""
    connection = warehouse.connection
    connection.execute(f"drop schema if exists {name} cascade")
    connection.execute(f"create schema {name}")
    connection.execute(f"set search_path = '{name},main'")
    try:
        yield
    finally:
        connection.execute("set search_path = 'main'")
        connection.execute(f"drop schema {name} cascade")
