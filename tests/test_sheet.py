import numpy as np

from tasks.images.sheet import GAP, TEXT, TILE, band, grid, stacked

RED = np.full((8, 8, 3), (255, 0, 0), np.uint8)
GREY = np.full((200, 100, 1), 90, np.uint8)


def test_a_grid_puts_tile_r_c_where_it_says():
    sheet = np.asarray(grid([[RED, GREY], [GREY, RED]]))
    assert sheet.shape == (2 * TILE, 2 * TILE, 3)
    assert (sheet[:TILE, :TILE] == (255, 0, 0)).all()
    assert (sheet[:TILE, TILE:] == 90).all()
    assert (sheet[TILE:, TILE:] == (255, 0, 0)).all()


def test_a_band_has_a_title_above_its_pictures():
    sheet = np.asarray(band("cats", [[RED, GREY]]))
    assert (sheet[:TEXT] < 128).any()
    assert (sheet[TEXT + GAP, GAP] == (255, 0, 0)).all()


def test_bands_are_stacked_down_and_then_across():
    first, second, third = (band(name, [[RED]]) for name in "abc")
    width, height = first.size
    assert stacked([first, second, third], 2).size == (2 * width, 2 * height)
