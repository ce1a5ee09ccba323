package resource

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Decode reads a request body, one JSON object. Numbers come as [json.Number]. Refused with invalidSyntax are:
// anything behind the object, text that is not UTF-8, lone surrogates, nesting beyond the limit, and keys of one
// object that are equal ignoring case, since attribute names are (RFC 7643 section 2.1). A byte order mark in front
// is ignored, as RFC 8259 section 8.1 allows.
func Decode(body []byte, l Limits) (map[string]any, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		return nil, refuse(invalidSyntax, "the body is not valid UTF-8: send JSON encoded as UTF-8")
	}
	if err := checkDepth(body, l.depth()); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, refuse(invalidSyntax, "the body is not JSON: %s", decodeProblem(err))
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, refuse(invalidSyntax, "the body is %s: send one JSON object", kindOf(v))
	}
	if rest := bytes.TrimLeft(body[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, refuse(invalidSyntax, "something follows the JSON object: send one object and nothing behind it")
	}
	if err := checkText(body); err != nil {
		return nil, err
	}
	return doc, nil
}

// decodeProblem puts a decoding error into words, without the name of the package it is from.
func decodeProblem(err error) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("%s at byte %d", syntax.Error(), syntax.Offset)
	}
	if errors.Is(err, io.EOF) {
		return "it is empty"
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends in the middle"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// checkDepth counts brackets outside of strings. It needs no valid JSON, and so runs before anything that recurses.
func checkDepth(body []byte, limit int) error {
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = stringEnd(body, i)
		case '{', '[':
			if depth++; depth > limit {
				return refuse(invalidSyntax, "the body nests deeper than %d levels", limit)
			}
		case '}', ']':
			depth--
		}
	}
	return nil
}

// stringEnd returns the position of the quote that ends the string beginning at i, or of the end of body.
func stringEnd(body []byte, i int) int {
	for i++; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(body)
}
