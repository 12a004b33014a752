#!/usr/bin/env bash
# Prepares this machine: system packages that are missing, a virtual environment, pinned dependencies.
# Repeatable. Never asks: without root it says what to install. PYTHON=/path/to/python chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

VENV=.venv
# Voices of the training world, and the compiler torch.compile calls. The command itself needs none of them.
TOOLS=(espeak-ng flite g++)

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' \
            2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

make_venv() {
    "$VENV/bin/python" -c '' 2>/dev/null && return 0
    local python
    python=$(find_python) || { install_packages python3 python3-dev python3-venv && python=$(find_python); } || die \
        "Python 3.11 or 3.12 with venv is needed (mediapipe has no wheel for 3.13 and later)." \
        "Install one, for instance: sudo apt install python3.11 python3.11-venv," \
        "or: uv python install 3.12; then: make setup PYTHON=/path/to/python3.12"
    say "making $VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV"
}

# torch.compile builds against Python.h; Debian's Python keeps it in another package.
check_headers() {
    "$VENV/bin/python" -c 'import pathlib, sysconfig as s; (pathlib.Path(s.get_path("include")) / "Python.h").stat()' \
        2>/dev/null || install_packages python3-dev || say "Python.h is missing: torch.compile, used in tests, fails"
}

# PyPI's torch for Linux carries CUDA, some gigabytes. Without an NVIDIA driver take the CPU wheel instead,
# where its index can be reached; an index that cannot be reached would only make pip wait.
torch_index() {
    local index=https://download.pytorch.org/whl/cpu
    [ "$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null || return 0
    "$VENV/bin/python" -c "import urllib.request; urllib.request.urlopen('$index/torch/', timeout=5)" \
        2>/dev/null && echo "--extra-index-url=$index" || true
}

install_python_packages() {
    local index
    index=$(torch_index)
    say "installing Python packages"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
        ${index:+"$index"} --editable '.[dev]'
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
        --no-deps mediapipe
}

[ "$(uname -s)" = Linux ] || say "only Linux is tested; going on"
install_packages "${TOOLS[@]}" || say \
    "could not install some of: ${TOOLS[*]}." \
    "The command works without them; training and some tests do not. As root: apt-get install ${TOOLS[*]}"
make_venv
check_headers
install_python_packages
# The doctor also warms the caches that the first run would otherwise wait for.
report=$("$VENV/bin/dramatis" doctor 2>&1) || die "the environment is not complete:"$'\n'"$report"
say "ready"
