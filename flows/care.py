"""The care that a stage asks a flow for: its `meta:` in `dvc.yaml`, which DVC itself ignores."""

from pydantic import Field, ValidationError, field_validator

from tasks.params.strict import NotNegative, Positive, Strict
from tasks.stage import StageError
from tasks.stage.locks import lease_path

FOR_OTHERS = "x-"  # begins a key that means nothing to a flow


class Care(Strict):
    """What one stage asks for.

    Attributes:
        retries: how often it is tried again after a failure.
        retry_delay_s: seconds before each of these.
        timeout_s: seconds after which it is ended; waiting for its resource does not count.
        resource: what only one stage of this machine may use at a time, such as `gpu`.
    """

    retries: int = Field(default=0, ge=0)
    retry_delay_s: NotNegative = 0
    timeout_s: Positive | None = None
    resource: str | None = None

    @field_validator("resource")
    @classmethod
    def has_a_lease(cls, resource: str | None) -> str | None:
        """Refuse a name of which no lease can be made."""
        if resource is not None:
            lease_path(resource)
        return resource


def read_care(address: str, meta: object) -> Care:
    """Check the `meta:` of one stage; keys that begin with `x-` are for others.

    Raises:
        StageError: if it has an unknown key, or a value that cannot be.
    """
    if isinstance(meta, dict):
        meta = {key: meta[key] for key in meta if not str(key).startswith(FOR_OTHERS)}
    try:
        return Care.model_validate(meta or {})
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(("meta", *map(str, wrong["loc"])))
        got = f", got {wrong['input']!r}."
        if wrong["type"] == "unknown_key":
            got = f" A key that is for others begins with '{FOR_OTHERS}'."
        raise StageError(f"dvc.yaml, {where} of '{address}': {wrong['msg']}{got}") from error
