# shellcheck shell=bash
# The mirror of Debian's that this machine installs from, as apt knows it. Its name is in no file of ours.

# find_mirror: prints it, without a slash at its end.
find_mirror() {
    local found
    found=$(_configured_mirror)
    [ -n "$found" ] || { apt-get -qq update > /dev/null && found=$(_configured_mirror); }
    printf '%s\n' "${found%/}"
}

_configured_mirror() {
    local codename
    for codename in "$(. /etc/os-release && echo "${VERSION_CODENAME-}")" sid; do  # sid calls itself the next release
        # shellcheck disable=SC2016 # apt's own variable
        apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' \
            "Codename: $codename"
    done | head -n 1
}

# use_proxy_of_apt: for debootstrap.
use_proxy_of_apt() {
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    export http_proxy
}
