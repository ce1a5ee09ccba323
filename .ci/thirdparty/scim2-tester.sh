#!/usr/bin/env bash
# The conformance suite scim2-tester against the quickstart, as generic and as
# strict provider, or as those that are given. Every check must run and pass: one
# that is skipped counts as failed. Needs Python 3.
#
# The other providers show the user name of a group's member as its display,
# which the suite takes for a fault: it expects members exactly as it sent them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

wanted=.ci/conformance/requirements.txt
venv=$PWD/.ci/cache/scim2
work=$(mktemp -d)
server=
cleanup() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
fail() {
	echo "FAILED: $1" >&2
	exit 1
}

# installed.txt says for which list of packages the environment was made.
if ! cmp -s "$wanted" "$venv/installed.txt"; then
	rm -rf "$venv"
	python3 -m venv "$venv" || fail "Python has no module venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$wanted" >"$work/install.log" 2>&1 || {
		cat "$work/install.log" >&2
		fail "scim2-cli cannot be installed: the package registry does not answer, or not with what $wanted asks for"
	}
	cp "$wanted" "$venv/installed.txt"
fi

go build -o "$work/quickstart" ./examples/quickstart
mkfifo "$work/line"
[ $# -gt 0 ] || set -- generic strict
for provider; do
	"$work/quickstart" --provider "$provider" --listen 127.0.0.1:0 --crowd-listen 127.0.0.1:0 --json >"$work/line" &
	server=$!
	read -r access <"$work/line"
	field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p' <<<"$access"; }
	SCIM_CLI_HEADERS="Authorization: Bearer $(field token)" \
		"$venv/bin/scim2" --url "$(field scim)" test >"$work/report" 2>&1 || {
		sed '/^SUCCESS/,+1d' "$work/report" >&2
		fail "scim2-tester, provider $provider"
	}
	passed=$(grep -c '^SUCCESS ' "$work/report")
	[ "$passed" -ge 135 ] || fail "scim2-tester, provider $provider: $passed checks ran, fewer than there were"
	echo "scim2-tester, provider $provider: $passed checks passed, none failed, none skipped"
	kill "$server"
	wait "$server" || true
	server=
done
