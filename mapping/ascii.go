package mapping

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// toASCII writes text in ASCII letters: without accents, special letters spelled out, and what has no likeness
// left out.
func toASCII(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch {
		case r <= unicode.MaxASCII:
			b.WriteRune(r)
		default:
			b.WriteString(spelled(r))
		}
	}
	return b.String()
}

// spelled returns how a letter that is no ASCII letter with an accent is written without it.
func spelled(r rune) string {
	const table = "ß:ss ẞ:SS æ:ae Æ:AE œ:oe Œ:OE ø:o Ø:O đ:d Đ:D ð:d Ð:D þ:th Þ:Th ł:l Ł:L ħ:h Ħ:H ı:i ŋ:n Ŋ:N ŧ:t Ŧ:T ĸ:k ‐:- ‑:- –:- —:- ’:' ‘:' “:\" ”:\""
	i := strings.Index(table, string(r)+":")
	if i < 0 {
		return ""
	}
	text, _, _ := strings.Cut(table[i+len(string(r))+1:], " ")
	return text
}
