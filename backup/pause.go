package backup

import (
	"io"
	"net/http"
)

// pausedFor is when a paused connection asks clients to come back, in seconds:
// soon enough that little piles up, late enough that few requests are spent on it.
const pausedFor = "60"

// paused answers as a connection that is paused: in the error form of RFC 7644
// section 3.12, before any credential is looked at.
func paused(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", pausedFor)
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(http.StatusServiceUnavailable)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"503",`+
			`"detail":"the connection is paused by its administrator; send the request again later"}`)
	}
}
