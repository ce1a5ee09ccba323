#!/usr/bin/env bash
# All operations of the npm client atlassian-crowd-client against the fake.
source "$(dirname "${BASH_SOURCE[0]}")/fakecrowd.bash"
packages=$cache/npm-atlassian-crowd-client-2.0.0
export NODE_PATH=$packages/node_modules
node -e 'require("atlassian-crowd-client")' 2>/dev/null ||
	install atlassian-crowd-client npm install --prefix "$packages" --no-audit --no-fund atlassian-crowd-client@2.0.0 core-js@0.9.18
start_fakecrowd
node "$here/npm-atlassian-crowd-client.js"
