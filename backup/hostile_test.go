package backup_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// repeated returns count texts that make gives, with commas between.
func repeated(count int, make func(i int) string) string {
	var b strings.Builder
	for i := range count {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(make(i))
	}
	return b.String()
}

func same(text string) func(int) string { return func(int) string { return text } }

func TestReadHostile(t *testing.T) {
	const large = 16 << 20
	name := strings.Repeat("n", 1<<20)
	tests := []struct{ name, document, problem string }{
		{"larger than allowed", strings.Repeat(" ", large+1), "the document is larger than 16 MiB"},
		{"opening brackets", strings.Repeat("[", large), "the document is nested more than 32 deep, at line 1, column 34"},
		{"opening braces", strings.Repeat(`{"a":`, large/5), "the document is nested more than 32 deep, at line 1, column 162"},
		{"many values", `{"connections": [` + strings.Repeat("0,", large/2-100) + `0]}`, "the document holds more than 250000 values"},
		{"one long text", `{"format": "` + strings.Repeat("x", large-100) + `"}`, "the text is longer than 4096 characters"},
		{"one key, many times", "{" + repeated(200_000, same(`"format": 1`)) + "}", "the field stands there 200000 times"},
		{"many unknown keys", "{" + repeated(200_000, func(i int) string { return fmt.Sprintf(`"key%d": 1`, i) }) + "}", "199002 faults more"},
		{"long unknown keys", `{"connections": [` + repeated(7, same(`{"`+name+`": 1, "`+name+`": 2}`)) + `]}`, "the field is not known"},
		{"many connections", document(repeated(200_000, same("0"))), "the list has 200000 entries, more than 1000"},
		{"deep paths", document(repeated(1000, func(i int) string {
			return strings.Replace(connection(fmt.Sprint("c", i), ""), "/scim/", strings.Repeat("/a", 100), 1)
		}) + ", 1"), "the list has 1001 entries"},
		{"many bad paths", users(`"attributes": [` + repeated(1000, func(i int) string {
			return fmt.Sprintf(`{"to": "x%d", "from": [%s]}`, i, repeated(20, same(`"emailz.valu"`)))
		}) + `]`), "does not fit the schema"},
		{"more paths than allowed", users(`"attributes": [` + repeated(1000, func(i int) string {
			return fmt.Sprintf(`{"to": "x%d", "from": [%s]}`, i, repeated(21, same(`"userName"`)))
		}) + `]`), "the document has more than 20000 attribute paths"},
		{"many bad expressions", users(`"attributes": [` + repeated(1000, func(i int) string {
			return fmt.Sprintf(`{"to": "x%d", "expr": "usrName + %s"}`, i, strings.Repeat("a+", 900)+"a")
		}) + `]`), ""},
		{"many rules", groups(`"manual": {"rules": [` + repeated(2000, func(i int) string {
			return fmt.Sprintf(`{"from": "%d%s", "to": ["x%s"]}`, i, strings.Repeat("z", 250), strings.Repeat(" ", 10))
		}) + `]}`), ""},
		{"many patterns", groups(`"manual": {"rules": [` + repeated(1000, func(i int) string {
			return fmt.Sprintf(`{"fromPattern": "%d(%s)", "to": [" x"]}`, i, strings.Repeat("a?", 240))
		}) + `]}`), ""},
		{
			"more patterns than allowed", groups(`"manual": {"rules": [` + repeated(1001, same(`{"fromPattern": "a", "to": ["x"]}`)) + `]}`),
			"the document has more than 1000 expressions and regular expressions",
		},
		{"rules in many connections", document(repeated(20, func(i int) string {
			return connection(fmt.Sprint("c", i), `, "groups": {"manual": {"rules": [`+repeated(900, func(j int) string {
				return fmt.Sprintf(`{"from": "%d", "to": ["x"]}`, j)
			})+`]}}`)
		})), "/connections/19/groups: with these, the document has too many rules"},
		{"targets of patterns", groups(`"manual": {"rules": [` + repeated(400, func(i int) string {
			return fmt.Sprintf(`{"fromPattern": "%d(.*)", "to": [%s], "keepExistingUsers": %t}`, i, repeated(9, func(j int) string {
				return fmt.Sprintf(`"%s%d-%d-$1"`, strings.Repeat("x", 200), i, j)
			}), i%2 == 0)
		}) + `, {"from": "a", "to": []}]}`), "/groups/manual/rules/400/to: the list is empty"},
		{"more targets of patterns than allowed", groups(`"manual": {"rules": [` + repeated(500, same(`{"fromPattern": "a(.*)", "to": [`+
			repeated(9, same(`"$1"`))+`]}`)) + `]}`), "the document has too many rules"},
		{"a filter that is none", users(`"filter": "` + strings.Repeat("a+", 900) + `a"`), "the expression names a, which is no attribute"},
		{"long pattern lists", groups(`"onTheFly": {"only": [` + repeated(1000, same(`"`+strings.Repeat("*a", 100)+`"`)) +
			`], "never": [` + repeated(1000, same(`"`+strings.Repeat("*a", 100)+`b"`)) + `]}, "extra": 1`), "the field is not known"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			_, err := backup.Read(strings.NewReader(test.document))
			took := time.Since(begun)
			runtime.ReadMemStats(&after)
			faults, ok := errors.AsType[mapping.Faults](err)
			if !ok {
				t.Fatalf("Read error is %T (%.200v), want mapping.Faults", err, err)
			}
			text := faults.Error()
			if !strings.Contains(text, test.problem) {
				t.Errorf("Read error holds no %q:\n%.500s", test.problem, text)
			}
			if len(text) > 1<<20 {
				t.Errorf("the faults have %d bytes", len(text))
			}
			t.Logf("%d faults, %d bytes of text, %v, %d MiB allocated", len(faults), len(text), took, (after.TotalAlloc-before.TotalAlloc)>>20)
			if limit := 20 * time.Second; took > limit { // far beyond what it takes, for slow machines and the race detector
				t.Errorf("Read took %v", took)
			}
		})
	}
}
