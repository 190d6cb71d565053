"""Errors of a model server as errors of ours: one row for each error of the OpenAI library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.connectors.address import shown
from aloma_cli.connectors.base import is_retryable
from aloma_cli.connectors.cause import cause
from aloma_cli.connectors.chat.tries import asked_wait
from aloma_cli.errors import ConnectorError, KeyRefusedError
from aloma_cli.jsontext import cut

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAIError

_ADDRESS_HINT = "add /v1 to the end of --base-url if it is missing"
_READ = 2000
"""Characters of a refusal that are read."""

_PARTS = 5
_BILLING = 402
_POLICIES = ("content_filter", "content_policy_violation")
_MODEL_HINT = "map the name to a model that the server has, in aloma.yaml: `models: {%s: ...}`"


class ErrorRow(NamedTuple):
    """`says` contains the address as `{url}`. `retryable` None: by the HTTP status. `elsewhere`: as in the error."""

    says: str
    retryable: bool | None = None
    hint: str | None = None
    kind: type[ConnectorError] = ConnectorError
    elsewhere: bool = False


TABLE: Mapping[str, ErrorRow] = {
    "APITimeoutError": ErrorRow("{url} did not answer in time", True),
    "APIConnectionError": ErrorRow(
        "cannot connect to {url}", True, "check that the URL is right and the server is running"
    ),
    "APIResponseValidationError": ErrorRow("{url} answered in an unknown format", True),
    "BadRequestError": ErrorRow("{url} refused the request", False),
    "AuthenticationError": ErrorRow("{url} refused the key", False, kind=KeyRefusedError),
    "OAuthError": ErrorRow("{url} refused the key", False, kind=KeyRefusedError),
    "PermissionDeniedError": ErrorRow("{url} does not allow this with the key", False, kind=KeyRefusedError),
    "NotFoundError": ErrorRow("{url} has no {path}", False),
    "ConflictError": ErrorRow("{url} is busy with a conflicting request", True),
    "UnprocessableEntityError": ErrorRow("{url} refused the request", False),
    "RateLimitError": ErrorRow("{url} is rate limiting", True),
    "InternalServerError": ErrorRow("{url} failed", True),
    "APIStatusError": ErrorRow("{url} refused the request"),
    "APIError": ErrorRow("{url} failed", False),
    "OpenAIError": ErrorRow("the request to {url} failed", False),
}


def key_hint(provider: str, variable: str, server: str | None = None) -> str:
    """What to do where a server refuses the key; `server`: its name in aloma.yaml."""
    if server is not None:
        return f"run `export {variable}=…`, or name another variable in `providers.{server}.api_key_env` in aloma.yaml"
    return f"run `export {variable}=…`, use --api-key, or set `{provider}.api_key_env` in aloma.yaml"


def from_openai(
    error: OpenAIError,
    base_url: str,
    asked: str,
    model: str,
    *,
    path: str,
    key_hint: str,
    proxy: str | None = None,
    start: str | None = None,
) -> ConnectorError:
    """`error` as one of ours; `asked` is the model's name in the step, `model` its name at the server.

    The notes of `error` say how often it was tried. `path`: what was asked for below `base_url`. `key_hint`: what to do
    if the key is refused. `proxy` names the proxy that requests go through. `start`: how to start a server of this
    kind.
    """
    target = _redirect(error)
    if target is not None:
        return _redirected(base_url, target)
    status: int | None = getattr(error, "status_code", None)
    row = _row_for(error, base_url, asked, model, key_hint)
    if status is None and row.hint and start:
        row = row._replace(hint=f"run `{start}`, or {row.hint}")
    facts = (status, f"model {model}" if model else "", *getattr(error, "__notes__", ()))
    where = ", ".join(str(fact) for fact in facts if fact)
    where = f" ({where})" if where else ""
    url = f"{base_url} through {proxy}" if proxy and status is None else base_url
    raised = row.kind(
        f"{row.says.format(url=url, path=path)}{where}: {cut(_reason(error), 500)}",
        retryable=row.retryable if row.retryable is not None else is_retryable(status or 0),
        status=status,
        hint=row.hint,
        elsewhere=row.elsewhere,
    )
    raised.retry_after = asked_wait(error)
    return raised


def _row_for(error: OpenAIError, base_url: str, asked: str, model: str, key_hint: str) -> ErrorRow:
    """The row of the table, with what status and code say beside the class of the error."""
    row = next(TABLE[base.__name__] for base in type(error).__mro__ if base.__name__ in TABLE)
    status, code = getattr(error, "status_code", None), getattr(error, "code", None)
    if status in {400, 404} and model and _is_about_model(error, model):
        return row._replace(says="{url} does not have the model", hint=_MODEL_HINT % asked, elsewhere=True)
    if status == 404:
        hint = _MODEL_HINT % asked if base_url.rstrip("/").endswith("/v1") else _ADDRESS_HINT
        return row._replace(hint=hint, elsewhere=True)
    if code == "insufficient_quota" or status == _BILLING:
        return row._replace(retryable=False, hint="the account has no credit left", elsewhere=True)
    if row.kind is KeyRefusedError:
        return row._replace(hint=key_hint)
    if code in _POLICIES:
        return row._replace(says="{url} refused the content of the request", elsewhere=True)
    return row


def _redirect(error: OpenAIError) -> httpx2.Response | None:
    """The redirect to another origin that caused the error, if one did."""
    response: httpx2.Response | None = getattr(error, "response", None)
    return response if response is not None and response.has_redirect_location else None


def _redirected(base_url: str, response: httpx2.Response) -> ConnectorError:
    following = response.next_request
    target = shown(str(following.url) if following else response.headers["location"])
    return ConnectorError(
        f"{base_url} redirects to another origin, which is not followed: {target}",
        status=response.status_code,
        hint="if that server is right, set --base-url to it; prompt and key were not sent there",
    )


def _reason(error: OpenAIError) -> str:
    """The reason in the words of the server if it answered, else in those of the system."""
    response = getattr(error, "response", None)
    if response is None:
        return cause(error)
    text = " ".join(response.text[:_READ].split())
    return reason_in(getattr(error, "body", None)) or text or "it gave no reason"


def reason_in(body: object) -> str:
    """The reason in the body of a refusal, from any of the usual fields; else empty."""
    match body:
        case str(text):
            return " ".join(text[:_READ].split())
        case {"message": str(text)} | {"msg": str(text)} if text:
            return text
        case {"error": inner} | {"detail": inner} | {"message": inner} if inner:
            return reason_in(inner)
        case list(parts):
            return "; ".join(filter(None, map(reason_in, parts[:_PARTS])))
    return ""


def _is_about_model(error: OpenAIError, model: str) -> bool:
    if getattr(error, "code", None) == "model_not_found":
        return True
    named = re.search(rf"(?<![\w.-]){re.escape(model)}(?![\w-])", reason_in(getattr(error, "body", None)))
    return named is not None and getattr(error, "param", None) in {None, "", "model"}
