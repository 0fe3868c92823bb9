"""YAML files that people write: parsed without surprises, refused with the nearest known setting."""

from collections.abc import Hashable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import StudyError

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """A section of a file: unknown settings are refused, values are not changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _UniqueKeyLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Refuses a key that stands twice, which YAML itself would silently overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def load_mapping(path: Path) -> dict[str, Any]:
    """The content of a YAML file as a mapping; StudyError where it is missing, broken or no mapping."""
    if not path.is_file():
        raise StudyError(f"{path.name}: no such file", f"looked in {path.parent}")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise StudyError(f"{path.name}: not valid YAML at line {line}: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise StudyError(f"{path.name}: not a UTF-8 YAML text file") from None
    if not isinstance(content, dict):
        raise StudyError(f"{path.name}: expected settings of the form `name: value`")
    return content


def parse(model: type[Model], content: dict[str, Any], *, file_name: str) -> Model:
    """`content` as `model`; every mistake in one StudyError, each with what was expected."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = [line for fault in error.errors() for line in _explain(model, fault)]
    raise StudyError(f"{file_name}: {lines[0]}", *lines[1:])


def nearest(word: str, known: list[str]) -> list[str]:
    """Hint lines for a word that is not known: the nearest known one, if one is near."""
    close = get_close_matches(str(word), known, n=1, cutoff=0.6)
    return [f"did you mean: {close[0]}"] if close else []


def _explain(model: type[BaseModel], fault: Any) -> list[str]:
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _settings_at(model, fault["loc"][:-1])
        section = ".".join(str(part) for part in fault["loc"][:-1]) or "the file"
        return [
            f"{place} is not a known setting",
            f"known settings of {section}: {', '.join(known)}",
            *nearest(str(fault["loc"][-1]), known),
        ]
    if fault["type"] == "missing":
        return [f"{place} is missing"]
    message = fault["msg"].removeprefix("Value error, ")
    worded = f"{message[0].lower()}{message[1:]}"
    return [f"{place}: {worded}" if place else worded]


def _settings_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    for part in location:
        if part in model.model_fields:
            model = _model_within(model.model_fields[part].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_within(argument) for argument in get_args(annotation))
    return next((found for found in inner if found), None)
