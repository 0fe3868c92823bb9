"""Made-up hospitals: one for each area, and a few specialist ones that several areas share."""

import polars as pl

SHARE_AT_HOME = 0.85
SHARE_NEXT_DOOR = 0.10
SPECIALIST_HOSPITALS = 4
_LETTERS = "ABCDEFGHJK"


def provider_codes(areas: int) -> pl.Series:
    """Three-character codes: the areas' own hospitals first, then the specialist ones."""
    numbers = range(areas + SPECIALIST_HOSPITALS)
    return pl.Series([f"Z{_LETTERS[number // 10]}{number % 10}" for number in numbers])


def usual_provider(area: pl.Expr, away: pl.Expr, *, areas: int) -> pl.Expr:
    """Position of the hospital that is used: `away` is uniform, low at home, then next door, then specialist."""
    return (
        pl.when(away < SHARE_AT_HOME)
        .then(area)
        .when(away < SHARE_AT_HOME + SHARE_NEXT_DOOR)
        .then((area + 1) % areas)
        .otherwise(areas + area % SPECIALIST_HOSPITALS)
    )


def transfer_provider(area: pl.Expr, away: pl.Expr, *, areas: int) -> pl.Expr:
    """Position of the hospital that people are transferred to: never the one that they come from."""
    is_specialist = away >= SHARE_AT_HOME + SHARE_NEXT_DOOR
    return pl.when(is_specialist).then(area).otherwise(areas + area % SPECIALIST_HOSPITALS)
