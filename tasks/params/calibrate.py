"""Parameters of calibration."""

from pydantic import Field

from tasks.params.strict import OpenShare, Strict


class Calibrate(Strict):
    """How often "not sure" has to name the right class."""

    coverage: OpenShare = Field(description="share of sets of classes that hold the right one")
