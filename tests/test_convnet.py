"""The convnet's parts against what they should do, and whole trainings on few pictures."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="make jax installs it")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from jax import numpy as jnp  # noqa: E402

from tasks.images.augmentation import augment  # noqa: E402
from tasks.images.randomness import order  # noqa: E402
from tasks.models.checkpoint import FILE  # noqa: E402
from tasks.models.convnet import course, draws, moves, muon, net, scoring, whitening  # noqa: E402
from tasks.models.convnet.checkpoint import Checkpoint  # noqa: E402
from tasks.models.convnet.device import set_up  # noqa: E402
from tasks.models.convnet.training import REMEDY, fit  # noqa: E402
from tasks.models.history import EPOCHS, told  # noqa: E402
from tasks.models.loading import load_classifier  # noqa: E402
from tasks.models.orthogonal import CUBIC, LINEAR, QUINTIC  # noqa: E402
from tasks.params import Augment, Convnet, Muon, Views, Whitening  # noqa: E402
from tasks.stage import StageError  # noqa: E402

from .benchmarks import bench_convnet  # noqa: E402
from .test_training import PREPARE, part, stripes  # noqa: E402

FLOAT = jnp.dtype(jnp.float32)
ALL_CHANGES = Augment(
    flip="alternate", padded_crop=2, one_pixel_shifts=True, brightness=0.1, contrast=0.2,
    tint=0.05, saturation=0.3, erase={"probability": 0.5, "side": [0.2, 0.6]},
)  # fmt: skip


def convnet(**changes) -> Convnet:
    given = {
        "model": "convnet",
        "seed": 0,
        "widths": [12, 16],
        "convolutions": 2,
        "residual": True,
        "activation": "gelu",
        "whitening": {"patch": 2, "images": 32, "epsilon": 0.0005, "bias_epochs": 1},
        "norm_momentum": 0.6,
        "epochs": 3,
        "batch_size": 16,
        "muon": {"learning_rate": 0.2, "momentum": 0.6, "newton_schulz_steps": 3},
        "sgd": {"bias_rate": 0.01, "head_rate": 1.0, "momentum": 0.85, "weight_decay": 0.004},
        "label_smoothing": 0.1,
        "precision": "float32",
        "device": "cpu",
        "test_time": {"mirror": False, "shifts": [[0, 1]]},
    }
    return Convnet.model_validate(given | changes)


def pictures(n, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


# ---- whitening ------------------------------------------------------------------------


def smooth(n):
    """Return n images whose neighbouring pixels are alike, as in photographs."""
    noise = np.random.default_rng(0).normal(size=(n, 14, 14, 3)).astype(np.float32)
    for axis in (1, 2):
        noise = noise + np.roll(noise, 1, axis) + 0.5 * np.roll(noise, 2, axis)
    return noise / noise.std()


def test_what_comes_out_of_whitening_is_uncorrelated_and_has_unit_variance():
    images = jnp.asarray(smooth(300))
    kernel = whitening.filters(images, Whitening(patch=2, images=300, epsilon=1e-9, bias_epochs=0))
    assert kernel.shape == (2, 2, 3, 24)
    out = np.asarray(net.convolved(images, kernel, "VALID"), np.float64).reshape(-1, 24)
    second_moments = out.T @ out / len(out)
    assert np.allclose(second_moments[:12, :12], np.eye(12), atol=2e-3)
    assert np.allclose(second_moments[:12, 12:], -np.eye(12), atol=2e-3)


def test_a_direction_without_variance_is_not_magnified_beyond_epsilon():
    flat = jnp.ones((20, 6, 6, 1)) * jnp.linspace(-1, 1, 20)[:, None, None, None]
    kernel = whitening.filters(flat, Whitening(patch=2, images=20, epsilon=0.01, bias_epochs=0))
    assert float(jnp.linalg.norm(kernel.reshape(4, 8), axis=0).max()) <= 10.001


def test_images_are_scaled_by_what_the_first_of_them_are():
    images = pictures(50, 6, 6, 3)
    mean, deviation = whitening.moments(jnp.asarray(images, jnp.float32))
    assert np.allclose(mean, images.mean(axis=(0, 1, 2)), rtol=1e-5)
    assert np.allclose(deviation, images.std(axis=(0, 1, 2)), rtol=1e-5)


# ---- Muon -----------------------------------------------------------------------------


@settings(max_examples=20)
@given(st.integers(0, 2**20), st.integers(1, 5))
def test_newton_schulz_is_its_polynomial_on_the_singular_values(seed, steps):
    matrix = np.random.default_rng(seed).normal(size=(6, 11))
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.linalg.norm(values)
    for _ in range(steps):
        values = LINEAR * values + CUBIC * values**3 + QUINTIC * values**5
    done = muon.orthogonalised(jnp.asarray(matrix[None], jnp.float32), steps, FLOAT)[0]
    assert np.allclose(done, left * values @ right, atol=2e-4)


def test_five_rounds_bring_singular_values_near_1():
    matrices = np.random.default_rng(0).normal(size=(4, 16, 60)).astype(np.float32)
    done = muon.orthogonalised(jnp.asarray(matrices), 5, FLOAT)
    values = np.linalg.svd(np.asarray(done), compute_uv=False)
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_filters_of_all_layers_go_together_as_each_would_alone():
    rng = np.random.default_rng(0)
    shapes = [(3, 3, 8, 12), (3, 3, 12, 16), (3, 3, 2, 30)]
    kernels = tuple(jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes)
    for together, kernel in zip(muon.together(kernels, 3, FLOAT), kernels, strict=True):
        alone = muon.together((kernel,), 3, FLOAT)[0]
        assert np.allclose(together, alone, atol=1e-5)


def test_a_step_without_gradient_only_sets_the_norm_of_the_filters():
    kernel = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3, 4, 9)), jnp.float32)
    nothing = (jnp.zeros_like(kernel),)
    params = Muon(learning_rate=0.5, momentum=0.6, newton_schulz_steps=3)
    moved, momenta = muon.updated((kernel,), nothing, nothing, jnp.ones(()), params, FLOAT)
    assert np.allclose(moved[0], kernel * 3.0 / np.linalg.norm(kernel), atol=1e-6)
    assert not momenta[0].any()


# ---- augmentation ---------------------------------------------------------------------


def on_the_device(images, index, changes, seed, epoch):
    drawn = draws.draw(changes, seed, epoch, epoch + 1, index, images.shape[1:])
    flip, shift, colour, square, erased = (None if each is None else each[0] for each in drawn[1:])
    rows = jnp.arange(len(images))
    seen = moves.moved(jnp.asarray(images), rows, flip, shift, changes.border)
    return np.asarray(moves.covered(moves.coloured(seen, colour), square, erased))


@pytest.mark.parametrize("border", ["reflect", "edge", "zero"])
@pytest.mark.parametrize("flip", ["alternate", "random", None])
def test_images_are_moved_as_all_other_families_move_them_to_the_byte(border, flip):
    images, index = pictures(40, 9, 7, 3), np.arange(100, 140)
    changes = Augment(
        border=border, flip=flip, padded_crop=3, one_pixel_shifts=True,
        erase={"probability": 0.6, "side": [0.2, 0.7]},
    )  # fmt: skip
    for seed, epoch in ((0, 0), (5, 3)):
        wanted = augment(images, index, changes, seed=seed, epoch=epoch, size=(9, 7))
        assert np.array_equal(on_the_device(images, index, changes, seed, epoch), wanted)


def test_colours_are_those_of_all_other_families_before_they_are_rounded():
    images, index = pictures(30, 8, 8, 3), np.arange(30)
    wanted = augment(images, index, ALL_CHANGES, seed=3, epoch=2, size=(8, 8))
    assert np.abs(on_the_device(images, index, ALL_CHANGES, 3, 2) - wanted).max() < 0.51


def test_images_come_in_the_order_of_all_other_families():
    drawn = draws.draw(Augment(), 7, 4, 6, np.arange(500), (8, 8, 1))
    assert np.array_equal(drawn.order, [order(7, 4, 500), order(7, 5, 500)])
    assert drawn[1:] == (None,) * 5


def test_alternating_flips_show_every_image_both_ways_in_any_two_epochs():
    drawn = draws.draw(Augment(flip="alternate"), 0, 0, 6, np.arange(1000), (8, 8, 1))
    flip = np.asarray(drawn.flip)
    assert (flip[1:] ^ flip[:-1]).all()
    assert 400 < flip[0].sum() < 600


def test_augmentation_that_needs_interpolation_is_refused():
    with pytest.raises(StageError, match=r"model 'convnet' moves whole pixels only: expected.*got"):
        draws.check(Augment(flip="random", rotation_degrees=5.0))
    draws.check(ALL_CHANGES)


# ---- the network ----------------------------------------------------------------------


def test_images_too_small_for_the_blocks_are_refused():
    with pytest.raises(StageError, match=r"images are too small for 2 widths, each of which"):
        net.check(convnet(), (4, 9, 1))
    net.check(convnet(), (5, 5, 1))


def test_the_first_filters_hand_their_channel_on():
    weights = net.initial(convnet(), 1, 2)
    assert [f.shape for f in weights.filters] == [
        (3, 3, 8, 12), (3, 3, 12, 12), (3, 3, 12, 16), (3, 3, 16, 16),
    ]  # fmt: skip
    x = jnp.asarray(pictures(2, 6, 6, 8), jnp.float32)
    assert np.allclose(net.convolved(x, weights.filters[0], "SAME")[..., :8], x, atol=1e-4)


def test_rates_fall_along_a_line_to_0():
    shares = [float(course.remaining(jnp.int32(step), 10.0)) for step in (0, 5, 10, 20)]
    assert shares == pytest.approx([1.0, 0.5, 0.0, 0.0])
    assert float(course.remaining(jnp.int32(0), 0)) == 0.0


def test_the_loss_is_the_cross_entropy_against_smoothed_labels():
    logits = np.random.default_rng(0).normal(size=(5, 4))
    labels, smoothing = np.array([0, 1, 2, 3, 0]), 0.2
    goals = np.eye(4)[labels] * (1 - smoothing) + smoothing / 4
    says = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss = course.cross_entropy(jnp.float32(logits), jnp.int32(labels), smoothing)
    assert np.allclose(loss, -(goals * says).sum(axis=1), atol=1e-5)


def test_a_loss_that_is_not_finite_stops_with_a_clear_error():
    with pytest.raises(StageError, match=r"the loss is not finite in epoch 3: expected a number"):
        told([3, 0.1, float("nan"), 0.1, 1.0, 0.1], 5, REMEDY)


@pytest.mark.skipif(jax.default_backend() == "gpu", reason="there is a GPU")
def test_a_missing_gpu_is_an_error_and_never_a_silent_cpu_run():
    with pytest.raises(StageError, match=r"device is 'gpu': expected JAX to find a GPU, got none"):
        set_up(convnet(device="gpu"), 2)


# ---- whole trainings ------------------------------------------------------------------


def trained(folder, params, changes=ALL_CHANGES, n=64):
    folder.mkdir(exist_ok=True)
    rows = stripes(n)
    train, val = part(rows, 0, n - 16), part(rows, n - 16, n)
    return fit(train, val, params, changes, PREPARE, 2, folder, folder.with_suffix(".scratch"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a model that trained without an interruption, and its history."""
    folder = tmp_path_factory.mktemp("convnet") / "model"
    return folder, trained(folder, convnet())


def test_a_few_epochs_tell_stripes_apart(whole):
    folder, history = whole
    assert history.columns == EPOCHS
    assert [row[0] for row in history.rows] == [1, 2, 3]
    assert history.rows[-1][2] < history.rows[0][2]
    model, rows = load_classifier(folder, threads=2, memory_mib=64), stripes(80)
    probabilities = model.probabilities(rows.images)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == rows.labels).mean() > 0.9
    assert np.allclose(model.probabilities(rows.images[:3]), probabilities[:3], atol=1e-5)


def test_a_training_that_was_ended_goes_on_to_the_same_bytes(whole, tmp_path, monkeypatch, capsys):
    folder, history = whole
    save = Checkpoint.save

    def save_and_end(self, state, table):
        save(self, state, table)
        if len(table) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "save", save_and_end)
        patched.setattr("tasks.models.checkpoint.COST", 0)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "ended", convnet())
    assert trained(tmp_path / "ended", convnet()) == history
    assert "goes on after epoch 2" in capsys.readouterr().out
    for file in ("model.npz", "recipe.json"):
        assert (tmp_path / "ended" / file).read_bytes() == (folder / file).read_bytes()


def test_a_checkpoint_that_cannot_be_read_is_as_good_as_none(tmp_path):
    (tmp_path / FILE).write_bytes(b"PK half a file")
    assert Checkpoint(tmp_path).restore("a new run") == ("a new run", [])


@pytest.mark.slow
def test_all_epochs_in_one_program_end_with_the_bits_of_one_after_the_other():
    params, images = convnet(), stripes(48)
    data = course.Data(jnp.asarray(images.images), jnp.asarray(images.labels, jnp.int32))
    frozen = course.compiled_measure(data.images, params)
    ends = []
    for pieces in ([(0, 3)], [(0, 1), (1, 2), (2, 3)]):
        state = jax.device_put(course.begin(params, 1, 2))
        for first, last in pieces:
            drawn = draws.draw(ALL_CHANGES, 0, first, last, images.index, (12, 12, 1))
            state, _ = course.compiled_epochs(
                state, data, frozen, drawn, params, ALL_CHANGES, FLOAT
            )
        ends.append([np.asarray(array).tobytes() for array in jax.tree.leaves(state)])
    assert ends[0] == ends[1]


def test_half_of_the_weight_is_with_views_that_are_not_shifted():
    params, images = convnet(), jnp.asarray(pictures(6, 12, 12, 1))
    frozen = course.compiled_measure(images, params)
    state = course.begin(params, 1, 2)

    def said(pixels, views=None):
        model = (frozen, state.weights, state.statistics)
        return np.asarray(scoring.of_views(*model, pixels, params, FLOAT, views))

    views = Views(mirror=True, shifts=((1, 0), (0, 0)))
    moved = jnp.concatenate([images[:, 1:2], images[:, :-1]], axis=1)
    straight, down = ((said(pixels) + said(pixels[:, :, ::-1])) / 2 for pixels in (images, moved))
    assert np.allclose(said(images, views), 0.75 * straight + 0.25 * down, atol=1e-5)
    whole = scoring.all_logits(frozen, state.weights, state.statistics, images, params, FLOAT, None)
    assert np.allclose(whole, said(images), atol=1e-5)


# ---- the benchmark --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits_convnet", "cifar10_convnet_94", "cifar10_convnet_96"])
def test_every_recipe_is_valid_and_fits_its_images(name):
    params, changes = bench_convnet.recipe(name)
    net.check(params, (8, 8, 1) if name.startswith("digits") else (32, 32, 3))
    draws.check(changes)


@pytest.mark.slow
def test_the_benchmark_times_every_seed_and_says_what_is_timed():
    params, changes = bench_convnet.recipe("digits_convnet", small=True)
    params = params.model_copy(update={"widths": (8,), "batch_size": 16})
    rows = stripes(64)
    train, test = (rows.images[:48], rows.labels[:48]), (rows.images[48:], rows.labels[48:])
    found = bench_convnet.runs(train, test, params, changes, range(2))
    assert len(found["seconds"]) == len(found["accuracy"]) == 2
    assert max(found["seconds"]) < found["first"]
    text = "\n".join(bench_convnet.table("digits_convnet", found, 96, small=True))
    assert "digits_convnet, shrunk, 2 seeds, cpu" in text
    assert "Timed: whitening, all epochs, views of all test images; not: " in text
