"""What the doctor makes of TensorFlow's answer. The logs are real: TensorFlow 2.21 with CUDA on a
machine without driver, and on one whose driver's libraries were put there without the others."""

import subprocess
import sys
from pathlib import Path

import pytest

from flows.doctor.devices import ask, gpus, judge

GOLDEN = Path(__file__).parent / "golden"
CUDA = 'a warning\n{"version": "2.21.0", "cuda": true, "devices": ["CPU:0"]}\n'
GPU = CUDA.replace('"CPU:0"', '"CPU:0", "GPU:0"')


def judged(answer, log="", gpus=("/dev/nvidia0",)):
    return judge(0, answer, log, list(gpus))


def test_a_gpu_that_tensorflow_uses_is_well():
    finding = judged(GPU)
    assert (finding.state, finding.text) == ("ok", "TensorFlow 2.21.0 runs on CPU:0, GPU:0")


def test_a_machine_without_gpu_is_well():
    assert judged(CUDA, gpus=()).state == "ok"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            "tensorflow_without_driver.log",
            "but not on /dev/nvidia0: the driver's libcuda.so.1 cannot be loaded.",
        ),
        (
            "tensorflow_without_cuda_libraries.log",
            "libcudnn.so.9, libcudart.so.12, libcublas.so.12, libcublasLt.so.12, libcufft.so.11, "
            "libcusolver.so.11, libcusparse.so.12 cannot be loaded. Run make gpu",
        ),
    ],
)
def test_the_missing_libraries_of_an_unusable_gpu_are_named(log, expected):
    finding = judged(CUDA, (GOLDEN / log).read_text("utf-8"))
    assert finding.state == "wrong"
    assert expected in finding.text


def test_where_no_library_is_missing_the_last_error_is_told():
    error = (
        "E0000 00:00:1795248823.037790   13726 cuda_platform.cc:52] failed call to cuInit: 303\n"
    )
    assert "failed call to cuInit: 303. See whether nvidia-smi" in judged(CUDA, error).text
    assert "it does not say why" in judged(CUDA).text


def test_a_tensorflow_for_processors_on_a_machine_with_gpu_is_noted():
    finding = judged(CUDA.replace("true", "false"))
    assert finding.state == "note"
    assert "it was built without CUDA. Run make gpu." in finding.text


def test_a_tensorflow_that_does_not_start_is_wrong():
    python = Path(sys.base_prefix, "bin", "python3")  # has no packages
    asked = ask(str(python), PYTHONNOUSERSITE="1", PYTHONPATH="")
    finding = judge(asked.returncode, asked.stdout, asked.stderr, [])
    assert finding.state == "wrong"
    assert "TensorFlow does not start: ModuleNotFoundError: No module named 'tens" in finding.text


def test_gpus_are_seen_as_device_files_or_as_cards_that_lack_a_driver(tmp_path):
    assert gpus(tmp_path) == []
    for name, vendor, kind in (
        ("0000:00:02.0", "0x8086", "0x030000"),  # Intel's graphics
        ("0000:01:00.0", "0x10de", "0x030200"),
        ("0000:01:00.1", "0x10de", "0x040300"),  # the sound of the same card
    ):
        slot = tmp_path / "sys/bus/pci/devices" / name
        slot.mkdir(parents=True)
        (slot / "vendor").write_text(f"{vendor}\n")
        (slot / "class").write_text(f"{kind}\n")
    assert gpus(tmp_path) == ["0000:01:00.0"]
    (tmp_path / "dev").mkdir()
    for node in ("nvidia0", "nvidia1", "nvidiactl"):
        (tmp_path / "dev" / node).touch()
    assert gpus(tmp_path) == [str(tmp_path / "dev" / name) for name in ("nvidia0", "nvidia1")]


@pytest.mark.gpu
def test_the_gpu_of_this_machine_is_seen():
    asked = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    assert asked.returncode == 0
    assert len(gpus(Path("/"))) == asked.stdout.count("GPU ")
