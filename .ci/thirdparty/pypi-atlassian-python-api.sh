#!/usr/bin/env bash
# All operations on users, groups and sessions of the Python client
# atlassian-python-api against the fake.
source "$(dirname "${BASH_SOURCE[0]}")/fakecrowd.bash"
packages=$cache/pypi-atlassian-python-api-5.0.5
python=$packages/bin/python

install_client() {
	python3 -m venv --clear "$packages" &&
		"$python" -m pip install --disable-pip-version-check --requirement "$here/pypi-atlassian-python-api.txt"
}

"$python" -c 'import atlassian, lxml' 2>/dev/null || install atlassian-python-api install_client
start_fakecrowd
"$python" "$here/pypi-atlassian-python-api.py"
