"""Make `.venv` from hash-pinned requirements: once, whole, and anew after an interruption.

`make` starts it with the system's python3, so it needs the standard library only, and its
syntax is old enough to tell an old Python what is wrong. `.venv/.ready` holds the SHA-256
of the requirements and is written last: without it, everything is made again. pip itself
holds the lock, so a set-up that outlives its killed `make` is waited for, not trampled on.

    python3 .ci/setup.py                        what is installed stays, else requirements.txt
    python3 .ci/setup.py requirements-gpu.txt   this one, whatever is installed
"""

import fcntl
import hashlib
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
VENV = Path(".venv")
READY, LOCK, LOG = VENV / ".ready", VENV / ".setup.lock", VENV / ".setup.log"
PYTHON = VENV / "bin" / "python"
PLOTS = Path(".dvc/tmp/plots.html")  # the page that `dvc plots show` fills, with its scripts
TELL_S = 10  # seconds between two signs of life

# Finds the interpreter beside the script, so that a moved or renamed checkout still works.
RELOCATABLE = b"""#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python" "$0" "$@"
' '''
"""
SHEBANG = re.compile(rb"\A(#!/bin/sh\n'''exec' [^\n]*\n' '''\n|#![^\n]*python[^\n]*\n)")


def main(chosen):
    """Leave a `.venv` that has exactly what a requirements file names."""
    known = [Path(chosen)] if chosen else sorted(Path().glob("requirements*.txt"))
    if not is_ready(known):
        check_interpreter()
        claim()
        with LOCK.open("w") as lock:
            wait_for(lock)
            if not is_ready(known):
                make(Path(chosen or "requirements.txt"), lock)
    if not PLOTS.exists():
        subprocess.run([str(PYTHON), "-m", "tasks.report.offline"], check=False)
    if Path(".git").exists():
        subprocess.run([str(PYTHON), "-m", "flows.merge_driver", "install"], check=False)


def is_ready(known):
    """Say whether `.venv` was finished from one of the known files as they are now."""
    if not (READY.exists() and PYTHON.exists()):
        return False
    return READY.read_text() in [digest(path) for path in known]


def digest(path):
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_interpreter():
    """Refuse a Python for which nothing is pinned, or which cannot make environments."""
    found = sys.version_info[:2]
    if not OLDEST <= found <= NEWEST:
        fail(
            "found Python {}.{} ({}), expected {}.{} to {}.{}. Name another one: "
            "make PYTHON=/path/to/python3".format(*found, sys.executable, *OLDEST, *NEWEST)
        )
    try:
        import ensurepip  # noqa: F401 (Debian ships it in a package of its own)
        import venv  # noqa: F401
    except ImportError as error:
        fail(
            "Python {}.{} ({}) lacks '{}', which makes virtual environments. On Debian or "
            "Ubuntu: apt install python3-venv. Or name another one: "
            "make PYTHON=/path/to/python3".format(*found, sys.executable, error.name)
        )


def claim():
    """Make the folder, or check that it is ours to clear."""
    if VENV.is_dir() and any(VENV.iterdir()) and not LOCK.exists():
        fail(
            "'.venv' was not made by make, and is not cleared. Remove or rename it, then try again."
        )
    VENV.mkdir(exist_ok=True)


def wait_for(lock):
    """Hold the lock; the processes that inherit the file hold it, too."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        tell("another set-up is at work on .venv: waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def make(requirements, lock):
    """Make everything anew; the mark that it is finished comes last."""
    tell("setting up .venv from {}: about 2 minutes and 2.3 GB, once".format(requirements))
    clear()
    wanted = digest(requirements)
    total = len(re.findall("^[^ #\n]+==", requirements.read_text(), re.MULTILINE))
    LOG.write_text("")
    quietly([sys.executable, "-m", "venv", "--prompt", "assay", str(VENV)], lock, lambda: "venv")
    pip = [str(PYTHON), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    pinned = ["--require-hashes", "--no-deps", "--no-compile", "-r", str(requirements)]
    quietly(pip + pinned, lock, lambda: "{} of {}".format(far(), total))
    # Unlike pip, this uses all cores. Without it, `import tensorflow` takes 14 s where
    # PYTHONDONTWRITEBYTECODE is set. Some packages ship files that no Python 3 compiles.
    compiling = [str(PYTHON), "-I", "-m", "compileall", "-qq", "-j", "0", str(VENV / "lib")]
    quietly(compiling, lock, lambda: "compiling", check=False)
    relocate()
    READY.write_text(wanted)
    tell("ready")


def clear():
    """Empty the folder, the mark first, and keep the lock."""
    if READY.exists():
        READY.unlink()
    for path in VENV.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        elif path != LOCK:
            path.unlink()


def far():
    """Say how far pip is: it fetches all packages, then installs them."""
    log = LOG.read_text(errors="replace")
    if "\nInstalling collected" in log:
        there = len(list(VENV.glob("lib/python*/site-packages/*.dist-info")))
        return "installing: {}".format(there)
    return "fetching: {}".format(log.count("\nCollecting ") + log.startswith("Collecting "))


def quietly(command, lock, progress, check=True):
    """Run a command with its output in the log, and give a sign of life now and then."""
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[lock.fileno()]
        )
    try:
        while True:
            try:
                status = process.wait(timeout=TELL_S)
                break
            except subprocess.TimeoutExpired:
                tell("  " + progress())
    finally:
        process.kill()  # does nothing to one that has ended
    if status and check:
        print("\n".join(LOG.read_text(errors="replace").splitlines()[-12:]), file=sys.stderr)
        fail("the installation failed as above; all of it is in {}. Try again.".format(LOG))


def relocate():
    """Let the commands in `.venv/bin` find their interpreter wherever the checkout lies."""
    for path in (VENV / "bin").iterdir():
        if path.is_file() and not path.is_symlink():
            text = path.read_bytes()
            if SHEBANG.match(text):
                path.write_bytes(SHEBANG.sub(lambda _: RELOCATABLE, text, count=1))


def tell(line):
    """Print a line now."""
    print(line, flush=True)


def fail(line):
    """Print the one line of an error and end with status 1."""
    print("error: " + line, file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
    except KeyboardInterrupt:
        print("interrupted: run the same command again to go on.", file=sys.stderr)
        raise SystemExit(130) from None
