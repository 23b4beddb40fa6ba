# shellcheck shell=bash
# What the tests make once and keep between runs, outside of the checkout; sourced by bash with `set -e` on.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/git-credential-hf-tests
mkdir -p "$cache/runs"

# kept NAME INGREDIENTS MAKER [ARG...]: sets $kept to a directory that `MAKER DIRECTORY [ARG...]` has made.
# Other INGREDIENTS are another directory. The month is one of them: registries and sid move on.
kept() {
    local name=$1 ingredients=$2 maker=$3
    shift 3
    kept=$cache/$name-$(printf '%s %s' "$(date +%Y-%m)" "$ingredients" | sha256sum | cut -c 1-12)
    if [ ! -d "$kept" ]; then
        (
            flock 9
            [ ! -d "$kept" ] || exit 0  # another run made it while this one waited
            echo "-- making $kept"
            rm -rf --one-file-system "$kept.new"  # an interrupted run left this
            "$maker" "$kept.new" "$@"
            mv "$kept.new" "$kept"
        ) 9> "$kept.lock"
    fi
    touch "$kept" "$kept.lock"  # so that `forget` lets it be
}

# forget: removes what no run has used for a month, and what runs that were killed left behind.
forget() {
    find "$cache" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf --one-file-system {} +
    find "$cache/runs" -mindepth 1 -maxdepth 1 -mtime +0 -exec rm -rf --one-file-system {} +
}

# requirements PYTHON: the part of pyproject.toml that decides what is installed.
requirements() {
    "$1" - << 'PYTHON'
import json
from pathlib import Path

text = Path("pyproject.toml").read_text()
try:
    import tomllib

    project = tomllib.loads(text)
    needed = project["project"].get("dependencies"), project["build-system"], project["dependency-groups"]
    print(json.dumps(needed))
except ImportError:  # Python 3.10
    print(text)
PYTHON
}

# copy_venv FROM TO CALLED: makes TO a copy of FROM, for a run to change, as hard links; its scripts will find it
# as CALLED.
copy_venv() {
    cp -al "$1" "$2"
    # Scripts name the interpreter by its full path. (sed puts a new file in the place of the link.)
    find "$2/bin" -type f -exec grep -lIZ '^#!.*/python' {} + | xargs -0 sed -i "1s|^#!.*/python.*|#!$3/bin/python|"
}
