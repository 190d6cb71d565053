"""Pydantic models as shapes. The library is not imported here: an author who has a model has imported it."""

from __future__ import annotations

from typing import Any, Protocol, TypeGuard, runtime_checkable

from aloma_cli.connectors.chat.schemas import checked
from aloma_cli.errors import ShapeError
from aloma_cli.jsontext import Json, JsonObject, cut, dumps, show_path

_MOST_COMPLAINTS = 10
_LONGEST_COMPLAINT = 200


@runtime_checkable
class PydanticModel(Protocol):
    """A subclass of `pydantic.BaseModel`."""

    __name__: str

    def model_json_schema(self) -> JsonObject: ...

    def model_validate_json(self, text: str) -> Any: ...


def is_model(shape: object) -> TypeGuard[PydanticModel]:
    return isinstance(shape, type) and isinstance(shape, PydanticModel)


def schema_of(model: PydanticModel, *, whole: bool) -> JsonObject:
    """The JSON Schema of a model. Raises ShapeError if the model has none."""
    try:
        schema = model.model_json_schema()
    except Exception as error:
        raise ShapeError(f"{model.__name__} has no JSON Schema: {cut(str(error), 200)}") from error
    return checked(schema, whole=whole)


def validated(model: PydanticModel, value: Json) -> tuple[Any, tuple[str, ...]]:
    """An instance of `model`, or what is wrong with `value`.

    The model decides alone, so what it converts ("5" for an int) fits.
    """
    try:
        return model.model_validate_json(dumps(value)), ()
    except ValueError as error:  # pydantic's ValidationError is one
        problems = error.errors(include_url=False, include_context=False) if hasattr(error, "errors") else []
        return None, tuple(map(_say, problems[:_MOST_COMPLAINTS])) or (cut(str(error), _LONGEST_COMPLAINT),)


def _say(problem: JsonObject) -> str:
    place = show_path(tuple(problem["loc"])) if problem["loc"] else "the answer"
    return f"{place}: {cut(problem['msg'], _LONGEST_COMPLAINT)}"
