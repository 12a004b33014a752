# Sourced by the other scripts: saying things, and installing packages of the distribution.

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -z "${CI:-}" ]; }; }; then
        sudo "$@"
    else
        return 1
    fi
}

# Installs what is missing of the named packages; fails when it may not or cannot.
install_packages() {
    command -v apt-get >/dev/null || return 1
    local wanted
    mapfile -t wanted < <(missing_packages "$@")
    [ "${#wanted[@]}" -eq 0 ] && return 0
    say "installing ${wanted[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >/dev/null || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" \
        </dev/null >/dev/null
}
