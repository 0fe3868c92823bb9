"""What is made: Dagster assets and checks, one module a layer; each reads, calls one function, writes."""
