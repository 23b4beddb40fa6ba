# shellcheck shell=bash
# shellcheck disable=SC2154 # $run and $mirror are those of who sources it
# Debian's trees with nothing in them, and how to be root of a machine that is one.

make_bare() {  # make_bare DIRECTORY SUITE
    unshare --mount debootstrap --variant=minbase "$2" "$1" "$mirror" > "$run/$2.log" 2>&1 ||
        { tail -n 20 "$run/$2.log"; return 1; }
    rm -rf "$1"/var/lib/apt/lists/*
}

# What a machine of an organisation has beside Debian: the way to its registries. (No package, and no program.)
settings=()
set_up_registries() {
    local tree=$1 name certificates=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    mkdir -p "$tree/machine"
    cp "$certificates" "$tree/machine/certificates"
    cp /etc/apt/apt.conf.d/*registry* "$tree/etc/apt/apt.conf.d/" 2> /dev/null || true
    echo 'Acquire::https::CaInfo "/machine/certificates";' > "$tree/etc/apt/apt.conf.d/99certificates"
    cp /etc/resolv.conf /etc/hosts "$tree/etc/"
    settings=()
    for name in SSL_CERT_FILE PIP_CERT REQUESTS_CA_BUNDLE CURL_CA_BUNDLE GIT_SSL_CAINFO NODE_EXTRA_CA_CERTS; do
        settings+=("$name=/machine/certificates")
    done
    for name in http_proxy https_proxy no_proxy PIP_INDEX_URL npm_config_registry; do
        [ -z "${!name-}" ] || settings+=("$name=${!name}")
    done
}

# inside TREE CMD...: as root of a machine that is this tree.
inside() {
    local tree=$1
    shift
    # shellcheck disable=SC2016 # for the shell inside
    unshare --mount --pid --fork --kill-child sh -ec '
        tree=$1
        shift
        mount --bind "$tree" "$tree"
        mount -t proc proc "$tree/proc"
        mount --rbind /dev "$tree/dev"
        mount -t tmpfs -o mode=1777 none "$tree/tmp"
        exec chroot "$tree" "$@"' sh "$tree" \
        env -i HOME=/root PATH=/root/.local/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C.UTF-8 \
        ${GIT_CREDENTIAL_HF_TESTS_NAMESPACE:+GIT_CREDENTIAL_HF_TESTS_NAMESPACE=1} "${settings[@]}" "$@"
}
