"""What all parameter models share: frozen, in range, and refusing what they do not know."""

import difflib
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Share = Annotated[float, Field(ge=0, le=1)]
OpenShare = Annotated[float, Field(gt=0, lt=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
SEEDS = 2**31
Seed = Annotated[int, Field(ge=0, lt=SEEDS)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_]*$")]


class Strict(BaseModel):
    """A frozen model that names the nearest known key when it meets an unknown one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def refuse_unknown_keys(cls, values: Any) -> Any:  # noqa: ANN401 (raw YAML)
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise PydanticCustomError("unknown_key", unknown(str(key), cls.model_fields))
        return values


def unknown(key: str, known: Iterable[str]) -> Any:  # noqa: ANN401 (pydantic wants a LiteralString)
    """Say that a key is unknown, and which known one is nearest."""
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"expected one of: {', '.join(known)}."
    return f"unknown key '{key}': {hint}"
