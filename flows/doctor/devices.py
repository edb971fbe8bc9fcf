"""TensorFlow's devices and, where a GPU is there but cannot be used, what exactly is missing.

TensorFlow says only that it skips the GPU. Its loader knows which library it did not find,
and tells if its messages are switched on. It is asked in a process of its own, because it
takes seconds to import, may crash, and keeps the GPU to itself.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from flows.doctor.finding import Finding

NVIDIA, DISPLAY = "0x10de", "0x03"  # of the PCI: the vendor, and the class of graphics and 3D
MESSAGES = {"TF_CPP_MIN_LOG_LEVEL": "0", "TF_CPP_VMODULE": "dso_loader=1"}
NOT_LOADED = re.compile(r"Could not load dynamic library '([^']+)'")
DRIVER = ("libcuda.so", "libnvidia-ml.so")
FAILED = re.compile(r"^[EW]\d{4} .*?\] (.*)$", re.MULTILINE)
ASK = """
import json, tensorflow as tf
devices = [device.name.partition(":")[2] for device in tf.config.list_physical_devices()]
cuda = tf.sysconfig.get_build_info()["is_cuda_build"]
print(json.dumps({"version": tf.__version__, "cuda": cuda, "devices": devices}))
"""


def examine() -> Iterator[Finding]:
    """Ask TensorFlow, and look for GPUs that it does not see."""
    asked = ask(sys.executable)
    yield judge(asked.returncode, asked.stdout, asked.stderr, gpus(Path("/")))


def ask(python: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Ask the TensorFlow of some Python for its devices."""
    return subprocess.run(
        [python, "-c", ASK],
        env={**os.environ, **MESSAGES, **environment},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )


def gpus(root: Path) -> list[str]:
    """Return the NVIDIA GPUs that the machine shows, whether or not they can be used.

    Args:
        root: of the file system.
    """
    nodes = sorted((root / "dev").glob("nvidia[0-9]*"))
    slots = sorted((root / "sys/bus/pci/devices").glob("*"))
    return [str(node) for node in nodes] or [slot.name for slot in slots if is_gpu(slot)]


def is_gpu(slot: Path) -> bool:
    """Say whether a PCI device is a GPU of NVIDIA."""
    vendor, kind = (slot / name for name in ("vendor", "class"))
    return vendor.read_text().strip() == NVIDIA and kind.read_text().startswith(DISPLAY)


def judge(status: int, answer: str, messages: str, gpus: list[str]) -> Finding:
    """Say what TensorFlow's answer means on a machine with these GPUs.

    Args:
        status: the exit status of the process that was asked.
        answer: what it printed.
        messages: what TensorFlow said meanwhile.
        gpus: those that the machine shows.
    """
    if status != 0:
        last = (messages.strip().splitlines() or ["no message"])[-1]
        return Finding("wrong", f"TensorFlow does not start: {last}. Run make setup.")
    found = json.loads(answer.splitlines()[-1])
    text = f"TensorFlow {found['version']} runs on {', '.join(found['devices'])}"
    if not gpus or any(name.startswith("GPU") for name in found["devices"]):
        return Finding("ok", text)
    unusable = f"{text}, but not on {', '.join(gpus)}"
    if not found["cuda"]:
        return Finding("note", f"{unusable}: it was built without CUDA. Run make gpu.")
    return Finding("wrong", f"{unusable}: {obstacle(messages)}")


def obstacle(messages: str) -> str:
    """Say what keeps a TensorFlow with CUDA from a GPU, and what to do."""
    missing = list(dict.fromkeys(NOT_LOADED.findall(messages)))
    driver = [library for library in missing if library.startswith(DRIVER)]
    if driver:
        return f"the driver's {' and '.join(driver)} cannot be loaded. Install NVIDIA's driver."
    if missing:
        return f"{', '.join(missing)} cannot be loaded. Run make gpu, which installs what it needs."
    said = FAILED.findall(messages)
    return f"{said[-1] if said else 'it does not say why'}. See whether nvidia-smi works."
