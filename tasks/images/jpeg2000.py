"""Find out whether a JPEG 2000 was cut off: where nothing is left of a picture, Pillow shows black.

A code stream begins with the markers SOC and SIZ and ends with EOC. Between them lie segments
that tell their length, and parts of tiles, whose first segment tells the length of the whole part,
or 0 for "up to the end" (ITU-T T.800, annex A).
"""

from typing import BinaryIO

BEGINNING, PART, END = b"\xff\x4f\xff\x51", b"\xff\x90", b"\xff\xd9"


def refuse_cut(file: BinaryIO) -> None:
    """Go from segment to segment of an open file up to the end of its code stream.

    Raises:
        EOFError: if that is not there.
    """
    file.seek(0)
    data = file.read()
    at = data.find(BEGINNING) + 2
    while (marker := data[at : at + 2]) != END:
        if marker[:1] != b"\xff":
            raise EOFError("truncated")
        if marker != PART:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
        elif length := int.from_bytes(data[at + 6 : at + 10]):
            at += length
        else:
            at = max(data.rfind(END), at + 2)
