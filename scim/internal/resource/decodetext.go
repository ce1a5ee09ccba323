package resource

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// checkText walks over valid JSON once and refuses what encoding/json lets pass: equal keys in one object and
// escapes that are half a character.
func checkText(body []byte) error {
	var open []keySet // one for each open array or object
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{', '[':
			open = append(open, keySet{})
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			end := stringEnd(body, i)
			text := body[i : end+1]
			if err := checkSurrogates(text); err != nil {
				return err
			}
			if after := bytes.TrimLeft(body[end+1:], " \t\r\n"); len(after) > 0 && after[0] == ':' {
				if key, ok := open[len(open)-1].add(text); !ok {
					return refuse(invalidSyntax, "the key %q stands twice in one object: names are compared ignoring case, send it once", key)
				}
			}
			i = end
		}
	}
	return nil
}

// A keySet holds the keys of one object, folded.
type keySet struct {
	few  []string
	many map[string]struct{} // instead of few, beyond a handful
}

// add adds the key written as a JSON string and reports false if it was there.
func (s *keySet) add(text []byte) (key string, ok bool) {
	if bytes.IndexByte(text, '\\') < 0 {
		key = string(text[1 : len(text)-1])
	} else if json.Unmarshal(text, &key) != nil {
		return string(text), false
	}
	folded := strings.ToLower(key)
	if s.many != nil {
		_, found := s.many[folded]
		s.many[folded] = struct{}{}
		return key, !found
	}
	if slices.Contains(s.few, folded) {
		return key, false
	}
	s.few = append(s.few, folded)
	if len(s.few) > 32 {
		s.many = make(map[string]struct{}, 2*len(s.few))
		for _, k := range s.few {
			s.many[k] = struct{}{}
		}
	}
	return key, true
}

// checkSurrogates refuses a JSON string in which a \u escape of a surrogate lacks its other half.
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
