"""The months of the people compared, made of them alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.own_schema import models_named, own_schema
from pipelines.warehouse import Warehouse

SCHEMA = "compared"


@contextmanager
def months_of_compared_people(warehouse: Warehouse) -> Iterator[None]:
    """Inside, `person_months` and `people` are those of the people compared alone, who are much fewer than everyone."""
    with own_schema(warehouse, SCHEMA):
        compared = "inner join main.design_people on people.person_id = design_people.person_id"
        warehouse.connection.execute(f"create table people as select people.* from main.people {compared}")
        for model in models_named("person_months"):
            warehouse.connection.execute(f"create view {model.name} as {model.sql}")
        yield
