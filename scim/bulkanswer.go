package scim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// response renders what came of the operations that were tried.
func (b *bulk) response() []byte {
	results := []any{}
	for _, op := range b.operations {
		if !op.begun {
			continue
		}
		result := map[string]any{"status": strconv.Itoa(op.status)}
		set := func(name, value string) {
			if value != "" {
				result[name] = value
			}
		}
		set("method", op.method)
		set("bulkId", op.id)
		if f := op.failure; f != nil {
			result["status"] = strconv.Itoa(f.status)
			result["response"] = json.RawMessage(f.body())
			if op.method != http.MethodPost {
				set("location", b.located(op))
			} else if op.made != "" { // and then it could not be completed
				set("location", op.location)
			}
		} else {
			set("location", op.location)
			set("version", op.etag)
			if op.location == "" {
				set("location", b.located(op))
			}
		}
		results = append(results, result)
	}
	var e encoder
	e.resource(map[string]any{"schemas": []any{bulkResponseSchema}, "Operations": results})
	return e.buf
}

// located returns the address an operation was meant for.
func (b *bulk) located(op *bulkOperation) string {
	path, _, missing := b.resolve(op)
	if len(missing) > 0 || !b.addressed(op.path) {
		return ""
	}
	path, _, _ = strings.Cut(path, "?")
	return b.h.base + "/" + strings.Trim(path, "/")
}
