package scim

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// Versions (RFC 7644 section 3.14) are weak: a hash of what a client sees of a
// resource. Those of groups leave the members out, for to know them they would
// have to be read; a representation with members therefore has none.
//
// If-Match is checked against a read just before the write. Crowd has no
// conditional write, so a change that another server makes in between is not
// noticed.

// version returns the version of a resource without its meta attribute.
func version(doc map[string]any, modified any) string {
	var text [20]byte
	tag := append(text[:0], `W/"`...)
	encoding(func(e *encoder) {
		e.object(doc)
		e.value(modified)
		sum := sha256.Sum256(e.buf)
		tag = base64.RawURLEncoding.AppendEncode(tag, sum[:12])
	})
	return string(append(tag, '"'))
}

func versionOf(doc map[string]any) string {
	meta, _ := doc["meta"].(map[string]any)
	v, _ := meta["version"].(string)
	return v
}

// conditional reports whether a write must first compare versions.
func conditional(header http.Header) bool {
	return header.Get("If-Match") != "" || header.Get("If-None-Match") != ""
}

// checkMatch holds the preconditions of a write against the version there is.
func checkMatch(header http.Header, etag string) *failure {
	if held(header, etag) {
		return &failure{
			status: http.StatusPreconditionFailed,
			detail: "If-None-Match: the resource has a version that the header excludes; leave the header out to change it",
		}
	}
	return checkIfMatch(header, etag)
}

// checkIfMatch holds If-Match alone, which reads may have too.
func checkIfMatch(header http.Header, etag string) *failure {
	if value := strings.Join(header.Values("If-Match"), ","); value == "" || listed(value, etag) {
		return nil
	}
	return &failure{
		status: http.StatusPreconditionFailed,
		detail: "If-Match: the resource has another version by now; read it again and repeat the request",
	}
}

// held reports whether If-None-Match names the version there is. A reader that
// holds it gets 304.
func held(header http.Header, etag string) bool {
	value := strings.Join(header.Values("If-None-Match"), ",")
	return value != "" && listed(value, etag)
}

// listed compares weakly, as RFC 9110 section 8.8.3.2 defines it.
func listed(value, etag string) bool {
	etag = strings.TrimPrefix(etag, "W/")
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		if item == "*" || strings.TrimPrefix(item, "W/") == etag {
			return true
		}
	}
	return false
}
