"""Parameters of Muon, which two families of models learn with."""

from pydantic import Field

from tasks.params.strict import Count, Positive, Rate, Strict


class Muon(Strict):
    """The optimiser of the filters; its rate falls as those of the others do."""

    learning_rate: Positive = Field(description="the highest")
    momentum: Rate
    newton_schulz_steps: Count
