package admin

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// entityID returns the id of a user or group in this API: that of the directory,
// and the name in URL-safe base64 without padding, as Atlassian's reference
// shows for groups: 1-Y3Jvd2QtYWRtaW5pc3RyYXRvcnM is crowd-administrators in
// directory 1.
func entityID(directory int64, name string) string {
	return strconv.FormatInt(directory, 10) + "-" + base64.RawURLEncoding.EncodeToString([]byte(name))
}

// nameIn returns the name in an id, and whether it is one.
func nameIn(id string) (name string, ok bool) {
	directory, encoded, found := strings.Cut(id, "-")
	if _, err := strconv.ParseInt(directory, 10, 64); err != nil || !found {
		return "", false
	}
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	return string(decoded), err == nil
}
