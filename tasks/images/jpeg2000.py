"""Find out whether a JPEG 2000 was cut off: where nothing is left of a picture, Pillow shows black.

A code stream begins with the markers SOC and SIZ and ends with EOC. Among coded data 0xFF comes
before 0x8F at most, so what looks like EOC is it (ITU-T T.800, annex A).
"""

from typing import BinaryIO

BEGINNING, END = b"\xff\x4f\xff\x51", b"\xff\xd9"


def refuse_cut(file: BinaryIO) -> None:
    """Look for the end of the code stream in an open file.

    Raises:
        EOFError: if there is none.
    """
    file.seek(0)
    data = file.read()
    if data.find(END, data.find(BEGINNING)) < 0:
        raise EOFError("truncated")
