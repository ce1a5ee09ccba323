package groupsync

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Crowd keeps the values of an attribute as a set of strings, without order, and
// cuts each after 255 characters. A document is therefore kept as numbered
// pieces, in ASCII so that no database alters it, each closed by a full stop so
// that none loses a trailing space.

// pieceLength is how much of a document one value holds.
const pieceLength = 240

// pack returns the values that keep a JSON document.
func pack(document []byte) []string {
	text := ascii(document)
	count := (len(text) + pieceLength - 1) / pieceLength
	pieces := make([]string, 0, count)
	for i := range count {
		piece := text[i*pieceLength : min((i+1)*pieceLength, len(text))]
		pieces = append(pieces, strconv.Itoa(i)+"/"+strconv.Itoa(count)+":"+piece+".")
	}
	return pieces
}

// unpack is the reverse of pack. Values that are no pieces are passed over;
// where there are none at all, or one is missing, it returns nil.
func unpack(values []string) []byte {
	if text := unpackText(values); text != "" {
		return []byte(text)
	}
	return nil
}

// unpackText is unpack, without a copy of a document of one piece.
func unpackText(values []string) string {
	var pieces []string
	found := 0
	for _, v := range values {
		number, piece, isPiece := strings.Cut(v, ":")
		if !isPiece || !strings.HasSuffix(piece, ".") {
			continue
		}
		i, count, isNumber := splitNumber(number)
		if !isNumber {
			continue
		}
		if count == 1 && len(values) <= 2 { // what most are, beside a state
			return piece[:len(piece)-1]
		}
		if pieces == nil {
			pieces = make([]string, count)
		}
		if count != len(pieces) || pieces[i] != "" {
			return ""
		}
		pieces[i] = piece
		found++
	}
	if found == 0 || found != len(pieces) {
		return ""
	}
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p[:len(p)-1])
	}
	return b.String()
}

func splitNumber(s string) (i, count int, ok bool) {
	left, right, found := strings.Cut(s, "/")
	i, err1 := strconv.Atoi(left)
	count, err2 := strconv.Atoi(right)
	const most = 1 << 16
	return i, count, found && err1 == nil && err2 == nil && i >= 0 && i < count && count <= most
}

// ascii returns a JSON document with all other characters escaped.
func ascii(document []byte) string {
	var b strings.Builder
	b.Grow(len(document))
	for _, r := range string(document) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		}
	}
	return b.String()
}

// A note is what a register says beyond its state: which id or name its hash
// stands for, and when and by which request it was written.
type note struct {
	ID         string    `json:"id,omitempty"`
	Name       string    `json:"name,omitempty"`
	ExternalID string    `json:"externalId,omitempty"`
	Members    string    `json:"members,omitempty"`
	Made       bool      `json:"made,omitempty"`
	Child      string    `json:"child,omitempty"`
	Found      bool      `json:"found,omitempty"`
	At         time.Time `json:"at,omitzero"`
	Request    string    `json:"request,omitempty"`
}

// register returns the values of a register: its state, which can be searched
// for, and its note.
func register(state string, n note) []string {
	document, err := json.Marshal(n)
	if err != nil {
		panic(err) // a note has only strings and a time
	}
	return append([]string{state}, pack(document)...)
}

// readRegister is the reverse of register. Among the values, the state is the
// one of those known.
func readRegister(values []string, states ...string) (state string, n note) {
	for _, s := range states {
		if slices.Contains(values, s) {
			state = s
			break
		}
	}
	document := unpackText(values)
	if n, ok := scanNote(document); ok || document == "" {
		return state, n
	}
	if err := json.Unmarshal([]byte(document), &n); err != nil {
		return state, note{}
	}
	return state, n
}
