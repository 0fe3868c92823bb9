"""Lake records under plain names, each with its one fate; people, answers and activity decoded."""

from assets.sql_models import sql_assets

STAGING = sql_assets("staging")
