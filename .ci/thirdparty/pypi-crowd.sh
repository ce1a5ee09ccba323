#!/usr/bin/env bash
# All operations of the Python client crowd, also known as python-crowd, against
# the fake. It keeps cookies, sends back whole users and searches in XML.
source "$(dirname "${BASH_SOURCE[0]}")/fakecrowd.bash"
install_python crowd 3.1.0 crowd
start_fakecrowd
"$python" "$here/pypi-crowd.py"
