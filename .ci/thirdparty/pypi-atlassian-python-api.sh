#!/usr/bin/env bash
# All operations on users, groups and sessions of the Python client
# atlassian-python-api against the fake.
source "$(dirname "${BASH_SOURCE[0]}")/fakecrowd.bash"
install_python atlassian-python-api 5.0.5 atlassian,lxml
start_fakecrowd
"$python" "$here/pypi-atlassian-python-api.py"
