package resource

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// checkText walks over valid JSON once and refuses what encoding/json lets pass: equal keys in one object and
// escapes that are half a character.
func checkText(body []byte) error {
	var keys keyStack
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{', '[':
			keys.open()
		case '}', ']':
			keys.close()
		case '"':
			end := stringEnd(body, i)
			text := body[i+1 : end]
			if bytes.IndexByte(text, '\\') >= 0 {
				if err := checkSurrogates(text); err != nil {
					return err
				}
			}
			if followedByColon(body[end+1:]) && !keys.add(text) {
				return refuse(invalidSyntax, "the key %q stands twice in one object: names are compared ignoring case, send it once", string(text))
			}
			i = end
		}
	}
	return nil
}

// followedByColon reports whether the next thing in text is a colon, which makes a key of the string in front.
func followedByColon(text []byte) bool {
	for _, c := range text {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == ':'
		}
	}
	return false
}

// A keyStack holds the keys of the objects that are open, those of the innermost last.
type keyStack struct {
	keys   [][]byte
	levels []keyLevel
}

type keyLevel struct {
	start int                 // of its keys
	many  map[string]struct{} // its keys, folded, instead of looking through them, beyond a handful
}

func (s *keyStack) open() { s.levels = append(s.levels, keyLevel{start: len(s.keys)}) }

func (s *keyStack) close() {
	last := len(s.levels) - 1
	s.keys, s.levels = s.keys[:s.levels[last].start], s.levels[:last]
}

// add adds a key, written as in JSON but without quotes, and reports false if it was there.
func (s *keyStack) add(key []byte) bool {
	if bytes.IndexByte(key, '\\') >= 0 {
		var text string
		if json.Unmarshal(append(append([]byte{'"'}, key...), '"'), &text) != nil {
			return false
		}
		key = []byte(text)
	}
	level := &s.levels[len(s.levels)-1]
	if level.many != nil {
		folded := foldKey(key)
		_, found := level.many[folded]
		level.many[folded] = struct{}{}
		return !found
	}
	own := s.keys[level.start:]
	for _, k := range own {
		if bytes.EqualFold(k, key) {
			return false
		}
	}
	s.keys = append(s.keys, key)
	if len(own) == 32 {
		level.many = make(map[string]struct{}, 2*len(own))
		for _, k := range s.keys[level.start:] {
			level.many[foldKey(k)] = struct{}{}
		}
	}
	return true
}

// foldKey returns text that is equal for keys that are equal ignoring case.
func foldKey(key []byte) string { return strings.ToLower(strings.ToUpper(string(key))) }

// checkSurrogates refuses the inside of a JSON string in which a \u escape of a surrogate lacks its other half.
func checkSurrogates(text []byte) error {
	for i := bytes.IndexByte(text, '\\'); i >= 0 && i < len(text)-1; i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		switch escaped(text[i+1:]) {
		case lowSurrogate:
			return refuse(invalidSyntax, "a string has half a character as escape: %s", text[i-1:i+5])
		case highSurrogate:
			if rest := text[i+5:]; len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' || escaped(rest[2:]) != lowSurrogate {
				return refuse(invalidSyntax, "a string has half a character as escape: %s", text[i-1:i+5])
			}
			i += 6
		}
		i += 4
	}
	return nil
}

const (
	highSurrogate = 0xd800
	lowSurrogate  = 0xdc00
)

// escaped returns which surrogate the four hexadecimal digits at the beginning of text are, or 0.
func escaped(text []byte) int {
	n, err := strconv.ParseUint(string(text[:min(4, len(text))]), 16, 32)
	if err != nil {
		return 0
	}
	switch s := int(n) &^ 0x3ff; s {
	case highSurrogate, lowSurrogate:
		return s
	}
	return 0
}
