package store

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// NewCredential returns the digest of a password, salted with text that is
// unique to its owner. It keeps test passwords out of dumps; it is no defence
// for real ones.
func NewCredential(salt, password string) string {
	sum := sha256.Sum256([]byte(salt + "\x00" + password))
	return salt + "$" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// CredentialMatches tells whether the digest is that of the password.
func CredentialMatches(credential, password string) bool {
	i := strings.LastIndexByte(credential, '$')
	if i < 0 {
		return false
	}
	want := NewCredential(credential[:i], password)
	return subtle.ConstantTimeCompare([]byte(want), []byte(credential)) == 1
}
