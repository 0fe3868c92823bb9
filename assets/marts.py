"""The tables that analysts read: people, spells, person-periods, person-months, answers."""

from assets.sql_models import sql_assets

MARTS = sql_assets("marts")
