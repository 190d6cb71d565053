"""What goes wrong between us and a model server, as errors of ours: one row for each error of the OpenAI library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.connectors.base import is_retryable
from aloma_cli.errors import ConnectorError, KeyRefusedError
from aloma_cli.jsontext import cut

if TYPE_CHECKING:
    from openai import OpenAIError

KEY_HINT = "`export OPENAI_API_KEY=…`, or --api-key, or `openai.api_key_env` in aloma.yaml, give the key"
_MODEL_HINT = "map the name to a model that the server has, in aloma.yaml: `models: {%s: ...}`"


class Row(NamedTuple):
    """`retryable` None: as the HTTP status says."""

    says: str
    retryable: bool | None = None
    hint: str | None = None
    kind: type[ConnectorError] = ConnectorError


TABLE: Mapping[str, Row] = {
    "APITimeoutError": Row("did not answer in time", True),
    "APIConnectionError": Row("cannot be reached", True, "is the server running, and is --base-url right?"),
    "APIResponseValidationError": Row("answered in an unknown form", True),
    "BadRequestError": Row("refused the request", False),
    "AuthenticationError": Row("refused the key", False, KEY_HINT, KeyRefusedError),
    "OAuthError": Row("refused the key", False, KEY_HINT, KeyRefusedError),
    "PermissionDeniedError": Row("does not allow this to the key", False, KEY_HINT, KeyRefusedError),
    "NotFoundError": Row("does not know the model or the address", False),
    "ConflictError": Row("is busy with a conflicting request", True),
    "UnprocessableEntityError": Row("refused the request", False),
    "RateLimitError": Row("gets too many requests", True),
    "InternalServerError": Row("failed", True),
    "APIStatusError": Row("refused the request"),
    "APIError": Row("failed", False),
    "OpenAIError": Row("could not be asked", False),
}


def from_openai(error: OpenAIError, base_url: str, asked: str, model: str) -> ConnectorError:
    """`error` as one of ours; `asked` is the model's name in the step, `model` its name at the server."""
    row = next(TABLE[base.__name__] for base in type(error).__mro__ if base.__name__ in TABLE)
    status: int | None = getattr(error, "status_code", None)
    retryable = row.retryable if row.retryable is not None else is_retryable(status or 0)
    hint = row.hint
    if getattr(error, "code", None) == "insufficient_quota":
        retryable, hint = False, "the account has no credit left"
    elif status in {400, 404} and (status == 404 or _is_about_model(error, model)):
        hint = _MODEL_HINT % asked
    return row.kind(
        f"{base_url} {row.says} (model {model}): {_detail(error)}",
        retryable=retryable,
        status=status,
        hint=hint,
    )


def _detail(error: OpenAIError) -> str:
    # The library's own "Connection error." hides the reason in the cause.
    reason = error.__cause__ if getattr(error, "status_code", None) is None and error.__cause__ else error
    return cut(str(reason) or type(reason).__name__, 500)


def _is_about_model(error: OpenAIError, model: str) -> bool:
    return getattr(error, "code", None) == "model_not_found" or model in str(error)
