package mapping

import (
	"strings"
	"unicode"
)

// toASCII writes text in ASCII letters: without accents, special letters spelled out, and what has no likeness
// left out.
func toASCII(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r <= unicode.MaxASCII:
			b.WriteRune(r)
		default:
			b.WriteString(spelled(r))
		}
	}
	return b.String()
}

// accented lists letters with an accent and the letter without.
const accented = "ÀÁÂÃÄÅĀĂĄ:A ÇĆĈĊČ:C ÈÉÊËĒĔĖĘĚ:E ÌÍÎÏĨĪĬĮİ:I ÑŃŅŇ:N ÒÓÔÕÖŌŎŐ:O ÙÚÛÜŨŪŬŮŰŲ:U ÝŶŸ:Y àáâãäåāăą:a çćĉċč:c èéêëēĕėęě:e ìíîïĩīĭį:i ñńņň:n òóôõöōŏő:o ùúûüũūŭůűų:u ýÿŷ:y Ď:D ď:d ĜĞĠĢ:G ĝğġģ:g Ĥ:H ĥ:h Ĵ:J ĵ:j Ķ:K ķ:k ĹĻĽ:L ĺļľ:l ŔŖŘ:R ŕŗř:r ŚŜŞŠȘ:S śŝşšș:s ŢŤȚ:T ţťț:t Ŵ:W ŵ:w ŹŻŽ:Z źżž:z"

// spelled returns how a letter that is no ASCII letter with an accent is written without it.
func spelled(r rune) string {
	const table = "ß:ss ẞ:SS æ:ae Æ:AE œ:oe Œ:OE ø:o Ø:O đ:d Đ:D ð:d Ð:D þ:th Þ:Th ł:l Ł:L ħ:h Ħ:H ı:i ŋ:n Ŋ:N ŧ:t Ŧ:T ĸ:k ‐:- ‑:- –:- —:- ’:' ‘:' “:\" ”:\""
	for entry := range strings.FieldsSeq(accented) {
		if letters, plain, _ := strings.Cut(entry, ":"); strings.ContainsRune(letters, r) {
			return plain
		}
	}
	i := strings.Index(table, string(r)+":")
	if i < 0 {
		return ""
	}
	text, _, _ := strings.Cut(table[i+len(string(r))+1:], " ")
	return text
}
