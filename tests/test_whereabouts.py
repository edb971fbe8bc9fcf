import os
import signal
import subprocess
import sys
import time

import psutil

from flows.whereabouts import Whereabouts, ended_since, machine, process_began

from .living import wait_for


def sleeper():
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])


def whereabouts_of(process):
    return Whereabouts(machine(), process.pid, psutil.Process(process.pid).create_time())


def test_labels_hold_all_that_tells_a_process_from_every_other():
    here = Whereabouts.here()
    assert here.pid == os.getpid()
    assert here.machine == machine()
    assert Whereabouts.read({"prefect.flow.id": "1", **here.labels()}) == here


def test_a_run_without_labels_has_no_whereabouts():
    assert Whereabouts.read({}) is None
    assert Whereabouts.read({"process.pid": 3}) is None


def test_a_living_process_is_not_gone_and_a_killed_one_is():
    process = sleeper()
    where = whereabouts_of(process)
    assert not where.gone()
    process.send_signal(signal.SIGKILL)
    wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    assert where.gone()  # although nobody has waited for it yet
    process.wait()
    assert where.gone()


def test_another_process_with_the_number_does_not_count():
    process = sleeper()
    where = whereabouts_of(process)._replace(began=time.time() - 3600)
    assert where.gone()
    assert ended_since(process.pid, seen=time.time() - 3600)
    assert not ended_since(process.pid, seen=time.time())
    process.kill()
    process.wait()


def test_a_process_that_never_was_has_no_beginning():
    assert process_began(2**22 + 1) is None  # above the kernel's largest number
