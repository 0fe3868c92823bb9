"""Questionnaires as configuration: items by id, valid and positive answers, waves; never their wording."""

from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import Field, field_validator, model_validator

from pipelines.errors import StudyError
from pipelines.strict_yaml import Strict, load_mapping, nearest, parse

TEXT = pl.String
ITEMS = {
    "instrument_id": TEXT,
    "item_id": TEXT,
    "item_column": TEXT,
    "label": TEXT,
    "benefits": TEXT,
    "is_user_defined": pl.Boolean,
}
ANSWERS = {
    "instrument_id": TEXT,
    "item_id": TEXT,
    "answer": TEXT,
    "is_valid": pl.Boolean,
    "is_positive": pl.Boolean,
    "is_not_counted": pl.Boolean,
}
WAVES = {"instrument_id": TEXT, "wave": TEXT, "period": TEXT}
SHIPPED = Path(__file__).parent.parent / "data_contracts" / "instruments"


def _as_text(answers: object) -> object:
    return tuple(str(answer) for answer in answers) if isinstance(answers, list) else answers


class Item(Strict):
    """One question: the column that holds it and which answers are valid, positive or not counted."""

    id: str
    column: str
    label: str
    valid: Annotated[tuple[str, ...], Field(min_length=1)]
    positive: Annotated[tuple[str, ...], Field(min_length=1)]
    not_counted: tuple[str, ...] = ()
    benefits: Literal["service_users", "carers", "staff", "organisation"] | None = None
    user_defined: bool = False

    _texts = field_validator("valid", "positive", "not_counted", mode="before")(_as_text)

    @model_validator(mode="after")
    def _positive_answers_are_valid(self) -> "Item":
        stray = [answer for answer in self.positive if answer not in self.valid]
        if stray:
            raise ValueError(f"positive answers {', '.join(stray)} are not among the valid ones")
        return self


class Domain(Strict):
    """Items that are scored together: answer -> score, higher is better."""

    id: str
    items: tuple[str, ...]
    score: dict[str | int, float]


class Instrument(Strict):
    """A questionnaire, who answers it, and how its rounds and its sample are laid out."""

    instrument: str
    respondents: Literal["patients", "carers", "staff", "organisations"]
    items: Annotated[tuple[Item, ...], Field(min_length=1)]
    domains: tuple[Domain, ...] = ()
    waves: dict[str, str | int]
    weight: Literal["DESIGN_WEIGHT"] | None = None
    strata: Literal["SITE"] | None = None

    @model_validator(mode="after")
    def _waves_are_periods(self) -> "Instrument":
        unknown = sorted(set(self.waves) - {"baseline", "follow_up"})
        if unknown:
            raise ValueError(f"waves: {', '.join(unknown)} is neither baseline nor follow_up")
        return self

    def item_rows(self) -> list[tuple[object, ...]]:
        """A row per item, in the columns of `ITEMS`."""
        return [
            (self.instrument, item.id, item.column.lower(), item.label, item.benefits, item.user_defined)
            for item in self.items
        ]

    def answer_rows(self) -> list[tuple[object, ...]]:
        """A row per item and known answer, in the columns of `ANSWERS`."""
        return [
            (
                self.instrument,
                item.id,
                answer,
                answer in item.valid,
                answer in item.positive,
                answer in item.not_counted,
            )
            for item in self.items
            for answer in dict.fromkeys((*item.valid, *item.not_counted))
        ]

    def wave_rows(self) -> list[tuple[object, ...]]:
        """A row per wave as the survey file writes it, in the columns of `WAVES`."""
        return [(self.instrument, str(wave), period) for period, wave in self.waves.items()]


def load_instrument(name: str, *, folder: Path) -> Instrument:
    """The instrument in the study's own `instruments/` folder, else the one that is shipped."""
    own, shipped = folder / "instruments" / f"{name}.yaml", SHIPPED / f"{name}.yaml"
    path = own if own.is_file() else shipped
    if not path.is_file():
        known = sorted(p.stem for p in SHIPPED.glob("*.yaml"))
        raise StudyError(
            f"protocol.yaml: instrument {name} is not known",
            f"put it into instruments/{name}.yaml, or use one that is shipped: {', '.join(known)}",
            *nearest(name, known),
        )
    return parse(Instrument, load_mapping(path), file_name=path.name)
