// Package outgoing has what the packages below scim that call other servers share.
package outgoing

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const mostRetryAfter = 24 * time.Hour

// RetryAfter returns how long a server asks to be left alone by the header of that
// name, seconds or a date (RFC 9110 section 10.2.3): a day at most, and 0 where it does
// not ask or the date is past.
func RetryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), int(mostRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(date), 0), mostRetryAfter)
	}
	return 0
}
