#!/usr/bin/env bash
# All operations of the Python client atlassian-python-api on users, groups and
# sessions, and as an administrator on directories, applications and memberships,
# against the fake.
source "$(dirname "${BASH_SOURCE[0]}")/fakecrowd.bash"
install_python atlassian-python-api 5.0.5 atlassian,lxml
start_fakecrowd
"$python" "$here/pypi-atlassian-python-api.py"
