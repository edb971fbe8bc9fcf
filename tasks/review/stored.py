"""Files as DVC has them for any commit: in the folder, in its cache or in a remote.

Each kind of remote fails by exceptions of its own, and DVC takes most refusals for a file that
is not there. So a remote that gave nothing is asked once more, for its own words.
"""

from dvc.api import DVCFileSystem

from tasks.stage import StageError

OWN_CACHE = "auto-generated-upstream"  # as DVC calls a repository's cache where no remote is named


class UnreadableError(StageError):
    """DVC or its remote cannot be asked, so that nobody knows whether a file is there."""


def files_of(commit: str | None) -> DVCFileSystem:
    """Return the files of a commit, or of the working tree.

    They are looked for where DVC keeps files today, for a commit does not know of a remote
    that came after it.

    Raises:
        UnreadableError: if DVC's configuration cannot be read.
    """
    try:
        today = DVCFileSystem()
        config = dict(today.repo.config)
    except OSError:
        raise
    except Exception as error:  # of any kind: from a typing error to a remote that has no entry
        raise UnreadableError(
            f"DVC cannot open this repository: {in_a_line(error)}. Expected a configuration "
            "whose default remote is one of those that dvc remote list names."
        ) from None
    return DVCFileSystem(rev=commit, config=config) if commit else today


def recorded_digest(files: DVCFileSystem, path: str) -> str | None:
    """Return the MD5 that DVC knows of an output, None if it knows of no such output.

    Raises:
        UnreadableError: if DVC cannot tell.
    """
    try:
        found: str | None = files.info(path).get("dvc_info", {}).get("md5")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:  # remotes without their plugin, a dvc.lock with two sides in it
        raise unreadable(files, path, error) from None
    return found


def read_text(files: DVCFileSystem, path: str) -> str:
    """Read a file; bytes that are no UTF-8 become replacement characters.

    Raises:
        FileNotFoundError: if it is nowhere.
        UnreadableError: if DVC or its remote cannot tell.
    """
    try:
        text: str = files.read_text(path, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        ask_remote(files, path)
        raise
    except Exception as error:  # as each kind of remote has its own
        raise unreadable(files, path, error) from None
    return text


def default_remote(files: DVCFileSystem) -> str | None:
    """Return the name of DVC's default remote, None if it has none."""
    name: str | None = files.repo.config.get("core", {}).get("remote")
    return None if name == OWN_CACHE else name


def ask_remote(files: DVCFileSystem, path: str) -> None:
    """Ask the remote for a file that DVC did not find.

    Raises:
        UnreadableError: if it says anything but that it has none, or is not there itself.
    """
    digest = recorded_digest(files, path)
    if digest is None or default_remote(files) is None:
        return
    try:
        remote = files.repo.cloud.get_remote()
        if remote.fs.protocol == "local" and not remote.fs.exists(remote.path):
            raise NotADirectoryError(f"there is no folder '{remote.path}'")
        remote.fs.fs.cat_file(remote.odb.oid_to_path(digest), 0, 1)
    except FileNotFoundError:
        return
    except Exception as error:  # as each kind of remote has its own
        raise unreadable(files, path, error) from None


def unreadable(files: DVCFileSystem, path: str, error: Exception) -> UnreadableError:
    """Return the error of a file that DVC cannot look for."""
    remote = default_remote(files)
    if remote is None:
        return UnreadableError(
            f"DVC cannot read '{path}': {in_a_line(error)}. Expected a repository in which dvc "
            "status works."
        )
    return UnreadableError(
        f"DVC's remote '{remote}' cannot be asked for '{path}': {in_a_line(error)}. Expected a "
        "remote that answers: see to its address (dvc remote list), plugin and credentials, or "
        "name another with dvc remote default NAME."
    )


def in_a_line(error: Exception) -> str:
    """Return an exception's kind and words."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(" .:")
