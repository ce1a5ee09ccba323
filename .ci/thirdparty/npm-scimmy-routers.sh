#!/usr/bin/env bash
# The npm SCIM server scimmy-routers as the source of imports into the fake.
source "$(dirname "${BASH_SOURCE[0]}")/fakecrowd.bash"
packages=$cache/npm-scimmy-routers-1.3.2
export NODE_PATH=$packages/node_modules
node -e 'require("scimmy-routers"); require("express")' 2>/dev/null ||
	install scimmy-routers npm install --prefix "$packages" --no-audit --no-fund scimmy-routers@1.3.2 scimmy@1.3.5 express@4.22.3
(cd "$here/../.." && go build -o "$work/scimimport" ./.ci/thirdparty/scimimport)
export importer=$work/scimimport
start_fakecrowd
node "$here/npm-scimmy-routers.js"
