"""The surroundings: what a shell does around a command, what stands in its environment, where there is no room."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from programs import run

from . import ASKING, CHANGING, COMMANDS, GITS, OPERATIONS, PRINTING, Person

ALL = frozenset(COMMANDS)


class Surrounding(NamedTuple):
    """A row.

    `fails`: what cannot be done there, and says so; all else is to be as anywhere. `is_homeless`: the home is of no
    use, so the token and git's settings come from the environment. `says`: what others say on stderr. `looks_other`:
    what is printed is not as anywhere; `is_unheard`: nobody sees it. `terminal`: the descriptors that are one.
    `leaves`: what git leaves, which a signal ends there.
    """

    shell: str = 'exec "$@"'
    environment: Mapping[str, str | None] = {}
    around: Callable[[Person], contextlib.AbstractContextManager[None]] | None = None
    fails: frozenset[str] = frozenset()
    is_homeless: bool = False
    says: str = ""
    looks_other: bool = False
    is_unheard: bool = False
    terminal: str = ""
    leaves: str = ""


def mounted(script: str) -> str:
    """A shell with mounts of its own, made by `script`."""
    return f'exec unshare --mount bash -c {shlex.quote(READ_ONLY + script + RUN)} bash "$@"'


READ_ONLY = 'read_only() { for d; do mount --bind "$d" "$d" && mount -o remount,bind,ro "$d" || exit 99; done; }; '
RUN = '; cd "$PWD"; exec "$@"'
# Permission bits count for root, too, without these.
BOUND = 'exec setpriv --bounding-set -dac_override,-dac_read_search,-fowner "$@"'


def full(*names: str) -> Callable[[Person], contextlib.AbstractContextManager[None]]:
    """These directories on disks that have no room left."""

    @contextlib.contextmanager
    def around(person: Person) -> Iterator[None]:
        folders = [getattr(person, name) for name in names]
        for folder in folders:
            was = folder.with_name(folder.name + ".was")
            folder.rename(was)
            folder.mkdir()
            run("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", folder)
            run("cp", "-a", f"{was}/.", folder)
            with (folder / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
        try:
            yield
        finally:
            for folder in folders:
                run("umount", "--lazy", folder)

    return around


@contextlib.contextmanager
def at_the_root(person: Person) -> Iterator[None]:
    """A root directory like this machine's, in which the home's files are."""
    slash = person.root / "slash"
    slash.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=8m", "none", slash)
    try:
        for entry in Path("/").iterdir():
            if entry.is_symlink():
                (slash / entry.name).symlink_to(entry.readlink())
            elif entry.is_dir():
                (slash / entry.name).mkdir()
                run("mount", "--rbind", entry, slash / entry.name)
        run("cp", "-a", f"{person.home}/.", slash)
        person.home, before = slash, person.home
        yield
        person.home = before
    finally:
        run("umount", "--recursive", "--lazy", slash)


@contextlib.contextmanager
def by_passwd(person: Person) -> Iterator[None]:
    """The home is where the user database says."""
    passwd = person.root / "passwd"
    passwd.write_text(f"root:x:{os.getuid()}:{os.getgid()}:root:{person.home}:/bin/sh\n")
    run("mount", "--bind", passwd, "/etc/passwd")
    try:
        yield
    finally:
        run("umount", "--lazy", "/etc/passwd")


@contextlib.contextmanager
def at_the_root_by_passwd(person: Person) -> Iterator[None]:
    """Both: platformdirs looks at the user database where HOME is empty."""
    with by_passwd(person), at_the_root(person):
        yield


def moved(name: str) -> Callable[[Person], contextlib.AbstractContextManager[None]]:
    """The home is called that."""

    @contextlib.contextmanager
    def around(person: Person) -> Iterator[None]:
        before, person.home = person.home, person.root / name
        before.rename(person.home)
        person.environment["HOME"] = str(person.home)
        yield
        person.home = before
        person.environment["HOME"] = str(before)

    return around


CHROOT = 'HERE=$PWD exec chroot "$HOME/../slash" bash -c {} bash "$@"'
DEAD = (
    r"Python|.*sys\.|    '|  ]|Current thread|  <no Python frame>|(Lookup|ModuleNotFound|Value)?Error: |Fatal|  .* = |"
    "object address|$"
)
NOWHERE = "/nowhere/at/all"
XDG = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")
UNSET_XDG: dict[str, Any] = dict.fromkeys(XDG)
HOOKS = frozenset({"hooks install"})
WRITES = CHANGING | HOOKS | {"git commit", "git clone"}
NO_GIT = CHANGING | HOOKS | GITS | {"check", "doctor", "status", "status --json"}  # git itself does not get far
ALIKE = frozenset({"doctor", "status", "status --json"})  # they may find more to complain of


def row(shell: str = 'exec "$@"', **more: object) -> Surrounding:
    return Surrounding(shell, **more)  # type: ignore[arg-type]


def homeless(shell: str = 'exec "$@"', *, fails: frozenset[str] = CHANGING | ALIKE, **more: object) -> Surrounding:
    return row(shell, is_homeless=True, fails=fails, looks_other=True, **more)


def environment(
    fails: frozenset[str] = frozenset(), *, says: str = "", looks_other: bool = False, **more: str | None
) -> Surrounding:
    return Surrounding(environment=more, fails=fails, says=says, looks_other=looks_other)


def dead(**more: str) -> Surrounding:
    """Python itself does not start."""
    return Surrounding(environment=more, fails=ALL - {"git commit"}, says=DEAD)


SURROUNDINGS: dict[str, Surrounding] = {
    # -- no room
    "a full home": row(around=full("home"), fails=CHANGING | ALIKE),
    "a full runtime directory": row(around=full("runtime")),
    "a full temporary directory": row(around=full("temporary")),
    "a full repository": row(around=full("work"), fails=HOOKS | {"git push", "git commit"}),
    "full disks all around": row(
        around=full("home", "runtime", "temporary", "work"), fails=CHANGING | ALIKE | HOOKS | {"git push", "git commit"}
    ),
    "/dev/full as stdout": row('exec "$@" > /dev/full', fails=PRINTING, is_unheard=True),
    "/dev/full as stderr": row('exec "$@" 2> /dev/full', is_unheard=True),
    "/dev/full as both": row('exec "$@" > /dev/full 2>&1', fails=PRINTING, is_unheard=True),
    # -- the home
    "a read-only home": row(mounted('read_only "$HOME"'), fails=CHANGING | ALIKE),
    "a read-only home, with bits that say otherwise": row('chmod -R a-w "$HOME"; ' + BOUND, fails=CHANGING | ALIKE),
    "nothing but read-only": row(
        mounted('mount -o remount,bind,ro /; read_only "$HOME/.." /tmp /var/tmp'), fails=WRITES | ALIKE | {"git push"}
    ),
    "a home that is closed": homeless('chmod 0 "$HOME"; ' + BOUND),
    "no home directory": homeless(environment={"HOME": NOWHERE}),
    "HOME not set": homeless('unset HOME; exec "$@"', around=by_passwd),
    "HOME empty": homeless(CHROOT.format('\'cd "$HERE"; HOME= exec "$@"\''), around=at_the_root_by_passwd),
    "HOME=/": row(CHROOT.format('\'cd "$HERE"; HOME=/ exec "$@"\''), around=at_the_root, looks_other=True),
    "HOME is a file": homeless(environment={"HOME": "{root}/work/.git/config"}),
    "HOME is /dev/null": homeless(environment={"HOME": "/dev/null"}),
    "HOME is relative": homeless(environment={"HOME": "home"}, around=by_passwd),
    "HOME is a link that leads to itself": homeless(
        'ln -s loop "$TMPDIR/loop"; HOME=$TMPDIR/loop exec "$@"', fails=NO_GIT
    ),
    "HOME is longer than a path may be": homeless(environment={"HOME": "/x" * 2100}, fails=NO_GIT),
    "HOME with a blank": row(around=moved("my home"), looks_other=True),
    "HOME with a line feed": row(around=moved("my\nhome"), looks_other=True),
    "HOME with quotes and a dollar sign": row(around=moved("my'\"$home;`x`"), looks_other=True),
    "HOME that is no UTF-8": row(around=moved("h\udcf6me"), looks_other=True),
    "HOME with a slash at its end": environment(HOME="{root}/home/", looks_other=True),
    # -- other directories
    "XDG_* not there": homeless(environment=dict.fromkeys(XDG, NOWHERE), fails=ALIKE),
    "XDG_* relative": homeless(environment=dict.fromkeys(XDG, "here"), fails=ALIKE),
    "XDG_* empty": homeless(environment=dict.fromkeys(XDG, ""), fails=ALIKE),
    "XDG_* files": homeless(environment=dict.fromkeys(XDG, "{root}/work/.git/config"), fails=ALIKE | CHANGING),
    "XDG_* not set": environment(**UNSET_XDG),
    "no TMPDIR": environment(TMPDIR=NOWHERE),
    "TMPDIR is a file": environment(TMPDIR="{root}/work/.git/config"),
    "TMPDIR is relative": environment(TMPDIR="."),
    "a current directory that is gone": row(
        'mkdir ../gone; cd ../gone; rmdir ../gone; exec "$@"',
        fails=NO_GIT,
        looks_other=True,
    ),
    "a current directory that is closed": row(
        "mkdir ../shut; cd ../shut; chmod 0 .; " + BOUND,
        fails=NO_GIT,
        looks_other=True,
    ),
    "/ as the current directory": row('cd /; exec "$@"', fails=HOOKS | {"git push", "git commit"}, looks_other=True),
    # -- terminals and words
    "TERM not set": environment(TERM=None),
    "TERM=dumb": environment(TERM="dumb"),
    "TERM unknown": environment(TERM="no-such-terminal"),
    **{f"COLUMNS={n}": environment(COLUMNS=n, LINES=n, looks_other=True) for n in ("0", "1", "-5", "9" * 30, "wide")},
    "NO_COLOR": environment(NO_COLOR="1"),
    "FORCE_COLOR": environment(FORCE_COLOR="1", CLICOLOR_FORCE="1"),
    **{
        f"LC_ALL={name}": environment(LC_ALL=name, says="bash: warning: setlocale")
        for name in ("C", "POSIX", "xx_YY.NOPE", "de_DE.ISO-8859-1", "")
    },
    "LC_ALL=C, and Python believes it": environment(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
    "no terminal at all": row('exec setsid --wait "$@"'),
    **{
        f"a terminal as {', '.join(('stdin', 'stdout', 'stderr')[int(n)] for n in which)}": row(
            terminal=which, looks_other=True, is_unheard="12" in which
        )
        for which in ("0", "1", "2", "01", "02", "12", "012")
    },
    # -- Python's own variables
    "PYTHONIOENCODING=ascii:strict": environment(PYTHONIOENCODING="ascii:strict"),
    "PYTHONIOENCODING=utf-16": environment(PYTHONIOENCODING="utf-16", looks_other=True),
    "PYTHONPATH empty": environment(PYTHONPATH=""),
    "PYTHONPATH is here": environment(PYTHONPATH=".:work::"),
    "PYTHONPATH is not there": environment(PYTHONPATH=NOWHERE),
    "PYTHONPATH is a file": environment(PYTHONPATH="{root}/work/.git/config"),
    "PYTHONSTARTUP": environment(PYTHONSTARTUP="{root}/work/.git/config"),
    "PYTHONWARNINGS=error": environment(PYTHONWARNINGS="error"),
    "PYTHONDEVMODE": environment(PYTHONDEVMODE="1"),
    "PYTHONOPTIMIZE=2": environment(PYTHONOPTIMIZE="2", looks_other=True),
    "PYTHONSAFEPATH": environment(PYTHONSAFEPATH="1"),
    "PYTHONDONTWRITEBYTECODE": environment(PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1", PYTHONFAULTHANDLER="1"),
    "PYTHONHOME, where Python does not start": dead(PYTHONHOME=NOWHERE),
    "PYTHONHASHSEED, where Python does not start": dead(PYTHONHASHSEED="nonsense"),
    "PYTHONIOENCODING, where Python does not start": dead(PYTHONIOENCODING="nonsense"),
    # -- the environment
    "PATH not set": homeless('unset PATH; exec "$@"', fails=CHANGING),
    "git not on PATH": homeless('PATH=/nowhere exec "$@"', fails=ALL - {"get"}),
    "next to nothing in the environment": homeless(
        'exec env -i $(env | grep -E "^(PATH|TMPDIR|HF_TOKEN|SSL_|GIT_SSL|GIT_CONFIG_)") "$@"', around=by_passwd
    ),
    "a variable that is no UTF-8": environment(LANG="\udcff\udcfe", HF_ODD="\udc80" * 100),
    "a variable of 100 kB": environment(HF_LONG="x" * 100_000),
    "TZ unknown": environment(TZ="Nowhere/At_All"),
    # -- descriptors
    "stdin closed": row('exec "$@" <&-', fails=OPERATIONS, looks_other=True),
    "stdout closed": row('exec "$@" >&-', fails=PRINTING, is_unheard=True),
    "stderr closed": row('exec "$@" 2>&-', is_unheard=True),
    "all closed": row('exec "$@" <&- >&- 2>&-', fails=PRINTING | OPERATIONS, is_unheard=True),
    "stdin is a directory, where Python does not start": row('exec "$@" < /', fails=ALL - GITS, says=DEAD),
    "stdin is /dev/zero": row('exec "$@" < /dev/zero', fails=OPERATIONS, looks_other=True),
    "stdin without an end": row('yes a=b | "$@"', fails=OPERATIONS, looks_other=True),
    "stdin without a line's end": row("yes | tr -d '\\n' | \"$@\"", fails=OPERATIONS, looks_other=True),
    "stdin that stays open": row('mkfifo "$TMPDIR/in"; exec 5<> "$TMPDIR/in"; cat >&5; exec "$@" <&5 5>&-'),
    "stdout that nobody reads": row('exec 3>&1; "$@" > >(exec 3>&- <&- >&-)', fails=PRINTING, is_unheard=True),
    "stdout that nobody reads, SIGPIPE ignored": row(
        'trap "" PIPE; "$@" > >(exec <&- >&-)', fails=PRINTING, is_unheard=True
    ),
    "stderr that nobody reads": row('"$@" 2> >(exec <&- >&-)', is_unheard=True),
    "SIGPIPE, SIGINT, SIGTERM and SIGHUP ignored": row('trap "" PIPE INT TERM HUP; exec "$@"'),
    "SIGCHLD ignored": row('exec env --ignore-signal=CHLD "$@"', fails=GITS),
    # -- limits
    "ulimit -n 16": row('ulimit -n 16; exec "$@"', fails=CHANGING | ASKING | HOOKS),
    "ulimit -n 6": row('ulimit -n 6; exec "$@"', fails=ALL - OPERATIONS, looks_other=True),
    "ulimit -f 0": row('ulimit -f 0; exec "$@"', fails=WRITES | {"git push"}, leaves=r"/\.git.*\.lock$"),
    "ulimit -s 128": row('ulimit -s 128; exec "$@"'),
    "umask 000": row('umask 000; exec "$@"'),
    "umask 777": row('umask 777; exec "$@"', fails=frozenset({"git clone"})),
    "umask 777, and bits count": row("umask 777; " + BOUND, fails=WRITES | ALIKE | GITS),
    "nice 19": row('exec nice -n 19 "$@"'),
    # -- the clock
    "the clock a year back": row('exec faketime "1 year ago" "$@"'),
    "the clock a year on": row('exec faketime "1 year" "$@"'),
    "the clock in 1970": row('exec faketime "1970-01-02 00:00:00" "$@"', fails=GITS | ASKING),
    "the clock in 2040": row('exec faketime "2040-01-01 00:00:00" "$@"'),
}
