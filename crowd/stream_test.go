package crowd_test

import (
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A generated is a document that exists only while it is read.
type generated struct {
	text        strings.Reader // to be read next
	tail        string
	from, until int
	entry       func(i int) string
	read        int
}

// generate returns a document of the entries from, until but not including
// until.
func generate(head string, from, until int, entry func(int) string, tail string) *generated {
	g := &generated{tail: tail, from: from, until: until, entry: entry}
	g.text.Reset(head)
	return g
}

func (g *generated) Read(p []byte) (int, error) {
	for g.text.Len() == 0 {
		switch {
		case g.from < g.until:
			g.text.Reset(g.entry(g.from))
			g.from++
		case g.tail != "":
			g.text.Reset(g.tail)
			g.tail = ""
		default:
			return 0, io.EOF
		}
	}
	n, err := g.text.Read(p)
	g.read += n
	return n, err
}

// jsonMembers is a page of a list of users, as Crowd writes one.
func jsonMembers(from, until int) *generated {
	return generate(`{"expand":"user","users":[`, from, until, func(i int) string {
		comma := ","
		if i == from {
			comma = ""
		}
		return fmt.Sprintf(`%s{"link":{"href":"http://crowd.test/crowd/rest/usermanagement/1/user?username=user%d","rel":"self"},"name":"user%d"}`, comma, i, i)
	}, `]}`)
}

// xmlMemberships is a dump of n memberships in groups of 100 members.
func xmlMemberships(n int) *generated {
	return generate(`<memberships>`, 0, n, func(i int) string {
		member := fmt.Sprintf(`<user name="user%d"/>`, i)
		if i%100 == 0 {
			member = fmt.Sprintf(`<membership group="group%d"><users>`, i/100) + member
		}
		if i%100 == 99 || i == n-1 {
			member += `</users><groups/></membership>`
		}
		return member
	}, `</memberships>`)
}

// A directory answers lists of n members, in pages unless it ignores that, and
// the dump of all memberships.
type directory struct {
	n     int
	whole bool // answers with everything whatever was asked for
	calls int
	body  *generated // the latest
}

func (d *directory) RoundTrip(r *http.Request) (*http.Response, error) {
	d.calls++
	if strings.HasSuffix(r.URL.Path, "/membership") {
		d.body = xmlMemberships(d.n)
		return streaming{200, typeXML, d.body}.RoundTrip(r)
	}
	from, until := 0, d.n
	if !d.whole {
		params := r.URL.Query()
		from = min(d.n, number(params, "start-index"))
		until = min(d.n, from+number(params, "max-results"))
	}
	d.body = jsonMembers(from, until)
	return streaming{200, typeJSON, d.body}.RoundTrip(r)
}

func number(params url.Values, name string) int {
	n, err := strconv.Atoi(params.Get(name))
	if err != nil {
		panic(err)
	}
	return n
}

// live returns the bytes that are in use.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// peak reads a sequence to its end, and returns how many entries it had and by
// how much the memory in use grew meanwhile, looking ten times.
func peak[T any](t *testing.T, seq iter.Seq2[T, error], expected int) (n int, grown uint64) {
	t.Helper()
	before := live()
	for _, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%(expected/10) == 0 {
			if now := live(); now > before {
				grown = max(grown, now-before)
			}
		}
	}
	return n, grown
}

// A list takes the memory of a page, and a dump that of an edge, however long
// they are.
func TestStreamsTakeLittleMemory(t *testing.T) {
	const n, allowed = 100_000, 1 << 20
	for _, test := range []struct {
		name  string
		whole bool
		calls int
		list  func(*crowd.Client) (int, uint64)
	}{
		{"members in pages", false, 101, func(c *crowd.Client) (int, uint64) {
			return peak(t, c.Members(t.Context(), "all", crowd.List{}), n)
		}},
		{"members in one answer", true, 1, func(c *crowd.Client) (int, uint64) {
			return peak(t, c.Members(t.Context(), "all", crowd.List{}), n)
		}},
		{"memberships", true, 1, func(c *crowd.Client) (int, uint64) {
			return peak(t, c.Memberships(t.Context()), n)
		}},
	} {
		d := &directory{n: n, whole: test.whole}
		got, grown := test.list(clientOf(t, d, crowd.Config{}))
		if got != n || d.calls != test.calls {
			t.Errorf("%s: %d entries in %d calls, want %d in %d", test.name, got, d.calls, n, test.calls)
		}
		if test.whole && d.body.read < 2*allowed {
			t.Errorf("%s: an answer of %d bytes proves nothing", test.name, d.body.read)
		}
		if grown > allowed {
			t.Errorf("%s: memory grew by %d bytes, want at most %d", test.name, grown, allowed)
		}
	}
}
