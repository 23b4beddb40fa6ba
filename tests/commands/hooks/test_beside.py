"""Our hook runs first, whichever other hooks are installed, in whichever order."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amount import each_run, some
from programs import run

from git_credential_hf.hooks import install as hooks_install
from git_credential_hf.hooks.install import plan_install, plan_uninstall
from git_credential_hf.hooks.installed import inspect_hooks
from git_credential_hf.problem import Problem

from .conftest import CUSTOM, Bench, script, tree

FRAMEWORK = """repos:
- repo: local
  hooks:
  - id: here
    name: here
    language: system
    entry: sh -c 'echo framework >> "$LOG"'
    stages: [pre-push]
    always_run: true
    pass_filenames: false
"""


def framework(bench: Bench, *arguments: str) -> None:
    (bench.where / ".pre-commit-config.yaml").write_text(FRAMEWORK)
    bench.run(sys.executable, "-m", "pre_commit", "install", "--hook-type", "pre-push", *arguments)


def husky(bench: Bench) -> None:
    """Do what `npm install` does: run husky's `prepare`."""
    package, node = os.environ.get("GIT_CREDENTIAL_HF_TESTS_HUSKY"), shutil.which("node")
    if not package or not node:
        pytest.skip("no husky (GIT_CREDENTIAL_HF_TESTS_HUSKY), or no node")
    script(bench.where / ".husky/pre-push", 'echo "husky $*" >> "$LOG"\ncat >> "$LOG"\n', 0o644)
    assert not bench.run(node, Path(package, "bin.js")).stdout


def custom(bench: Bench) -> None:
    script(bench.where / ".git/hooks/pre-push", CUSTOM)


def tracked(bench: Bench) -> None:
    script(bench.where / ".githooks/pre-push", CUSTOM)
    bench.git("config", "core.hooksPath", ".githooks")


def lfs(*arguments: str) -> Callable[[Bench], object]:
    return lambda bench: bench.git("lfs", *arguments, check=False)


def install(bench: Bench) -> None:
    bench.install()


def again(bench: Bench) -> None:
    framework(bench)


def uninstall_framework(bench: Bench) -> None:
    bench.run(sys.executable, "-m", "pre_commit", "uninstall", "--hook-type", "pre-push")


# What is installed, in this order; which other hooks run then.
ARRANGEMENTS: dict[str, tuple[list[Callable[[Bench], object]], list[str]]] = {
    "alone": ([install], []),
    "lfs, ours": ([lfs("install"), install], []),
    "ours, lfs": ([install, lfs("install")], []),
    "ours, lfs update --force, ours": ([install, lfs("update", "--force"), install], []),
    "custom, ours, lfs update --force, ours": ([custom, install, lfs("update", "--force"), install], ["custom"]),
    "custom, ours": ([custom, install], ["custom"]),
    "framework, ours": ([framework, install], ["framework"]),
    "ours, framework": ([install, framework], ["framework"]),
    "ours, framework, ours": ([install, framework, install], ["framework"]),
    "framework, ours, framework": ([framework, install, framework], ["framework"]),
    "framework, ours, framework twice": ([framework, install, framework, again], ["framework"]),
    "lfs, framework, ours": ([lfs("install"), framework, install], ["framework"]),
    "lfs, framework, ours, framework": ([lfs("install"), framework, install, framework], ["framework"]),
    "lfs, ours, framework": ([lfs("install"), install, framework], ["framework"]),
    "custom, framework, ours": ([custom, framework, install], ["custom", "framework"]),
    "ours, framework, no framework": ([install, framework, uninstall_framework], []),
    "lfs, ours, framework, no framework": ([lfs("install"), install, framework, uninstall_framework], []),
    "tracked, ours": ([tracked, install], ["custom"]),
    "ours, tracked, ours": ([install, tracked, install], ["custom"]),
    "husky, ours": ([husky, install], ["husky"]),
    "ours, husky, ours": ([install, husky, install], ["husky"]),
    "husky, ours, husky, ours": ([husky, install, husky, install], ["husky"]),
}


@pytest.mark.parametrize("name", some(list(ARRANGEMENTS), 7))
def test_first(bench: Bench, name: str) -> None:
    """A refusal comes before all other hooks and git-lfs; otherwise each of them runs."""
    bench.repository()
    steps, expected = ARRANGEMENTS[name]
    for step in steps:
        step(bench)
    assert bench.state() == "installed"
    assert plan_install("local") == [], "nothing is left to do"
    bench.assert_checked_first()
    assert sorted(set(bench.logged("custom", "framework", "husky"))) == sorted(expected)


ROUND_TRIPS: dict[str, list[Callable[[Bench], object]]] = {
    "alone": [],
    "lfs": [lfs("install")],
    "custom": [custom],
    "framework": [framework],
    "lfs, framework": [lfs("install"), framework],
    "tracked": [tracked],
    "husky": [husky],
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_round_trip(bench: Bench, name: str) -> None:
    """Uninstalling restores every byte and mode of the hooks and the configuration."""
    where = bench.repository()
    for step in ROUND_TRIPS[name]:
        step(bench)
    before = tree(where)
    assert bench.state() == "absent"
    bench.install()
    assert tree(where) != before
    bench.uninstall()
    assert tree(where) == before
    assert bench.state() == "absent"


@pytest.mark.git_versions
def test_replaced_by_lfs(bench: Bench) -> None:
    """`git lfs update --force` replaces our hook: that is reported, and fixed without losing the original hook."""
    where = bench.repository()
    custom(bench)
    bench.install()
    bench.git("lfs", "update", "--force")
    assert inspect_hooks("local").state == "replaced"
    found = inspect_hooks("local").as_json()
    assert found["hooks"][0] == {  # type: ignore[index]
        "name": "pre-push",
        "state": "replaced",
        "path": str(where / ".git/hooks/pre-push"),
        "before": str(where / ".git/hooks/pre-push.before-hf"),
    }
    bench.install()
    assert bench.state() == "installed"
    assert (where / ".git/hooks/pre-push.before-hf").read_text() == CUSTOM


def test_replaced_by_another_hook(bench: Bench) -> None:
    """Of two other hooks, one from before, neither is lost; the problem names both, and its fix works."""
    where = bench.repository()
    custom(bench)
    bench.install()
    script(where / ".git/hooks/pre-push", "#!/bin/sh\necho other\n")
    before = tree(where)
    with pytest.raises(Problem) as caught:
        plan_install("local")
    assert str(where / ".git/hooks/pre-push") in caught.value.message
    assert "pre-push.before-hf" in caught.value.message
    with pytest.raises(Problem):
        plan_uninstall("local")
    assert tree(where) == before
    bench.run("sh", "-c", (caught.value.fix or "").partition(": ")[2])
    bench.install()
    assert bench.state() == "installed"


def test_uninstall_beside_another_hook(bench: Bench) -> None:
    """If another hook has taken the place of ours, the hint brings the older one back, and loses neither."""
    hooks = bench.repository() / ".git/hooks"
    custom(bench)
    bench.install()
    another = script(hooks / "pre-push", "#!/bin/sh\n# of another tool\n").read_text()
    with pytest.raises(Problem, match="is the original one") as caught:
        bench.uninstall()
    bench.run("sh", "-c", (caught.value.fix or "").partition(": ")[2])
    assert ((hooks / "pre-push").read_text(), (hooks / "pre-push.old").read_text()) == (CUSTOM, another)
    bench.uninstall()
    assert bench.state() == "absent"


def test_framework_over_ours_and_back(bench: Bench) -> None:
    """Uninstalled from under pre-commit, our hook leaves that as it would be without us."""
    where = bench.repository()
    bench.install()
    framework(bench)
    bench.uninstall()
    assert not (where / ".git/hooks/pre-push.legacy").exists()
    assert "pre-commit.com" in (where / ".git/hooks/pre-push").read_text()
    bench.commit()
    assert bench.push(1).returncode == 0
    assert "check" not in bench.logged()
    assert "framework" in bench.logged()


def test_framework_with_force(bench: Bench) -> None:
    """`pre-commit install -f` removes our hook; installing again puts it back before that one."""
    bench.repository()
    framework(bench)
    bench.install()
    framework(bench, "-f")
    assert bench.state() != "installed"
    bench.install()
    bench.assert_checked_first()
    assert bench.logged("framework")


def test_husky_again(bench: Bench) -> None:
    """`npm install` runs husky, which sets `core.hooksPath` again, or for the first time: its hooks run after ours."""
    where = bench.repository()
    husky(bench)
    before = tree(where)
    bench.install()
    shutil.rmtree(where / ".husky/_")
    husky(bench)
    assert bench.state() == "installed"
    bench.assert_checked_first()
    assert bench.logged("husky")
    shutil.rmtree(where / ".git/lfs")
    bench.git("config", "--remove-section", "lfs")
    bench.uninstall()
    assert {path: what for path, what in tree(where).items() if path in before and "/.git/" not in path} == {
        path: what for path, what in before.items() if "/.git/" not in path
    }
    assert bench.git("config", "core.hooksPath").stdout.strip() == ".husky/_"


@pytest.mark.parametrize("steps", ["framework, ours", "ours, framework", "framework, ours, framework"])
def test_framework_at_commit(bench: Bench, steps: str) -> None:
    """A commit is checked first, once, and pre-commit runs after that, once."""
    bench.repository()
    (bench.where / ".pre-commit-config.yaml").write_text(FRAMEWORK.replace("pre-push", "pre-commit"))
    for step in steps.split(", "):
        if step == "ours":
            bench.install()
        else:
            bench.run(sys.executable, "-m", "pre_commit", "install")
    bench.git("add", ".")
    bench.git("commit", "--message", "x")
    assert bench.logged() == ["check", "framework"]
    bench.answers(1)
    assert bench.git("commit", "--allow-empty", "--message", "x", check=False).returncode != 0


NAMES = {
    "its own name": '#!/bin/sh\necho "custom $(basename "$0")" >> "$LOG"\n',
    "a directory": '#!/bin/sh\nfor hook in "$0".d/*; do "$hook" "$@"; done\n',
}


@pytest.mark.parametrize("name", NAMES)
def test_name(bench: Bench, name: str) -> None:
    """A hook that uses its own name keeps it, and finds the files beside it."""
    where = bench.repository()
    script(where / ".git/hooks/pre-push", NAMES[name])
    script(where / ".git/hooks/pre-push.d/one", '#!/bin/sh\necho "custom pre-push" >> "$LOG"\n')
    before = tree(where / ".git/hooks")
    bench.install()
    bench.assert_checked_first()
    assert "custom pre-push" in bench.log.read_text().splitlines()
    bench.uninstall()
    assert tree(where / ".git/hooks") == before
    assert "hooksPath" not in (where / ".git/config").read_text()


@pytest.mark.parametrize("arrangement", ["beside", "core.hooksPath"])
def test_arguments_and_status(bench: Bench, arrangement: str) -> None:
    """The existing hook gets git's arguments and input, and its exit status decides."""
    where = bench.repository()
    hook = f"""#!{sys.executable}
import os, sys
open(os.environ["LOG"] + ".raw", "wb").write(sys.stdin.buffer.read())
open(os.environ["LOG"], "a").write("custom " + " ".join(sys.argv[1:]) + "\\n")
sys.exit(7)
"""
    folder = where / ".git/hooks"
    if arrangement == "core.hooksPath":
        folder = where / ".githooks"
        bench.git("config", "core.hooksPath", ".githooks")
    script(folder / "pre-push", hook)
    bench.install()
    bench.commit()
    done = bench.push()
    assert done.returncode != 0
    head = bench.git("rev-parse", "HEAD").stdout.strip()
    assert f"custom origin file://{bench.remote}" in bench.log.read_text()
    assert Path(f"{bench.log}.raw").read_text() == f"HEAD {head} refs/heads/main {'0' * 40}\n"
    assert bench.logged() == ["check", "custom"]
    assert bench.uploaded() == 0


def test_binary(bench: Bench) -> None:
    """A hook may be a program of any kind."""
    where = bench.repository()
    shutil.copy(shutil.which("false") or "", where / ".git/hooks/pre-push")
    bench.install()
    bench.commit()
    assert bench.push().returncode != 0
    assert bench.logged() == ["check"]


def test_does_not_read(bench: Bench) -> None:
    """Hooks that do not read their input cause no messages, however long that is."""
    where = bench.repository()
    script(where / ".git/hooks/pre-push", "#!/bin/sh\nexit 0\n")
    script(bench.folder / "bin/git-credential-hf", "#!/bin/sh\nexit 0\n")
    bench.install()
    bench.commit()
    bench.push()
    lines = "".join(f"create refs/tags/{'t' * 100}{number} HEAD\n" for number in range(400))
    (where / "refs").write_text(lines)
    bench.run("sh", "-c", "git update-ref --stdin < refs")
    done = bench.push(0, "--tags", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


def test_disabled_before(bench: Bench) -> None:
    """A hook that is not executable, which git ignores, stays ignored, and is restored."""
    where = bench.repository()
    script(where / ".git/hooks/pre-push", CUSTOM + "git lfs pre-push\nexit 1\n", 0o644)
    before = tree(where)
    bench.install()
    bench.assert_checked_first()
    assert not bench.logged("custom")
    bench.uninstall()
    path = str(where / ".git/hooks/pre-push")
    assert tree(where)[path] == before[path]


def test_symbolic_link(bench: Bench) -> None:
    """A hook that is a symbolic link stays one, and may be broken."""
    where = bench.repository()
    script(where / "scripts/push", CUSTOM)
    (where / ".git/hooks/pre-push").symlink_to("../../scripts/push")
    (where / ".git/hooks/pre-commit").symlink_to("nowhere")
    before = tree(where)
    bench.install()
    assert os.readlink(where / ".git/hooks/pre-push.before-hf") == "../../scripts/push"
    bench.uninstall()
    assert tree(where) == before
    bench.install()
    bench.assert_checked_first()
    assert bench.logged("custom")
    bench.git("commit", "--allow-empty", "--message", "x")


@pytest.mark.git_versions(each_run=1)
def test_nested_push(bench: Bench) -> None:
    """A push made by a hook is checked as well."""
    where = bench.repository()
    bench.git("init", "--quiet", "--bare", bench.folder / "mirror.git")
    bench.git("remote", "add", "mirror", bench.folder / "mirror.git")
    hook = '#!/bin/sh\n[ "$1" = mirror ] || git push --quiet mirror HEAD:refs/heads/main\n'
    script(where / ".git/hooks/pre-push", hook)
    bench.install()
    bench.commit()
    assert bench.push().returncode == 0
    lines = [line for line in bench.log.read_text().splitlines() if line.startswith("check")]
    assert [line.split()[3] for line in lines] == ["origin", "mirror"]


def test_recursion(bench: Bench) -> None:
    """Another hook that runs ours, which runs it as the existing one, does not loop."""
    where = bench.repository()
    other = '#!/bin/sh\necho custom >> "$LOG"\nHERE=$(dirname "$0")\n"$HERE/kept" "$@"\n'
    script(where / ".git/hooks/pre-push", other)
    bench.install()
    shutil.move(where / ".git/hooks/pre-push", where / ".git/hooks/kept")
    shutil.copy(where / ".git/hooks/pre-push.before-hf", where / ".git/hooks/pre-push")
    bench.commit()
    assert bench.push().returncode == 0
    assert bench.logged("check") == ["check"]


@pytest.mark.git_versions
@pytest.mark.parametrize("answer", [1, 130])
def test_commit(bench: Bench, answer: int) -> None:
    """A commit is refused before the existing hook runs; otherwise that runs, and its exit status counts."""
    where = bench.repository()
    script(where / ".git/hooks/pre-commit", CUSTOM)
    bench.install()
    bench.commit()
    bench.answers(answer)
    assert bench.git("commit", "--allow-empty", "--message", "x", check=False).returncode != 0
    assert bench.logged() == ["check"]
    bench.answers(0)
    bench.git("commit", "--allow-empty", "--message", "x")
    assert bench.logged() == ["check", "check", "custom"]


@pytest.mark.parametrize("how", ["gone", "does not start", "too old", "crashes", "is killed"])
def test_program_does_not_run(bench: Bench, how: str) -> None:
    """If the program does not run, there is one warning, and pushes go on, with their LFS objects."""
    bench.repository()
    program = bench.folder / "bin/git-credential-hf"
    others = [d for d in os.environ["PATH"].split(os.pathsep) if Path(d, program.name).exists()][1:]
    path = os.pathsep.join(d for d in os.environ["PATH"].split(os.pathsep) if d not in others)
    bench.install()
    if how == "gone":
        program.unlink()
    elif how == "does not start":
        script(program, "#!/nowhere/python\n")
    elif how in ("crashes", "is killed"):  # by the system, out of memory
        signal = {"crashes": "SEGV", "is killed": "KILL"}[how]
        script(program, f'#!/bin/sh\n[ "$1" = capability ] || kill -{signal} $$\n')
    else:
        script(program, "#!/bin/sh\nexit 2\n")
    bench.commit()
    done = bench.push(0, PATH=path)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "warning" in line] == [
        f"git-credential-hf: warning: {program} does not run, so this push was not checked"
    ]
    assert bench.uploaded() == 1


REMOVED = {
    "in the repository": ("local", None, False),
    "beside a hook": ("local", None, True),
    "beside husky's": ("local", ".husky/it's", True),
    "of the account": ("global", None, True),
    "of the account, beside others": ("global", "{home}/my hooks", True),
}


PASTED = [(how, shell) for shell in ("sh", "bash", "zsh", "fish") for how in REMOVED]


# Each way in one shell, and what has to be quoted in each shell.
@pytest.mark.parametrize(
    ("how", "shell"), each_run(PASTED, *PASTED[:5], *(row for row in PASTED if row[0] == "beside husky's"))
)
def test_last_words(how: str, shell: str, bench: Bench, home: Path) -> None:
    """If the program is gone, each hook names a command that removes it, and pushes go on as before it."""
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    scope, path, has_hook = REMOVED[how]
    where = bench.repository("it's a place")
    hooks = where / ".git/hooks"
    if path is not None:
        path = path.format(home=home)
        bench.git("config", f"--{scope}", "core.hooksPath", path)
        hooks = where / path
    if has_hook:
        script(hooks / "pre-push", CUSTOM)
    bench.install(scope)
    (bench.folder / "bin/git-credential-hf").unlink()
    bench.commit()
    for name in ("pre-commit", "pre-push"):
        bench.log.write_text("")
        done = bench.git("commit", "--allow-empty", "--message=x") if name == "pre-commit" else bench.push()
        assert done.returncode == 0, done.stderr
        said = [line for line in done.stderr.splitlines() if line.startswith("git-credential-hf: ")]
        if not said and name == "pre-push" and (path or scope == "global"):
            continue  # removing one has removed both
        assert len(said) == 2 and "warning: " in said[0], done.stderr
        start, command, end = said[1].split("`")
        assert (start, end) == ("git-credential-hf: hint: install it again, or remove this hook with ", "")
        run(shell, "-c", command, cwd=home)
        done = bench.git("commit", "--allow-empty", "--message=x") if name == "pre-commit" else bench.push()
        assert (done.returncode, "git-credential-hf" in done.stderr) == (0, False), done.stderr
    bench.commit()
    done = bench.push()
    assert (done.returncode, "git-credential-hf" in done.stderr) == (0, False), done.stderr
    assert bench.logged("custom") == ["custom"] * has_hook


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
@pytest.mark.parametrize("value", ["off", "0", "No", "FALSE"])
def test_turned_off_without_the_program(value: str, shell: str, bench: Bench) -> None:
    """`GIT_CREDENTIAL_HF_HOOKS=off` starts no program, so one that is gone is not missed; the next hook runs."""
    if not shutil.which(shell.split()[0]):
        pytest.skip(f"no {shell}")
    hooks = bench.repository() / ".git/hooks"
    for name in ("pre-push", "pre-commit"):
        script(hooks / name, CUSTOM)
    bench.install()
    for name in ("pre-push", "pre-commit"):
        text = (hooks / name).read_text()
        script(hooks / name, text.replace("#!/bin/sh", f"#!{shutil.which(shell.split()[0])} {shell[7:]}".rstrip(), 1))
    off: dict[str, Any] = {"GIT_CREDENTIAL_HF_HOOKS": value}
    for _ in range(2):
        bench.log.write_text("")
        done = [bench.git("commit", "--allow-empty", "--message=x", **off), bench.push(1, **off)]
        assert [(d.returncode, "git-credential-hf" in d.stderr) for d in done] == [(0, False)] * 2
        assert bench.logged("check", "custom") == ["custom"]
        (bench.folder / "bin/git-credential-hf").unlink(missing_ok=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
def test_hooks_of_another_user(shell: str, bench: Bench) -> None:
    """In a repository that several users share, only who has installed the hooks hears that the program is gone.

    For the others it may be out of reach: theirs is used, if they have one.
    """
    if not shutil.which(shell.split()[0]):
        pytest.skip(f"no {shell}")
    hooks = bench.repository() / ".git/hooks"
    bench.install()
    for name in ("pre-push", "pre-commit"):
        text = (hooks / name).read_text()
        script(hooks / name, text.replace("#!/bin/sh", f"#!{shutil.which(shell.split()[0])} {shell[7:]}".rstrip(), 1))
        os.chown(hooks / name, 65534, 65534)
    (bench.folder / "bin/git-credential-hf").rename(bench.folder / "away")
    path = "/usr/bin:/bin"
    done = [bench.git("commit", "--allow-empty", "--message=x", PATH=path), bench.push(1, PATH=path)]
    assert [(d.returncode, "git-credential-hf" in d.stderr) for d in done] == [(0, False)] * 2
    (bench.folder / "theirs").mkdir()
    (bench.folder / "away").rename(bench.folder / "theirs/git-credential-hf")
    bench.log.write_text("")
    bench.answers(1)
    assert bench.git(
        "commit", "--allow-empty", "--message=x", check=False, PATH=f"{bench.folder}/theirs:{path}"
    ).returncode
    assert bench.logged("check") == ["check"]


ODD_NAMES = {
    "backslashes": "x\\012git-credential-hf: hint: y\\033[31m\\c",
    "only a backslash": "a\\tb",
    "backtick": "a`b",
    "blanks": "a" + 200 * " " + "b",
    "newline": "a\nb",
    "our prefix": "git-credential-hf: hint: y",
    "direction": "a\u202eb",
    "invisible": "a\u200bb",
    "C1": "a\x9bb",
}


ODD = [(name, shell) for shell in ("dash", "bash", "busybox") for name in ODD_NAMES]


# Each name in one shell, and those that shells' own `echo` and `printf` read differently in the others.
@pytest.mark.parametrize(("name", "shell"), each_run(ODD, *ODD[:9], *(row for row in ODD if row[0] == "backslashes")))
def test_last_words_are_text(name: str, shell: str, bench: Bench, tmp_path: Path) -> None:
    """What is in a path makes no line, no end of a command and nothing unseen of the last words of a hook."""
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    where = bench.repository(ODD_NAMES[name])
    bench.install()
    program = bench.folder / "bin/git-credential-hf"
    program.unlink()
    for hook in ("pre-commit", "pre-push"):
        path = where / ".git/hooks" / hook
        text = path.read_text().replace("#!/bin/sh", f"#!{shutil.which(shell)}{' sh' * (shell == 'busybox')}")
        path.write_text(re.sub("(?m)^hf=.*$", lambda _: f"hf='{where}/gone'", text))
    done = [bench.git("commit", "--allow-empty", "--message=x"), bench.push()]
    done.append(bench.run(path, "a", "b", GIT_DIR=".git"))
    for printed, what in zip(done, ("commit", "push", "push"), strict=True):
        said = [line for line in printed.stderr.splitlines() if "git-credential-hf" in line]
        is_text = name == "only a backslash"
        shown = f"{where}/gone" if is_text else "git-credential-hf"
        assert said[0] == f"git-credential-hf: warning: {shown} does not run, so this {what} was not checked"
        assert len(said) == 2
        start, command, _ = said[1].split("`")
        assert start.startswith("git-credential-hf: hint: install it again, or remove this hook ")
        if printed is done[2] or what == "commit":
            assert (command == "git rev-parse --git-path hooks") != is_text
        if is_text:
            assert Path(shlex.split(command)[1]).exists() or not command.startswith("rm /")
        assert not {c for c in printed.stderr if not (c.isprintable() or c == "\n")}


@pytest.mark.parametrize("kind", ["has a hook", "has none"])
@pytest.mark.parametrize("scope", ["local", "global"])
def test_nothing_of_the_repository_is_run(scope: str, kind: str, bench: Bench, home: Path) -> None:
    """A relative entry of PATH leads to no program that our hooks start; a hook of the user has all of PATH."""
    where = bench.repository()
    for name in ("pre-push", "commit-msg", "post-commit"):
        if kind == "has a hook":
            script(where / ".git/hooks" / name, f'#!/bin/sh\necho "$PATH" >> {home}/paths\n/bin/cat > /dev/null\n')
    bench.install(scope)
    # git-lfs itself finds `git-lfs` by PATH for a remote that is a directory.
    unless = '[ "$1" != standalone-file ] || exec "$REAL_GIT_LFS" "$@"'
    for bait in ("cat", "grep", "sed", "git", "git-lfs", "env", "printf", "git-credential-hf", "tr", "test"):
        for folder in (where, where / "bin"):
            script(folder / bait, f"#!/bin/sh\n{unless}\necho {bait} >> {home}/ran\n")
    path = f":bin:.::{os.environ['PATH']}:./bin:"
    bench.answers(0)
    real = shutil.which("git") or ""
    bench.commit()
    bench.log.write_text("")
    (home / "paths").write_text("")
    no_filters = (
        "-c",
        "filter.lfs.process=",
        "-c",
        "filter.lfs.clean=",
        "-c",
        "filter.lfs.required=false",
    )  # git's own
    for command in ([*no_filters, "commit", "--allow-empty", "--message=x"], ["push", "origin", "HEAD:main"]):
        if kind == "has none" and scope == "global":
            shutil.rmtree(where / ".git/hooks", ignore_errors=True)  # git-lfs's own, which trust PATH
        bench.run(real, *command, PATH=path)
    assert not (home / "ran").exists(), (home / "ran").read_text()
    assert {"check", "lfs"} <= set(bench.logged())
    if kind == "has a hook":
        paths = (home / "paths").read_text().splitlines()
        assert len(paths) >= 3
        assert all(found.endswith(path) for found in paths)


def test_path_of_the_program(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hooks contain the path of the program, whatever characters that has."""
    bench.repository()
    program = script(
        bench.folder / "it's a place/git-credential-hf", (bench.folder / "bin/git-credential-hf").read_text()
    )
    (bench.folder / "bin/git-credential-hf").unlink()
    path = [d for d in os.environ["PATH"].split(os.pathsep) if not Path(d, "git-credential-hf").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    monkeypatch.setattr(sys, "argv", [str(program)])
    bench.install()
    bench.assert_checked_first()


def test_upgrade(bench: Bench) -> None:
    """An older version of our hook is replaced, and does not become the existing hook."""
    where = bench.repository()
    bench.install()
    hook = where / ".git/hooks/pre-push"
    hook.write_text(hook.read_text().replace("name=pre-push\n", "name=pre-push # older\n"))
    assert "older" in hook.read_text()
    bench.install()
    assert "older" not in hook.read_text()
    assert not Path(f"{hook}.before-hf").exists()


def test_by_hand(bench: Bench) -> None:
    """The scripts work as they are, copied into a repository."""
    where = bench.repository()
    shutil.copy(Path(hooks_install.__file__).parent / "scripts/pre-push", where / ".git/hooks/pre-push")
    bench.assert_checked_first()
