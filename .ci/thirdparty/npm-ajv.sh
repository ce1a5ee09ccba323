#!/usr/bin/env bash
# The JSON Schema of the configuration, in the hands of the validator ajv, against
# what the decoder accepts.
source "$(dirname "${BASH_SOURCE[0]}")/fakecrowd.bash"
packages=$cache/npm-ajv-8.20.0
export NODE_PATH=$packages/node_modules
node -e 'require("ajv"); require("ajv-formats")' 2>/dev/null ||
	install ajv npm install --prefix "$packages" --no-audit --no-fund ajv@8.20.0 ajv-formats@3.0.1
cd "$here/../.."
go run ./.ci/conformance/schema backup/testdata/minimal.json backup/testdata/full.json >"$work/documents"
node "$here/npm-ajv.js" <"$work/documents"
