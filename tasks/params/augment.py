"""Parameters of augmentation."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.params.strict import OpenShare, Positive, Share, Strict


class Erase(Strict):
    """A square of random colour over a part of the picture."""

    probability: Share
    side: tuple[OpenShare, OpenShare] = Field(description="least and most, as shares of the side")


class Augment(Strict):
    """What may happen to a training image; an absent field does not happen."""

    border: Literal["reflect", "edge", "zero"] = "reflect"
    flip: Literal["random", "alternate"] | None = Field(
        None, description="alternate: random at first, then turned over every second epoch"
    )
    rotation_degrees: Annotated[float, Field(gt=0, le=180)] | None = None
    zoom: tuple[Positive, Positive] | None = Field(
        None, description="least and most magnification, one factor for both axes"
    )
    stretch: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="log of the most magnification of each axis by itself"
    )
    shear: Annotated[float, Field(gt=0, lt=1)] | None = None
    crop_area: tuple[OpenShare, Share] | None = Field(
        None, description="least and most share of the area that is kept"
    )
    crop_aspect: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="log of the most change of a crop's aspect"
    )
    shift_share: OpenShare | None = Field(None, description="of width and height, either way")
    shift_pixels: Positive | None = Field(None, description="pixels, either way")
    padded_crop: Annotated[int, Field(ge=1)] | None = Field(
        None, description="pixels of border added before a random crop of the old size"
    )
    one_pixel_shifts: bool = Field(False, description="one pixel in one of 8 directions, or none")
    brightness: OpenShare | None = Field(None, description="share of 255 added, either way")
    contrast: OpenShare | None = Field(None, description="factor 1 ± this")
    tint: OpenShare | None = Field(None, description="share of 255 added per channel")
    saturation: OpenShare | None = Field(None, description="factor 1 ± this, colour only")
    noise: Positive | None = Field(None, description="standard deviation in 0..255")
    erase: Erase | None = None
