# Sourced by the suites beside it. Clients stay installed in .ci/cache; the fake
# runs in a temporary folder, $work, until the suite ends.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$(dirname "$here")/cache/thirdparty
work=$(mktemp -d)
server=

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

cleanup() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap cleanup EXIT

# install NAME COMMAND...: installs a client from its registry, or says that the
# registry does not answer.
install() {
	local name=$1
	shift
	mkdir -p "$cache"
	"$@" >"$work/install.log" 2>&1 && return
	cat "$work/install.log" >&2
	fail "$name cannot be installed from its registry"
}

# install_python NAME VERSION MODULES: installs a Python client with the versions
# that NAME.txt pins, unless the modules are there, and leaves in $python what
# runs it.
install_python() {
	local packages=$cache/pypi-$1-$2 requirements=$here/pypi-$1.txt
	python=$packages/bin/python
	"$python" -I -c "import $3" 2>/dev/null && return
	install "$1" bash -euc 'python3 -m venv --clear "$1"; "$1/bin/python" -m pip install --disable-pip-version-check --requirement "$2"' - "$packages" "$requirements"
}

# start_fakecrowd leaves the fake's line of JSON in $access.
start_fakecrowd() {
	echo '{"applications": [{"name": "scim", "createTokens": true}]}' >"$work/state.json"
	(cd "$here/../.." && go build -o "$work/fakecrowd" ./examples/fakecrowd)
	mkfifo "$work/line"
	"$work/fakecrowd" --listen 127.0.0.1:0 --json --nested --load "$work/state.json" >"$work/line" &
	server=$!
	read -r access <"$work/line" || fail "fakecrowd does not start"
	export access
}
