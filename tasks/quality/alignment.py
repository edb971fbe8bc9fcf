"""How alike two pictures are once one is laid over the other as well as can be.

Copies of one photograph differ by crop, size, colours and compression, so comparing them spot
by spot fails. Here the second picture is moved and stretched until both correlate best: first the
grey pictures by whole pixels at half the size, then their detail (what a blur takes away: edges
and texture, no brightness) by the Gauss-Newton steps of image registration (Lucas and Kanade
1981; maximising a correlation: Evangelidis and Psarakis 2008,
https://doi.org/10.1109/TPAMI.2008.113). Pictures of different things agree in their coarse
shapes, and do not in detail.
"""

import numba
import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.ndimage import gaussian_filter

BLUR = 1 / 16  # of a picture's longer side: what is coarser than that is no detail
SHIFT = 1 / 6  # of a side, at most, between the middles of two copies
STRETCH = 1.3  # of each axis, at most
OVERLAP = 0.5  # of the area, at least; less would say little
COARSE = 2  # half-sized pixels that the first search goes in every direction
STEPS = 8  # of Gauss and Newton, at most
STILL = 0.02  # pixels that a step must move the picture to be worth another
HOPELESS = 0.7  # correlation of the grey pictures, at half their size, below which they do not fit
FLAT = 1.0  # variance in grey levels squared below which a picture has no detail


def likeness(
    grey: Float32[np.ndarray, "n h w"],
    first: Int64[np.ndarray, "m"],
    second: Int64[np.ndarray, "m"],
    mirrored: Bool[np.ndarray, "m"],
) -> Float64[np.ndarray, "m"]:
    """Return the correlation of the detail of pairs of pictures, the second one fitted.

    Args:
        grey: all pictures, 0..255, at least 4 pixels a side.
        first: positions of the first pictures.
        second: those of the second.
        mirrored: whether the second is turned left to right.

    Returns:
        -1..1; -1 where a picture has no detail, or the two do not fit even roughly.
    """
    found = np.empty(len(first))
    fit_all(detail(grey), halved(grey), first, second, mirrored, found)
    return found


def detail(grey: Float32[np.ndarray, "n h w"]) -> Float32[np.ndarray, "n h w"]:
    """Return what a blur takes away from grey pictures."""
    sigma = BLUR * max(grey.shape[1:])
    return grey - gaussian_filter(grey, (0, sigma, sigma), mode="nearest")


def halved(grey: Float32[np.ndarray, "n h w"]) -> Float32[np.ndarray, "n h w"]:
    """Return pictures of half the size; an odd last row or column is left out."""
    n, h, w = grey.shape
    even = grey[:, : h // 2 * 2, : w // 2 * 2]
    return even.reshape(n, h // 2, 2, w // 2, 2).mean(axis=(2, 4))


@numba.njit(nogil=True, cache=True)
def fit_all(fine, coarse, first, second, mirrored, found):
    """Fill `found` with the correlation of every pair."""
    for i in range(len(first)):
        a, b = fine[first[i]], fine[second[i]]
        small_a, small_b = coarse[first[i]], coarse[second[i]]
        if mirrored[i]:
            b, small_b = b[:, ::-1].copy(), small_b[:, ::-1].copy()
        found[i] = fit(a, b, small_a, small_b)


@numba.njit(nogil=True, cache=True)
def fit(a, b, small_a, small_b):
    """Return the best correlation of two pictures' detail."""
    place = np.array([0.0, 0.0, 1.0, 1.0])  # right, down, width, height
    start = search(small_a, small_b, place)
    start = max(start, climb(small_a, small_b, place))
    if start < HOPELESS:
        return -1.0
    place[:2] *= 2.0
    return climb(a, b, place)


@numba.njit(nogil=True, cache=True)
def search(a, b, place):
    """Set `place` to the best whole shift, and return its correlation."""
    best = -1.0
    warped, slopes = np.empty(a.shape), np.empty((*a.shape, 2))
    trial = place.copy()
    for down in range(-COARSE, COARSE + 1):
        for right in range(-COARSE, COARSE + 1):
            trial[0], trial[1] = right, down
            found = lay(a, b, trial, warped, slopes)[0]
            if found > best:
                best = found
                place[:] = trial
    return best


@numba.njit(nogil=True, cache=True)
def climb(a, b, place):
    """Move `place` to where the correlation is best, and return it."""
    height, width = a.shape
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    warped, slopes = np.empty(a.shape), np.empty((height, width, 2))
    trial, best = place.copy(), -1.0
    normal, towards, slope = np.empty((4, 4)), np.empty(4), np.empty(4)
    for _ in range(STEPS):
        found, mean_a, mean_b, spread_a, spread_b = lay(a, b, trial, warped, slopes)
        if found > best:
            best = found
            place[:] = trial
        if found <= -1.0:
            break
        normal[:], towards[:] = 0.0, 0.0
        for y in range(height):
            for x in range(width):
                if np.isnan(warped[y, x]):
                    continue
                missed = (a[y, x] - mean_a) / spread_a - (warped[y, x] - mean_b) / spread_b
                slope[0], slope[1] = slopes[y, x, 0] / spread_b, slopes[y, x, 1] / spread_b
                slope[2], slope[3] = slope[0] * (x - middle_x), slope[1] * (y - middle_y)
                for i in range(4):
                    towards[i] += slope[i] * missed
                    for j in range(i + 1):
                        normal[i, j] += slope[i] * slope[j]
        for i in range(4):
            normal[i, i] = normal[i, i] * 1.001 + 1e-9
            normal[:i, i] = normal[i, :i]
        step = np.linalg.solve(normal, towards)
        trial += step
        trial[0] = min(max(trial[0], -SHIFT * width), SHIFT * width)
        trial[1] = min(max(trial[1], -SHIFT * height), SHIFT * height)
        trial[2:] = np.minimum(np.maximum(trial[2:], 1 / STRETCH), STRETCH)
        moved = abs(step[0]) + abs(step[1]) + abs(step[2]) * width + abs(step[3]) * height
        if moved < STILL:
            break
    return best


@numba.njit(nogil=True, cache=True)
def lay(a, b, place, warped, slopes):
    """Lay `b` over `a`: fill what it shows at each pixel (NaN outside) and its slopes there.

    Returns correlation, both means and both spreads; -1 first where nothing can be said.
    """
    height, width = a.shape
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    n, sum_a, sum_b, square_a, square_b, product = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for y in range(height):
        v = middle_y + place[3] * (y - middle_y) + place[1]
        row = min(max(int(np.floor(v)), 0), height - 2)
        below = v - row
        for x in range(width):
            u = middle_x + place[2] * (x - middle_x) + place[0]
            if v < 0 or v > height - 1 or u < 0 or u > width - 1:
                warped[y, x] = np.nan
                continue
            column = min(int(u), width - 2)
            beside = u - column
            p, q = b[row, column], b[row, column + 1]
            r, s = b[row + 1, column], b[row + 1, column + 1]
            here = (p + (q - p) * beside) * (1 - below) + (r + (s - r) * beside) * below
            warped[y, x] = here
            slopes[y, x, 0] = (q - p) * (1 - below) + (s - r) * below
            slopes[y, x, 1] = (r - p) * (1 - beside) + (s - q) * beside
            n += 1
            sum_a += a[y, x]
            sum_b += here
            square_a += a[y, x] ** 2
            square_b += here**2
            product += a[y, x] * here
    if n < OVERLAP * height * width:
        return -1.0, 0.0, 0.0, 1.0, 1.0
    mean_a, mean_b = sum_a / n, sum_b / n
    variance_a, variance_b = square_a / n - mean_a**2, square_b / n - mean_b**2
    if variance_a < FLAT or variance_b < FLAT:
        return -1.0, mean_a, mean_b, 1.0, 1.0
    spread_a, spread_b = np.sqrt(variance_a), np.sqrt(variance_b)
    found = (product / n - mean_a * mean_b) / (spread_a * spread_b)
    return found, mean_a, mean_b, spread_a, spread_b
