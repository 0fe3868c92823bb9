"""Episodes to provider spells to continuous inpatient spells; appointments, attendances, windows, activity."""

from assets.sql_models import sql_assets

INTERMEDIATE = sql_assets("intermediate")
