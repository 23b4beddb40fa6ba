#!/bin/sh
# shellcheck disable=SC2016,SC2088 # backquotes and tildes in messages are for the reader
#
# The usage, printed by --help also where the script arrives through a pipe and there is no file to read.
usage() {
    cat <<'EOF'
Installs git-credential-hf for this account, upgrades it, or removes it.

usage: ./install.sh [options]                from a checkout
       sh -s -- [options] <install.sh        through a pipe: from PyPI

  --prefix DIR     DIR/bin/git-credential-hf is the command (default: ~/.local)
  --no-configure   leave git's configuration alone (with --uninstall, too)
  --hooks          let git call the hooks as well (git-credential-hf configure --hooks)
  --uninstall      take it out of git's configuration and remove it
  --dry-run        print the plan and change nothing
  --help           this text

What it does: makes an environment of its own in DIR/share/git-credential-hf, with uv, pipx or venv,
whichever is there first; links git-credential-hf into DIR/bin, and hf where there is none on PATH;
links the manual page and the completions for bash, zsh and fish below DIR/share;
runs `git-credential-hf configure`; ends with `git-credential-hf status` and the next step. It needs git and
Python 3.10 with venv; root gets what is missing from apt-get, dnf or apk (and keeps it after --uninstall),
anybody else is told the command. A second run upgrades. If anything fails, everything is as it was.

exit status: 0 done, 1 failed or refused, 2 wrong usage
EOF
}

# Everything below is a function until the last line, so that half a download does nothing.
set -eu

say() {
    printf '%s\n' "$*"
}

warn() {
    printf 'install.sh: warning: %s\n' "$1" >&2
}

# err WHAT [REMEDY] stops. The trap set in `install` undoes what was begun.
err() {
    printf 'install.sh: error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'install.sh: hint: %s\n' "$2" >&2
    exit 1
}

misuse() {
    printf 'install.sh: error: %s\n' "$1" >&2
    printf 'install.sh: hint: see `install.sh --help`\n' >&2
    exit 2
}

has() {
    command -v "$1" >/dev/null 2>&1
}

need() {
    has "$1" || err "$1 is not on PATH"
}

there() {
    [ -e "$1" ] || [ -L "$1" ]
}

main() {
    prefix='' configure=yes hooks=no uninstall=no dry_run=no
    while [ $# -gt 0 ]; do
        case $1 in
        --prefix)
            [ $# -ge 2 ] || misuse '--prefix needs a directory'
            prefix=$2
            [ -n "$prefix" ] || misuse '--prefix needs a directory'
            shift
            ;;
        --prefix=*)
            prefix=${1#--prefix=}
            [ -n "$prefix" ] || misuse '--prefix needs a directory'
            ;;
        --no-configure) configure=no ;;
        --hooks) hooks=yes ;;
        --uninstall) uninstall=yes ;;
        --dry-run) dry_run=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) misuse "unknown argument: $1" ;;
        esac
        shift
    done
    [ "$hooks$configure" != yesno ] || misuse '--hooks and --no-configure exclude each other'
    [ "$hooks$uninstall" != yesyes ] || misuse '--hooks and --uninstall exclude each other'

    # Through a pipe, standard input is this script: nothing that runs below may read it.
    [ -t 0 ] || exec </dev/null

    for tool in cat chmod date grep id ln ls mkdir mv readlink rm rmdir sed tail uname; do
        need "$tool"
    done
    [ -n "${HOME:-}" ] || err 'HOME is not set' 'run `HOME=/your/home ./install.sh`'
    [ -d "$HOME" ] || err "HOME is not a directory: $HOME"
    refuse_borrowed_home

    # Python, pip and uv must do as this script says, whatever the account's other environments want of
    # them. Indexes, proxies and certificates are the account's own business and stay.
    unset PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV CDPATH
    unset PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_REQUIREMENT PIP_EDITABLE PIP_GROUP
    unset PIP_DRY_RUN PIP_NO_DEPS PIP_NO_COMPILE PIP_REQUIRE_VIRTUALENV PIP_REPORT PIP_QUIET PIP_VERBOSE
    unset UV_PYTHON UV_SYSTEM_PYTHON UV_TARGET UV_PREFIX UV_PROJECT_ENVIRONMENT UV_VENV_CLEAR UV_NO_DEPS

    locate "${prefix:-$HOME/.local}"
    # What root installs outside of its home is for others, too, be root's umask 077; there is no secret in it.
    if [ "$(id -u)" = 0 ]; then
        case $prefix/ in "$(cd -P -- "$HOME" && pwd -P)"/*) ;; *) umask 022 ;; esac
    fi
    if [ "$uninstall" = yes ]; then
        uninstall
    else
        install
    fi
}

# `sudo ./install.sh` with the HOME of whoever called would fill it with files of root.
refuse_borrowed_home() {
    [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] || return 0
    # shellcheck disable=SC2012 # the third column of `ls -n` is the owner on every system, and stat(1) differs
    owner=$(ls -ldn "$HOME/." | sed 's/^[^ ]* *[0-9]* *\([0-9]*\) .*/\1/')
    [ "$owner" = 0 ] || err "HOME is $HOME and belongs to another user than root" 'run it without sudo'
}

# Where everything is. The prefix is made absolute and physical, so that a second run, by whatever
# spelling, finds what the first one made.
locate() {
    case $1 in
    /*) prefix=$1 ;;
    *) prefix=$PWD/$1 ;;
    esac
    rest=''
    while [ ! -d "$prefix" ]; do
        ! there "$prefix" || err "not a directory: $prefix"
        rest=/${prefix##*/}$rest
        prefix=${prefix%/*}
        prefix=${prefix:-/}
        case $rest in /. | /.. | /./* | /../*) misuse "no such directory: $prefix$rest" ;; esac
    done
    existing=$(cd -P -- "$prefix" && pwd -P) || err "cannot enter $prefix"
    prefix=${existing%/}${rest%/}
    # venv refuses a colon; the other characters have no spelling in the launcher's first lines.
    case $prefix in
    '') misuse '--prefix must not be /' ;;
    *[\\\':[:cntrl:]]*) misuse "--prefix must not contain a colon, a quote, a backslash or a control character" ;;
    esac
    bin=$prefix/bin
    share=$prefix/share/git-credential-hf
    record=$share/made # ours; lists the directories that install.sh made
    command=$bin/git-credential-hf
    # Where man, bash, zsh and fish look for what belongs to a command in DIR/bin.
    documents='share/man/man1/git-credential-hf.1
share/bash-completion/completions/git-credential-hf
share/zsh/site-functions/_git-credential-hf
share/fish/vendor_completions.d/git-credential-hf.fish'
}

# A link is ours when it leads to its like in an environment below share, whether that is still there or not.
ours() {
    [ -L "$1" ] || return 1
    case $(readlink "$1") in "$share"/env-*/"${1#"$prefix"/}") return 0 ;; esac
    return 1
}

# What runs when somebody types $1, without what we linked ourselves.
elsewhere() {
    found=''
    old_ifs=$IFS
    IFS=:
    set -f
    for directory in $PATH; do
        candidate=${directory:-.}/$1
        if [ -f "$candidate" ] && [ -x "$candidate" ] && ! same_directory "${directory:-.}" "$bin"; then
            found=$candidate
            break
        fi
    done
    set +f
    IFS=$old_ifs
    [ -n "$found" ]
}

same_directory() {
    [ "$1" != "$2" ] || return 0
    [ "$(cd -P -- "$1" 2>/dev/null && pwd -P)" = "$(cd -P -- "$2" 2>/dev/null && pwd -P || echo "$2")" ]
}

on_path() {
    old_ifs=$IFS
    IFS=:
    set -f
    answer=1
    for directory in $PATH; do
        if [ -n "$directory" ] && same_directory "$directory" "$bin"; then
            answer=0
            break
        fi
    done
    set +f
    IFS=$old_ifs
    return $answer
}

# ---------------------------------------------------------------------------------------------- install

install() {
    refuse_what_is_not_ours
    choose_source
    choose_tool
    look_for_git
    find_packages
    choose_hf
    print_plan
    [ "$dry_run" = no ] || exit 0

    if [ -n "$packages" ]; then
        install_packages
    fi

    env='' child='' switched=no began_to_configure=no made='' first=yes old_command='' old_hf=''
    if [ -e "$record" ]; then made=$(cat "$record"); fi
    if ours "$command"; then old_command=$(readlink "$command"); fi
    if ours "$bin/hf"; then old_hf=$(readlink "$bin/hf"); fi
    for old in "$share"/env-*; do
        if [ -d "$old" ] && [ ! -e "$old/unfinished" ]; then first=no; fi
    done
    trap undo EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP

    make_environment
    switch
    configure_git
    keep

    trap - EXIT INT TERM HUP
    finish
}

refuse_what_is_not_ours() {
    if there "$command" && ! ours "$command"; then
        err "$command is not install.sh's, and it does not overwrite it" \
            'remove it the way it was installed, or choose another place with `--prefix DIR`'
    fi
    if [ ! -e "$record" ]; then
        for file in "$share"/* "$share"/.[!.]*; do
            there "$file" || continue
            err "$share is not install.sh's, and there are files in it" 'choose another place with `--prefix DIR`'
        done
    fi
    for file in "$share"/env-*/unfinished; do
        [ -e "$file" ] || continue
        pid=$(cat "$file")
        if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
            err "another install.sh (process $pid) is at work in $share" 'wait until it has ended'
        fi
    done
    for place in "$bin" "$share"; do
        while [ ! -d "$place" ]; do
            ! there "$place" || err "not a directory: $place"
            place=${place%/*}
        done
        if [ ! -w "$place" ] || [ ! -x "$place" ]; then
            err "no permission to write in $place" 'choose another place with `--prefix DIR`'
        fi
    done
}

# A checkout when this script was run as the file that lies in one; PyPI otherwise.
choose_source() {
    source=git-credential-hf
    case $0 in
    install.sh | */install.sh)
        case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
        here=$(cd -P -- "${here:-/}" && pwd -P)
        if [ -f "$here/install.sh" ] && grep -q '^name = "git-credential-hf"' "$here/pyproject.toml" 2>/dev/null; then
            source=$here
        fi
        ;;
    esac
}

choose_tool() {
    tool=venv
    if runs uv; then
        tool=uv
    elif runs pipx; then
        tool=pipx
    fi
    find_python
}

runs() {
    has "$1" && "$1" --version >/dev/null 2>&1
}

# Sets `python` to the first Python that will do and `python_version`; or, where there is none, `nearly`
# to the name of one that has no venv, or `too_old` to the version of one that is.
find_python() {
    python='' python_version='' nearly='' too_old=''
    # python3 first: it is the one that the account, or the system, has chosen.
    for name in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
        if ! has "$name" || apple_stub "$name"; then continue; fi
        # The names of version managers may be there and lead nowhere: only running it tells.
        answer=$("$name" -I -B -c '
import sys
print("%d.%d.%d" % sys.version_info[:3])
if sys.version_info < (3, 10):
    sys.exit(3)
try:
    import venv, ensurepip
except ImportError:
    print("no venv")
else:
    print("venv")
print(sys.executable)' 2>/dev/null </dev/null) || {
            [ $? -ne 3 ] || too_old=${too_old:-$answer}
            continue
        }
        executable=${answer#*
}
        verdict=${executable%%
*}
        executable=${executable#*
}
        if [ "$verdict" = venv ] || [ "$tool" = uv ]; then
            python=$executable
            python_version=${answer%%
*}
            return
        fi
        nearly=${nearly:-$name}
    done
}

# On a Mac without the command line tools, /usr/bin/git and /usr/bin/python3 open a dialogue and do nothing else.
apple_stub() {
    [ "$(uname -s)" = Darwin ] || return 1
    case $(command -v "$1") in /usr/bin/*) ! xcode-select -p >/dev/null 2>&1 ;; *) return 1 ;; esac
}

look_for_git() {
    git_there=no
    if has git && ! apple_stub git; then git_there=yes; fi
}

# Sets `packages` to what has to come from the system's package manager; stops where that is not ours to do.
find_packages() {
    packages='' lacking='' installer=''
    for name in apt-get dnf apk brew; do
        if has "$name"; then
            installer=$name
            break
        fi
    done
    if [ "$git_there" = no ]; then
        lacking='git'
        packages='git'
        # git only recommends it, and has no https without
        [ "$installer" != apt-get ] || packages='git ca-certificates'
    fi
    if [ -z "$python" ] && [ "$tool" != uv ]; then
        lacking=${lacking:+$lacking and }
        if [ -n "$nearly" ]; then
            lacking="${lacking}the venv module of $nearly"
            python_packages=python3
            [ "$installer" != apt-get ] || python_packages=$nearly-venv
        else
            lacking="${lacking}Python 3.10 or newer"
            python_packages=python3
            [ "$installer" != apt-get ] || python_packages='python3 python3-venv'
            [ "$installer" != brew ] || python_packages=python
        fi
        if [ -n "$too_old" ] && [ -z "$nearly" ]; then
            lacking="$lacking (python3 is $too_old)"
            case $installer in
            dnf) python_packages=python3.12 ;; # beside the system's own, where that is older
            brew) ;;
            *) err "missing: $lacking" 'install one, or uv, which brings its own, and run this again' ;;
            esac
        fi
        packages=${packages:+$packages }$python_packages
    fi
    [ -n "$packages" ] || return 0

    case $installer in
    apt-get) remedy="apt-get update && apt-get install -y --no-install-recommends $packages" ;;
    dnf) remedy="dnf install -y $packages" ;;
    apk) remedy="apk add --update-cache $packages" ;;
    brew) err "missing: $lacking" "run \`brew install $packages\`, then this again" ;;
    *)
        [ "$(uname -s)" != Darwin ] || err "missing: $lacking" 'run `xcode-select --install`, or install Homebrew and run this again'
        err "missing: $lacking" 'install it with the package manager of this system and run this again'
        ;;
    esac
    if [ "$(id -u)" != 0 ]; then
        for name in sudo doas; do
            has "$name" || continue
            [ "$installer" != apt-get ] || remedy="apt-get update && $name ${remedy#*&& }"
            err "missing: $lacking" "run \`$name $remedy\`, then this again"
        done
        err "missing: $lacking" "run \`$remedy\` as root, then this again"
    fi
}

choose_hf() {
    link_hf=no
    if ours "$bin/hf"; then
        link_hf=yes
    elif ! there "$bin/hf" && ! elsewhere hf; then
        link_hf=yes
    fi
}

print_plan() {
    from=PyPI
    [ "$source" = git-credential-hf ] || from=$source
    case $tool,$python in
    uv,) with='uv and the Python that it finds or brings' ;;
    *,) with="$tool and the Python that $installer installs" ;;
    *) with="$tool and Python $python_version ($python)" ;;
    esac
    if ours "$command"; then
        say 'git-credential-hf is installed here and will be upgraded:'
    else
        say 'git-credential-hf will be installed:'
    fi
    [ -z "$packages" ] || say "  first    $remedy"
    say "  from     $from"
    say "  with     $with"
    say "  into     $share"
    say "  command  $command"
    if [ "$link_hf" = yes ]; then
        say "  hf       $bin/hf"
    fi
    say "  manual   $prefix/share/man, and completions for bash, zsh and fish beside it"
    if [ "$configure" = no ]; then
        say "  git      stays as it is (--no-configure)"
    elif [ "$hooks" = yes ]; then
        say '  git      git-credential-hf configure --hooks'
    else
        say '  git      git-credential-hf configure'
    fi
    say ''
}

install_packages() {
    # In the foreground and without a trap: a package manager is not to be stopped half-way.
    case $installer in
    apt-get)
        export DEBIAN_FRONTEND=noninteractive
        apt-get update </dev/null || err "apt-get update failed"
        # shellcheck disable=SC2086 # words of our own
        apt-get install -y --no-install-recommends $packages </dev/null || err "\`$remedy\` failed"
        ;;
    *)
        # shellcheck disable=SC2086
        $remedy </dev/null || err "\`$remedy\` failed"
        ;;
    esac
    hash -r
    choose_tool
    look_for_git
    [ "$git_there" = yes ] || err 'there is still no git'
    if [ -z "$python" ] && [ "$tool" != uv ]; then
        err "there is still no Python 3.10 with venv${too_old:+ (python3 is $too_old)}" \
            'install one, or uv, which brings its own, and run this again'
    fi
}

# Like mkdir -p, and remembers what it made.
make_directory() {
    missing=''
    parent=$1
    while [ ! -d "$parent" ]; do
        missing="$parent
$missing"
        parent=${parent%/*}
    done
    while [ -n "$missing" ]; do
        directory=${missing%%
*}
        missing=${missing#*
}
        mkdir "$directory" || err "cannot make $directory"
        # newest first: the order in which they are removed
        made="$directory${made:+
$made}"
    done
}

# Whether a directory is there for us to write in, or can be made.
can_hold() {
    above=$1
    while ! there "$above"; do above=${above%/*}; done
    [ -d "$above" ] && [ -w "$above" ] && [ -x "$above" ]
}

# Builds a whole environment beside the one in use. An environment cannot be moved, so it stands where it
# will stay, and what makes it the one in use is the link in bin.
make_environment() {
    say 'making the environment ...'
    make_directory "$bin"
    make_directory "$share"
    for document in $documents; do
        parent=$prefix/${document%/*}
        # somebody's file in the way is no reason to do without the program
        if can_hold "$parent"; then make_directory "$parent"; fi
    done
    say "$made" >"$record"
    env=$share/env-$(date -u +%Y%m%dT%H%M%SZ)-$$
    mkdir "$env" || err "cannot make $env"
    echo $$ >"$env/unfinished"
    mkdir "$env/tmp"
    log=$env/tmp/log
    # Also the caches go, unless the account has said where they are: uninstalled must mean as before.
    export PIP_CACHE_DIR="${PIP_CACHE_DIR-$env/tmp/pip}"
    export UV_CACHE_DIR="${UV_CACHE_DIR-$env/tmp/uv}"
    export PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
    export PYTHONDONTWRITEBYTECODE=1 # what builds the package lies in the checkout; pip compiles what it installs
    cd "$env" # a uv.toml, or a module called venv, where we were called from is none of our business

    env_bin=$env/bin
    case $tool in
    uv)
        if [ -n "$python" ]; then
            run uv venv --quiet --python "$python" "$env/venv"
        else
            UV_PYTHON_DOWNLOADS=never run_or_not uv venv --quiet --python '>=3.10' "$env/venv" ||
                UV_PYTHON_INSTALL_DIR="$env/python" UV_PYTHON_DOWNLOADS=automatic \
                    run uv venv --quiet --python '>=3.10' "$env/venv"
        fi
        env_bin=$env/venv/bin
        # uv takes a directory for unchanged as long as its pyproject.toml is; offline it refuses to look again
        set -- --refresh-package git-credential-hf
        [ -z "${UV_OFFLINE:-}" ] || set --
        run uv pip install --quiet --python "$env/venv/bin/python" --compile-bytecode "$@" "$source"
        ;;
    pipx)
        PIPX_HOME=$env/pipx PIPX_BIN_DIR=$env/pipx/bin PIPX_MAN_DIR=$env/pipx/man
        PIPX_COMPLETION_DIR=$env/pipx/completions PIPX_SHARED_LIBS=$env/pipx/shared PIPX_LOG_DIR=$env/pipx/logs
        export PIPX_HOME PIPX_BIN_DIR PIPX_MAN_DIR PIPX_COMPLETION_DIR PIPX_SHARED_LIBS PIPX_LOG_DIR
        run pipx install --python "$python" "$source"
        env_bin=$env/pipx/venvs/git-credential-hf/bin
        ;;
    venv)
        run "$python" -I -m venv "$env/venv"
        env_bin=$env/venv/bin
        run "$env_bin/python" -I -m pip install --quiet --no-user "$source"
        ;;
    esac
    mend_launcher "$env_bin/git-credential-hf"

    # It has to run before anything else is touched.
    version=$("$env_bin/git-credential-hf" --version 2>>"$log") || failed "git-credential-hf --version"
}

# Runs a command in the background, its output in the log: a signal then ends our waiting at once, where a
# command in the foreground would have to be waited for.
run() {
    run_or_not "$@" || failed "$1"
}

run_or_not() {
    if [ -n "$python" ]; then
        # In a process group of its own, so that whatever it starts ends with it.
        set -- "$python" -I -B -c '
import os, signal, sys
os.setpgid(0, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$@"
    fi
    TMPDIR=$env/tmp "$@" >>"$log" 2>&1 </dev/null &
    child=$!
    outcome=0
    wait "$child" || outcome=$?
    child=''
    return $outcome
}

failed() {
    tail -n 30 "$log" | sed 's/^/    /' >&2
    err "$1 failed, and nothing was changed"
}

# pip writes `#!/path/to/python` as it is, which the kernel reads neither with a blank in it nor when it is
# long. The lines written here are a command to sh and a string to Python.
mend_launcher() {
    [ -x "$1" ] || failed 'the installation of git-credential-hf'
    IFS= read -r first_line <"$1" || :
    case $first_line in '#!'*/python*) ;; *) return 0 ;; esac
    case $first_line in
    *[[:blank:]]*) ;;
    *) [ ${#first_line} -gt 126 ] || return 0 ;;
    esac
    {
        say '#!/bin/sh'
        say "'''exec' '$env_bin/python' \"\$0\" \"\$@\""
        say "' '''"
        sed 1d "$1"
    } >"$1.new"
    chmod 755 "$1.new"
    mv -f "$1.new" "$1"
}

# The moment from which the new environment is the one in use.
switch() {
    switched=yes
    link "$env_bin/git-credential-hf" "$command"
    if [ "$link_hf" = yes ] && [ -x "$env_bin/hf" ]; then
        link "$env_bin/hf" "$bin/hf"
    fi
    for document in $documents; do
        place=$prefix/$document
        if [ -e "${env_bin%/bin}/$document" ] && can_hold "${place%/*}" && { ours "$place" || ! there "$place"; }; then
            link "${env_bin%/bin}/$document" "$place"
        fi
    done
}

link() {
    if ours "$2"; then
        ln -s "$1" "$2.$$" && mv -f "$2.$$" "$2"
    else
        ln -s "$1" "$2" # without -f: what is there by now is not ours
    fi || err "cannot link $2"
}

configure_git() {
    [ "$configure" = yes ] || return 0
    before=$("$command" unconfigure --dry-run 2>&1) || :
    began_to_configure=yes
    if [ "$hooks" = yes ]; then
        set -- --hooks
    else
        set --
    fi
    "$command" configure "$@" ||
        err 'git-credential-hf configure failed' 'mend what it says, or leave it out with `--no-configure`'
    began_to_configure=no
}

# From here on there is no way back: the environments before this one go.
keep() {
    trap '' INT TERM HUP
    rm -rf "$env/tmp" "$env/unfinished"
    for old in "$share"/env-*; do
        if [ "$old" != "$env" ]; then
            rm -rf "$old"
        fi
    done
}

# The EXIT trap: whatever the reason, everything is as it was.
# shellcheck disable=SC2317,SC2329 # called by the trap
undo() {
    outcome=$?
    trap - EXIT
    trap '' INT TERM HUP
    set +e
    if [ -n "$child" ]; then
        # the group, or only the child where it has none (yet)
        kill -s TERM -- "-$child" 2>/dev/null || kill -TERM "$child" 2>/dev/null
        wait "$child" 2>/dev/null
    fi
    if [ "$began_to_configure" = yes ] && [ "$("$command" unconfigure --dry-run 2>&1)" != "$before" ]; then
        "$command" unconfigure >/dev/null
    fi
    if [ "$switched" = yes ]; then
        restore "$command" "$old_command"
        restore "$bin/hf" "$old_hf"
        for document in $documents; do
            old=${old_command%/bin/*}/$document
            [ -e "$old" ] || old=''
            restore "$prefix/$document" "$old"
        done
    fi
    cd /
    if [ -n "$env" ]; then
        rm -rf "$env" 2>/dev/null || { sleep 1 && rm -rf "$env"; } # what was killed may have been writing still
    fi
    if [ "$first" = yes ]; then
        rm -rf "$share"/env-* # of a run that was killed
        rm -f "$record"
        remove_directories "$made"
    fi
    if [ "$outcome" -ge 128 ]; then
        say 'install.sh: interrupted' >&2
    fi
    exit "$outcome"
}

# shellcheck disable=SC2317,SC2329
restore() {
    rm -f "$1.$$"
    case $(readlink "$1" 2>/dev/null) in "$env"/*) ;; *) return 0 ;; esac
    if [ -n "$2" ]; then
        ln -s "$2" "$1.$$" && mv -f "$1.$$" "$1"
    else
        rm -f "$1"
    fi
}

# Those of the lines that are empty directories; the deepest come first.
remove_directories() {
    printf '%s\n' "$1" | while IFS= read -r directory; do
        rmdir "$directory" 2>/dev/null || :
    done
}

finish() {
    say "installed: $version"
    has git-lfs || say 'not installed: git-lfs, without which the large files of a repository are cloned as pointers'
    say ''
    if ! on_path; then
        profile='~/.profile'
        case ${SHELL:-} in */zsh) profile='~/.zshrc' ;; */bash) profile='~/.bashrc' ;; esac
        say "$bin is not on PATH; to put it there:"
        say ''
        say "  echo 'export PATH=\"$bin:\$PATH\"' >>$profile"
        say ''
    elif [ "$(command -v git-credential-hf)" != "$command" ] && elsewhere git-credential-hf; then
        warn "another git-credential-hf may come first on PATH: $found"
    fi
    if [ "$configure" = no ]; then
        say "next: $(typed git-credential-hf) configure"
        return 0
    fi
    if "$command" status; then
        say ''
        say 'next: git clone, pull and push as usual (install.sh --uninstall undoes all this)'
    elif "$command" status --json 2>/dev/null | grep '"token": null' >/dev/null; then
        say ''
        say "next: $(typed hf) auth login"
    fi
}

# How to type a command of ours: by its name where that finds it.
typed() {
    if has "$1"; then
        say "$1"
    else
        say "$bin/$1"
    fi
}

# -------------------------------------------------------------------------------------------- uninstall

uninstall() {
    environments=no
    for env in "$share"/env-*; do
        [ ! -d "$env" ] || environments=yes
    done
    if [ ! -e "$record" ] && [ "$environments" = no ] && ! ours "$command" && ! ours "$bin/hf"; then
        say "git-credential-hf is not installed in $prefix"
        if there "$command"; then
            say "$command is not install.sh's and stays"
        fi
        exit 0
    fi

    program=''
    for candidate in "$command" "$share"/env-*/*/bin/git-credential-hf "$share"/env-*/pipx/venvs/*/bin/git-credential-hf; do
        if [ -x "$candidate" ] && { [ "$candidate" != "$command" ] || ours "$command"; }; then
            program=$candidate
            break
        fi
    done

    say 'git-credential-hf will be removed:'
    [ "$configure" = no ] || say '  git      git-credential-hf unconfigure'
    for link in bin/git-credential-hf bin/hf $documents; do
        if ours "$prefix/$link"; then
            say "  link     $prefix/$link"
        fi
    done
    say "  program  $share"
    say ''
    [ "$dry_run" = no ] || exit 0

    if [ "$configure" = yes ]; then
        if [ -z "$program" ] || ! "$program" --version >/dev/null 2>&1; then
            err "git-credential-hf no longer runs, so it cannot take itself out of git's configuration" \
                'run install.sh once more to mend it, or leave that out with `--no-configure`'
        fi
        "$program" unconfigure || err 'git-credential-hf unconfigure failed' \
            'mend what it says, or leave it out with `--no-configure`'
    fi
    for link in bin/git-credential-hf bin/hf $documents; do
        if ours "$prefix/$link"; then
            rm -f "$prefix/$link"
            say "removed $prefix/$link"
        fi
    done
    rm -rf "$share"/env-*
    made=''
    if [ -e "$record" ]; then made=$(cat "$record"); fi
    rm -f "$record"
    # what share is, is ours, whoever made the directory
    rmdir "$share" 2>/dev/null || warn "$share stays: there are files in it that install.sh did not put there"
    [ -d "$share" ] || say "removed $share"
    remove_directories "$made"
}

{ main "$@"; exit; }
