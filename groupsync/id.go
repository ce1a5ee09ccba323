package groupsync

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// userID returns the SCIM id of the user with a Crowd key: the key, its first
// colon written as a dot and any other character that is not a letter, digit,
// hyphen or underscore as ~XX, byte by byte.
func userID(key string) string {
	var b strings.Builder
	b.Grow(len(key))
	colon := strings.IndexByte(key, ':')
	for i := range len(key) {
		switch c := key[i]; {
		case i == colon:
			b.WriteByte('.')
		case plain(c):
			b.WriteByte(c)
		default:
			b.WriteByte('~')
			b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
		}
	}
	return b.String()
}

// userKey is the reverse of userID; ok is false where no key has that id.
func userKey(id string) (key string, ok bool) {
	var b strings.Builder
	b.Grow(len(id))
	for i := 0; i < len(id); i++ {
		switch c := id[i]; {
		case plain(c):
			b.WriteByte(c)
		case c == '.':
			b.WriteByte(':')
		case c == '~' && i+2 < len(id):
			raw, err := hex.DecodeString(id[i+1 : i+3])
			if err != nil {
				return "", false
			}
			b.Write(raw)
			i += 2
		default:
			return "", false
		}
	}
	key = b.String()
	return key, key != "" && len(key) <= crowd.MaxNameLength && utf8.ValidString(key) && userID(key) == id
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// longName is the length in bytes beyond which a group's id holds the hash of
// its name in place of the name.
const longName = 180

// groupID returns the id that the generation-th SCIM group (from 1) of a name
// gets. It depends on nothing else, so that all who race to create a group, or
// show one that no connection has adopted yet, find the same.
func groupID(name string, generation int) string {
	prefix := "n-"
	if generation > 1 {
		prefix = "n" + strconv.Itoa(generation) + "-"
	}
	folded := crowd.Fold(name)
	if len(folded) > longName {
		sum := sha256.Sum256([]byte(folded))
		folded = string(sum[:])
	}
	return prefix + base64.RawURLEncoding.EncodeToString([]byte(folded))
}

// nameInID returns the folded name that a group id was made from; ok is false
// for malformed ids, and name is empty where the id holds a hash.
func nameInID(id string) (name string, generation int, ok bool) {
	head, tail, found := strings.Cut(id, "-")
	if !found || !strings.HasPrefix(head, "n") {
		return "", 0, false
	}
	generation = 1
	if digits := head[1:]; digits != "" {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 2 || strconv.Itoa(n) != digits {
			return "", 0, false
		}
		generation = n
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(tail)
	if err != nil || len(raw) == 0 {
		return "", 0, false
	}
	name = string(raw)
	if groupID(name, generation) == id && utf8.ValidString(name) {
		return name, generation, true
	}
	return "", generation, len(raw) == sha256.Size
}

// hash stands for an id or a name in the name of an attribute, which may not be
// longer than 255 characters: 128 bits in hexadecimal.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
