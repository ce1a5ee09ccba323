package scim_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// dial opens a bare connection to the bridge.
func (b *bridge) dial() net.Conn {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return conn
}

func TestBodyTooLarge(t *testing.T) {
	b := newBridge(t)
	t.Run("by its length, unread", func(t *testing.T) {
		conn := b.dial()
		fmt.Fprintf(conn, "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", b.token, 8<<20+1)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != 413 {
			t.Errorf("status = %d, want 413 before any of the body was sent", response.StatusCode)
		}
	})
	t.Run("while it is read", func(t *testing.T) {
		conn := b.dial()
		fmt.Fprintf(conn, "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n", b.token)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<20, strings.Repeat(" ", 1<<20))
			for range 8 {
				io.WriteString(conn, chunk)
			}
			io.WriteString(conn, "1\r\n \r\n") // one byte too many
		}()
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		<-sent
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != 413 {
			t.Errorf("status = %d, want 413", response.StatusCode)
		}
	})
	t.Run("by its length, sent whole before the answer is read", func(t *testing.T) {
		conn := b.dial()
		body := strings.Repeat(" ", 9<<20)
		_, err := fmt.Fprintf(conn, "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", b.token, len(body), body)
		if err != nil {
			t.Fatalf("the body could not be sent: %v", err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != 413 || !response.Close {
			t.Errorf("status = %d, close = %v, want 413 and the connection closed", response.StatusCode, response.Close)
		}
	})
	t.Run("without an end", func(t *testing.T) {
		conn := b.dial()
		fmt.Fprintf(conn, "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n", b.token)
		chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<20, strings.Repeat(" ", 1<<20))
		sent := 0
		for ; sent < 200; sent++ {
			if _, err := io.WriteString(conn, chunk); err != nil {
				break
			}
		}
		if sent > 100 {
			t.Errorf("%d MiB were taken of a body that is refused, want an end to it", sent)
		}
	})
	if calls := b.crowd.Calls(); len(calls) != 0 {
		t.Errorf("%d calls to Crowd, want none", len(calls))
	}
}

// TestSlowBody checks that a client that never sends its body is cut off.
func TestSlowBody(t *testing.T) {
	b := newBridge(t, func(b *bridge) { b.cfg.Limits.Time = 200 * time.Millisecond })
	conn := b.dial()
	fmt.Fprintf(conn, "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{", b.token)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return // cut off without a word
	}
	defer response.Body.Close()
	if response.StatusCode != 408 {
		t.Errorf("status = %d, want 408", response.StatusCode)
	}
}

// A timedWriter notes the deadlines of its connection.
type timedWriter struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (w *timedWriter) SetReadDeadline(t time.Time) error {
	w.read = append(w.read, t)
	return nil
}

func (w *timedWriter) SetWriteDeadline(t time.Time) error {
	w.write = append(w.write, t)
	return nil
}

// TestSlowReader checks that a client has until the end of the request's time,
// and a little for the answer, and that the next request on its connection is
// not bound by that.
func TestSlowReader(t *testing.T) {
	g := newTarget(t)
	r := httptest.NewRequest("GET", "/Users", nil)
	r.Header.Set("Authorization", "Bearer "+g.token)
	w := &timedWriter{ResponseRecorder: httptest.NewRecorder()}
	earliest := time.Now().Add(50 * time.Second)
	g.h.ServeHTTP(w, r)
	latest := time.Now().Add(60 * time.Second)
	for name, set := range map[string][]time.Time{"read": w.read, "write": w.write} {
		if len(set) != 2 || set[0].Before(earliest) || set[0].After(latest) || !set[1].IsZero() {
			t.Errorf("%s deadlines %v, want one from %v to %v, then none", name, set, earliest, latest)
		}
	}
}

// TestHostileInput sends what is meant to exhaust a server. The answer is a
// quick 400, and Crowd never hears of it.
func TestHostileInput(t *testing.T) {
	b := newBridge(t)
	id := b.user("ann")
	brackets := strings.Repeat("(", 100_000)
	tests := map[string]struct {
		method, path, body string
		status             int
	}{
		"filter of brackets":          {"GET", "/Users?filter=" + brackets, "", 400},
		"search filter of brackets":   {"POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"` + brackets + `"}`, 400},
		"filter of MiBs":              {"GET", "/Users?filter=" + strings.Repeat("a", 600_000), "", 414},
		"escaped filter of brackets":  {"GET", "/Users?filter=" + url.QueryEscape(brackets), "", 400},
		"sorting by no sub-attribute": {"GET", "/Users?sortBy=name.shoeSize", "", 400},
		"sorting by a complex value":  {"GET", "/Users?sortBy=name", "", 400},
		"sorting by members":          {"GET", "/Groups?sortBy=members.value", "", 400},
		"nested value paths":          {"GET", "/Users?filter=" + strings.Repeat("emails[", 1000), "", 400},
		"long filter":                 {"GET", "/Users?filter=" + url.QueryEscape(strings.Repeat(`userName eq "a" or `, 1000)+`userName eq "a"`), "", 400},
		"path of brackets":            {"PATCH", "/Users/" + id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"emails[` + brackets + `"}]}`, 400},
		"deep body":                   {"POST", "/Users", strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000), 400},
		"deep array":                  {"POST", "/Users", `{"userName":` + strings.Repeat("[", 100_000), 400},
		"many operations":             {"PATCH", "/Users/" + id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Repeat(`{"op":"remove","path":"title"},`, 1000) + `{"op":"remove","path":"title"}]}`, 413},
		"many bulk operations":        {"POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Repeat(`{"method":"DELETE","path":"/Users/1"},`, 1000) + `{"method":"DELETE","path":"/Users/1"}]}`, 413},
		"huge number":                 {"POST", "/Users", `{"userName":` + strings.Repeat("9", 100_000) + `}`, 400},
		"no UTF-8":                    {"POST", "/Users", "{\"userName\":\"\xff\"}", 400},
		"bad percent-encoding":        {"GET", "/Users?filter=%zz", "", 400},
		"huge page":                   {"GET", "/Users?count=99999999999999999999", "", 200},
		"page far away":               {"GET", "/Users?startIndex=99999999999999999999", "", 200},
		"long list of attributes":     {"GET", "/Users?attributes=" + strings.Repeat("a,", 20_000), "", 400},
		"long cursor":                 {"GET", "/Users?cursor=" + strings.Repeat("A", 20_000), "", 400},
		"id with a slash":             {"GET", "/Users/a%2Fb", "", 404},
		"id with a zero byte":         {"GET", "/Users/a%00b", "", 404},
		"id that climbs":              {"GET", "/Users/%2e%2e", "", 404},
		"long id":                     {"GET", "/Users/" + strings.Repeat("a", 10_000), "", 404},
		"operators without operands":  {"GET", "/Users?filter=and+or+not", "", 400},
		"comparison of another type":  {"GET", "/Users?filter=active+gt+true", "", 400},
		"attribute nobody knows":      {"GET", "/Users?filter=shoeSize+eq+5", "", 400},
		"sorting by what is unknown":  {"GET", "/Users?sortBy=shoeSize", "", 400},
		"unknown order":               {"GET", "/Users?sortBy=userName&sortOrder=sideways", "", 400},
		"count that is no number":     {"GET", "/Users?count=ten", "", 400},
		"index that is no number":     {"GET", "/Users?startIndex=1.5", "", 400},
		"filter given twice":          {"GET", "/Users?filter=active+eq+true&filter=active+eq+false", "", 400},
		"both kinds of projection":    {"GET", "/Users?attributes=title&excludedAttributes=title", "", 400},
		"index and cursor":            {"GET", "/Users?startIndex=1&cursor=", "", 400},
		"body that is an array":       {"POST", "/Users", `[]`, 400},
		"body that is empty":          {"POST", "/Users", ` `, 400},
		"body with something behind":  {"POST", "/Users", `{"userName":"x"} {}`, 400},
		"body with a key twice":       {"POST", "/Users", `{"userName":"x","USERNAME":"y"}`, 400},
		"user without a name":         {"POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}`, 400},
		"user with an empty name":     {"POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":""}`, 400},
		"user with a name of objects": {"POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":{"a":1}}`, 400},
		"group without a name":        {"POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}`, 400},
		"form":                        {"POST", "/Users", `userName=x`, 400},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var a answer
			calls := b.calls(func() { a = b.do(test.method, test.path, test.body) })
			if a.status != test.status {
				t.Errorf("status = %d, want %d\n%.300s", a.status, test.status, a.text)
			}
			if a.status >= 400 && (a.string("detail") == "" || a.string("status") != fmt.Sprint(a.status)) {
				t.Errorf("the body is no SCIM error with a detail: %.300s", a.text)
			}
			if a.status == 400 || a.status == 413 || a.status == 414 || test.path[:3] == "/Us" && a.status == 404 && strings.Contains(test.path, "%") {
				if len(calls) != 0 {
					t.Errorf("%d calls to Crowd for a refused request, the first %s %s", len(calls), calls[0].Method, calls[0].Resource)
				}
			}
		})
	}
}
