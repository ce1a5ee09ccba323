package crowdtest

import (
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
)

// ids makes identifiers that look random and are the same in every run.
type ids struct{ source *rand.ChaCha8 }

func (i *ids) bytes() [16]byte {
	if i.source == nil {
		i.source = rand.NewChaCha8([32]byte{})
	}
	var b [16]byte
	_, _ = i.source.Read(b[:]) // never fails
	return b
}

// newID returns the next identifier, by default in the form of a UUID.
func (s *Server) newID() string {
	if s.given.NewID != nil {
		return s.given.NewID()
	}
	b := s.ids.bytes()
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// newToken returns the token of a session.
func (s *Server) newToken() string {
	b := s.ids.bytes()
	return base64.RawURLEncoding.EncodeToString(b[:])
}
