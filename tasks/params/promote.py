"""Parameters of promotion."""

from pydantic import Field

from tasks.params.strict import OpenShare, Positive, Strict


class Promote(Strict):
    """What a model must not lose, and must not cost, to replace the one in use."""

    margin: OpenShare = Field(description="accuracy that it may be worse by, at most")
    class_margin: OpenShare = Field(description="recall that any class may lose, at most")
    size_mib: Positive = Field(description="of the model's files")
    latency_ms: Positive = Field(description="for one picture on this machine, the median")
