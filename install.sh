#!/bin/sh
# shellcheck disable=SC2016 # the backquotes in messages are for the reader

usage() {
    cat <<'EOF'
Install git-credential-hf for this account, upgrade it, or remove it.

usage: ./install.sh [options]             from a checkout
       sh -s -- [options] <install.sh     from PyPI

  --prefix DIR     install as DIR/bin/git-credential-hf (default: ~/.local)
  --no-configure   do not change git's configuration (with --uninstall, too)
  --uninstall      remove git-credential-hf, and its lines in git's configuration
  --dry-run        print what would be done, and change nothing
  --help           print this text

Creates a Python environment in DIR/share/git-credential-hf, with uv if it is installed and with
`python3 -m venv` otherwise. Links git-credential-hf, its manual page and its shell completions into
DIR, and hf if there is none on PATH. Runs `git-credential-hf configure`. Run it again to upgrade.
If a step fails, everything is as it was before.

Needs git, and uv or Python 3.10 or newer; git needs git-lfs for most repositories of the Hub. If one
of them is missing, root gets it from apt-get, dnf or apk; other users are shown the command to run.
EOF
}

# Nothing runs before the last line, so a partly downloaded script does nothing.
set -eu

say() {
    printf '%s\n' "$*"
}

# report MESSAGE [HINT]
report() {
    printf 'install.sh: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'install.sh: hint: %s\n' "$2" >&2
}

# err MESSAGE [HINT]
err() {
    report "error: $1" ${2+"$2"}
    exit 1
}

misuse() {
    report "error: $1" 'see `install.sh --help`'
    exit 2
}

has() {
    command -v "$1" >/dev/null 2>&1
}

exists() {
    [ -e "$1" ] || [ -L "$1" ]
}

main() {
    prefix=${HOME:-}/.local default=yes configure=yes uninstall=no dry_run=no
    while [ $# -gt 0 ]; do
        case $1 in
        --prefix) prefix=${2:-} default=no ;;
        --prefix=*) prefix=${1#*=} default=no ;;
        --no-configure) configure=no ;;
        --uninstall) uninstall=yes ;;
        --dry-run) dry_run=yes ;;
        -h | --help)
            usage
            exit
            ;;
        *) misuse "unknown argument: $1" ;;
        esac
        [ -n "$prefix" ] || misuse '--prefix needs a directory'
        [ "$1" != --prefix ] || shift
        shift
    done

    [ -n "${HOME:-}" ] || err 'HOME is not set'
    # On some systems, sudo keeps HOME: the user could not change or remove root's files in it.
    if [ "$default$configure" != nono ] && [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] &&
        [ -z "$(find "$HOME/." -prune -user 0)" ]; then
        err "HOME is $HOME, which does not belong to root" 'run it without sudo, or with `sudo -H`'
    fi
    # These are meant for another Python than the one used below.
    unset PYTHONPATH PYTHONHOME VIRTUAL_ENV CDPATH
    choose_source
    case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
    prefix=${prefix%/}
    # pip writes the path into the first line of scripts, where the kernel cuts it off at a space.
    case $prefix in
    *[[:space:]:]*) err "cannot install in a directory with a space or a colon in its name: $prefix" ;;
    esac
    # The current directory may hold a uv.toml, or a program that a relative entry of PATH would find.
    cd /

    bin=$prefix/bin
    share=$prefix/share/git-credential-hf
    command=$bin/git-credential-hf
    # Where man, bash, zsh and fish look for the files of a command in DIR/bin.
    documents='share/man/man1/git-credential-hf.1
        share/bash-completion/completions/git-credential-hf
        share/zsh/site-functions/_git-credential-hf
        share/fish/vendor_completions.d/git-credential-hf.fish'
    if [ "$uninstall" = yes ]; then
        uninstall
    else
        install
    fi
}

# Set `source`: the checkout that this file is in, otherwise the package on PyPI.
choose_source() {
    source=git-credential-hf from=PyPI
    case $0 in
    install.sh | */install.sh)
        here=$(cd -- "$(dirname -- "$0")" && pwd)
        if grep -q '^name = "git-credential-hf"' "$here/pyproject.toml" 2>/dev/null; then
            source=$here from=$here
        fi
        ;;
    esac
}

# Whether $prefix/$1 is a link that this script made: to the same path below DIR/share/git-credential-hf/current.
is_ours() {
    target=$(readlink "$prefix/$1") || return 1
    case $target in */current/"$1") ;; *) return 1 ;; esac
    # Compare directories: their names differ if DIR is given by way of a symbolic link.
    [ "$(cd "${target%/current/*}" 2>/dev/null && pwd -P)" = "$(cd "$share" 2>/dev/null && pwd -P)" ]
}

# --- install ---
#
#   share/git-credential-hf/env-PID             a Python environment; never changed while it is in use
#   share/git-credential-hf/current -> env-PID  the environment in use
#   share/git-credential-hf/made                the directories that this script created, the deepest first
#   bin/git-credential-hf                       a link to .../current/bin/git-credential-hf

install() {
    if exists "$command" && ! is_ours bin/git-credential-hf; then
        err "$command exists, and was not installed by install.sh" \
            'remove it the way it was installed, or choose another directory with --prefix DIR'
    fi
    find_packages
    print_plan
    [ "$dry_run" = no ] || exit 0
    [ -z "$packages" ] || install_packages
    [ -z "$lfs" ] || install_lfs

    env=$share/env-$$
    previous=$(readlink "$share/current" || :)
    made=$(cat "$share/made" 2>/dev/null || :)
    trap undo EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    create_environment
    trap '' HUP INT TERM # the rest takes a second, and a stop half-way would leave git without its helper
    use_environment
    trap - EXIT
    remove_old_environments
    trap - HUP INT TERM
    print_next_step
}

# Set `tool` to uv, or to the first Python that can be used.
choose_tool() {
    tool=uv
    ! uv --version >/dev/null 2>&1 || return 0
    for tool in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
        # Try it: Debian packages venv separately, and pyenv has shims for Pythons that are not installed.
        ! "$tool" -I -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || return 0
    done
    tool=python3
    return 1
}

# Set `packages` to the missing packages, and `remedy` to the command that installs them. For root, set `lfs` to the
# command that installs git-lfs; for other users, `git-credential-hf configure` prints it.
find_packages() {
    for manager in apt-get dnf apk brew ''; do
        ! has "$manager" || break
    done
    packages='' remedy=''
    has git || packages=' git'
    choose_tool || case $manager in
    apt-get) packages="$packages python3-venv" ;;
    dnf) packages="$packages python3.12" ;; # python3 is 3.6 or 3.9 on RHEL 8 and 9
    *) packages="$packages python3" ;;
    esac
    lfs=''
    has git-lfs || [ "$(id -u)" != 0 ] || case $manager in
    apt-get | dnf) lfs="$manager install -y git-lfs" ;;
    apk) lfs='apk add --update-cache git-lfs' ;;
    esac
    [ -n "$packages" ] || return 0

    needed="git, and uv or Python 3.10 or newer with venv, are needed; missing:$packages"
    [ "$(id -u)" = 0 ] || has git-lfs || packages="$packages git-lfs" # most repositories of the Hub need it
    case $manager in
    apt-get | dnf) remedy="$manager install -y$packages" ;;
    apk) remedy="apk add --update-cache$packages" ;;
    brew) remedy="brew install$packages" ;;
    *) err "$needed" "install$packages, then run this again" ;;
    esac
    if [ "$manager" = brew ] || [ "$(id -u)" != 0 ]; then
        [ "$manager" = brew ] || remedy="sudo $remedy"
        err "$needed" "run \`$remedy\`, then this again"
    fi
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    [ "$manager" != apt-get ] || apt-get update || err '`apt-get update` failed'
    $remedy || err "\`$remedy\` failed"
    choose_tool || err 'there is still no Python 3.10 or newer' 'install uv, which brings its own Python'
}

# git also works without git-lfs, but clones contain pointers instead of files.
install_lfs() {
    export DEBIAN_FRONTEND=noninteractive
    [ "$manager" != apt-get ] || [ -n "$packages" ] || apt-get update || :
    $lfs || report "warning: \`$lfs\` failed"
}

# Whether to link hf, too: hints mention `hf auth login`. An existing hf is not replaced.
links_hf() {
    ! has hf && ! exists "$bin/hf"
}

print_plan() {
    verb=installed
    ! exists "$command" || verb=upgraded
    say "git-credential-hf will be $verb:"
    [ -z "$packages" ] || say "  first        $remedy"
    [ -z "$lfs" ] || say "  then         $lfs"
    say "  from         $from, with $tool"
    say "  command      $command"
    ! links_hf || say "  command      $bin/hf, as there is none on PATH"
    say "  environment  $share"
    [ "$configure" = no ] || say '  git          git-credential-hf configure'
}

# Like mkdir -p, and adds what it creates to `made`.
make_directory() {
    [ ! -d "${1:-/}" ] || return 0
    make_directory "${1%/*}" || return 1
    mkdir "$1" || return 1
    made="$1${made:+
$made}"
}

# An environment contains its own path, so it is created at its final path, beside the one in use.
create_environment() {
    old_umask=$(umask)
    umask 022 # other users use a system-wide installation, too, and it contains no secrets
    for directory in "$bin" "$share"; do
        make_directory "$directory" || err "cannot create $directory" 'choose another directory with --prefix DIR'
    done
    for document in $documents; do
        make_directory "$prefix/${document%/*}" 2>/dev/null || : # the command works without them
    done
    say "$made" >"$share/made"
    rm -rf "$env" # left by a killed process with the same id
    mkdir "$env" "$env/tmp"

    if [ "$tool" = uv ]; then
        run uv venv --quiet --no-cache --allow-existing --python '>=3.10' "$env"
        run uv pip install --quiet --no-cache --compile-bytecode --python "$env/bin/python" "$source"
    else
        run "$tool" -I -m venv "$env"
        run "$env/bin/python" -I -m pip install --quiet --no-cache-dir --no-user --no-input \
            --disable-pip-version-check "$source"
    fi
    version=$("$env/bin/git-credential-hf" --version) || err 'the new git-credential-hf does not run'
    rm -rf "$env/tmp"
    chmod -R go-w "$env" # uv's lock files are writable by all
}

# Run a command with its temporary files, and the Python that uv may download, inside the environment.
run() {
    TMPDIR=$env/tmp UV_PYTHON_INSTALL_DIR=$env/python PYTHONDONTWRITEBYTECODE=1 "$@" ||
        err "cannot install git-credential-hf from $from"
}

use_environment() {
    ln -sfn "${env##*/}" "$share/current"
    exists "$command" || ln -s "$share/current/bin/git-credential-hf" "$command" || err "cannot create $command"
    # Existing files are links of ours, or belong to the user: keep both.
    for document in $documents; do
        exists "$prefix/$document" || ln -s "$share/current/$document" "$prefix/$document" 2>/dev/null || :
    done
    ! links_hf || ln -s "$share/current/bin/hf" "$bin/hf" || :
    umask "$old_umask"
    [ "$configure" = no ] || configure_git ||
        err '`git-credential-hf configure` failed' 'run this again with --no-configure'
}

# `configure` prompts on the terminal, even if this script comes through a pipe; at the end it offers to log in.
configure_git() {
    if [ -t 1 ] && [ -t 2 ] && (: </dev/tty) 2>/dev/null; then
        "$command" configure </dev/tty
    else
        "$command" configure
    fi
}

remove_old_environments() {
    for old in "$share"/env-*; do
        [ "${old##*/}" = "$(readlink "$share/current")" ] || rm -rf "$old"
    done
}

# The EXIT trap.
# shellcheck disable=SC2317,SC2329
undo() {
    status=$?
    trap - EXIT
    trap '' HUP INT TERM
    set +e
    if [ -n "$previous" ]; then
        ln -sfn "$previous" "$share/current"
        rm -rf "$env"
    else
        remove
    fi
    report 'nothing was changed'
    exit "$status"
}

print_next_step() {
    say "$version is installed"
    found=$(command -v git-credential-hf || :)
    if [ -z "$found" ]; then
        report "warning: $bin is not on PATH" "$(path_hint)"
    elif [ "$(readlink "$found")" != "$(readlink "$command")" ]; then
        report "warning: $found comes first on PATH"
    fi
    if [ "$configure" = no ]; then
        say "next: $command configure"
    elif status=$("$command" status 2>&1); then
        say "$status"
        say 'next: use git clone, pull and push as usual'
    else
        case $status in
        *': not logged in '*) ;; # not an error yet
        *) say "$status" | grep -v '^git-credential-hf: hint: ' >&2 || : ;;
        esac
        next=$(say "$status" | sed -n '/^git-credential-hf: hint: /{s///p;q;}')
        say "next: ${next:-run \`$command doctor\`}"
    fi
}

# Print how to add $bin to PATH, for the shell in $SHELL. In a container, SHELL is not set, and no startup file is read.
path_hint() {
    directory=$bin
    case $bin in "$HOME"/*) directory=\$HOME${bin#"$HOME"} ;; esac
    now="export PATH=\"$directory:\$PATH\"" # in fish, too
    case ${directory#\$HOME} in
    *[!A-Za-z0-9_./@%+,=-]*)
        say "run \`export PATH='$(say "$bin" | sed "s/'/'\\\\''/g")':\"\$PATH\"\`, here and in the profile of your shell"
        return
        ;;
    esac
    file=.profile then='log in again'
    shell=${SHELL-}
    case ${shell##*/} in
    fish)
        say "run \`fish_add_path \"$directory\"\`"
        return
        ;;
    zsh) file=.zshrc then='open a new terminal' ;;
    bash)
        file=.bashrc then='open a new terminal'
        [ "$(uname -s 2>/dev/null)" != Darwin ] || file=.bash_profile # its terminals are logins
        ;;
    sh | dash | ash | ksh) ;;
    *)
        say "run \`$now\` in each shell"
        return
        ;;
    esac
    say "run \`echo '$now' >>~/$file\`, then $then"
}

# --- uninstall ---

uninstall() {
    if [ ! -e "$share/made" ]; then
        say "git-credential-hf is not installed in $prefix"
        exit
    fi
    say "git-credential-hf will be removed from $prefix"
    say '  hooks that were installed in repositories stay; each push there prints how to remove them'
    [ "$dry_run" = no ] || exit 0
    # Without `current`, an installation was killed before it configured git.
    if [ "$configure" = yes ] && [ -L "$share/current" ]; then
        "$command" unconfigure ||
            err '`git-credential-hf unconfigure` failed' 'install it again first, or add --no-configure'
    fi
    made=$(cat "$share/made")
    remove
    say 'removed'
}

# Remove what this script made, and nothing else.
remove() {
    for link in bin/git-credential-hf bin/hf $documents; do
        ! is_ours "$link" || rm -f "$prefix/$link"
    done
    rm -rf "$share"/env-* "$share/current" "$share/made"
    say "$made" | while IFS= read -r directory; do
        rmdir "$directory" 2>/dev/null || : # keep directories that are not empty
    done
    rmdir "$share" 2>/dev/null || :
}

{ main "$@" </dev/null; exit; }
