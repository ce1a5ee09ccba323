package oktatest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim/source/oktatest"
)

// get asks a server, with the right token unless another is given.
func get(tb testing.TB, s *oktatest.Server, path, token string) (*http.Response, string) {
	tb.Helper()
	r := httptest.NewRequest(http.MethodGet, "https://example.okta.com"+path, nil)
	if token == "" {
		token = "SSWS " + oktatest.DefaultToken
	}
	r.Header.Set("Authorization", token)
	response, err := s.RoundTrip(r)
	if err != nil {
		tb.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return response, string(body)
}

// org is an organisation of three users and a group.
func org() (s *oktatest.Server, group string) {
	s = &oktatest.Server{MostPerPage: 2}
	var ids []string
	for _, login := range []string{"ann", "bob", "cem"} {
		ids = append(ids, s.AddUser(oktatest.User{Profile: map[string]any{"login": login, "department": "Sales"}}))
	}
	s.SetStatus(ids[1], "SUSPENDED")
	s.SetStatus(ids[2], "DEPROVISIONED")
	s.SetProfile(ids[0], "department", "Engineering")
	return s, s.AddGroup("devs", ids...)
}

func logins(tb testing.TB, body string) []string {
	tb.Helper()
	var users []struct{ Profile struct{ Login string } }
	if err := json.Unmarshal([]byte(body), &users); err != nil {
		tb.Fatalf("%v in %s", err, body)
	}
	var all []string
	for _, u := range users {
		all = append(all, u.Profile.Login)
	}
	return all
}

func TestUsers(t *testing.T) {
	s, group := org()
	for _, c := range []struct {
		path string
		want []string
	}{
		{"/api/v1/users", []string{"ann", "bob"}}, // not those who are deprovisioned
		{"/api/v1/users?filter=status+eq+%22ACTIVE%22", []string{"ann"}},
		{"/api/v1/users?filter=status+eq+%22ACTIVE%22+or+status+eq+%22DEPROVISIONED%22", []string{"ann", "cem"}},
		{"/api/v1/users?search=profile.department+eq+%22Sales%22", []string{"bob", "cem"}},
		{"/api/v1/users?limit=1", []string{"ann"}},
		{"/api/v1/groups/" + group + "/users", []string{"ann", "bob"}},
	} {
		_, body := get(t, s, c.path, "")
		if diff := cmp.Diff(c.want, logins(t, body)); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", c.path, diff)
		}
	}
}

func TestPages(t *testing.T) {
	s, group := org()
	response, _ := get(t, s, "/api/v1/groups/"+group+"/users?limit=1", "")
	links := response.Header.Values("Link")
	if len(links) != 2 || !strings.HasSuffix(links[0], `rel="self"`) || !strings.HasSuffix(links[1], `rel="next"`) {
		t.Fatalf("links are %q", links)
	}
	next, _, _ := strings.Cut(strings.TrimPrefix(links[1], "<https://example.okta.com"), ">")
	response, body := get(t, s, next, "")
	if got := logins(t, body); len(got) != 1 || got[0] != "bob" {
		t.Errorf("the second page has %q", got)
	}
	if links := response.Header.Values("Link"); len(links) != 1 {
		t.Errorf("the last page has the links %q", links)
	}
}

func TestErrors(t *testing.T) {
	s, _ := org()
	for _, c := range []struct {
		path, token, code string
		status            int
	}{
		{"/api/v1/users", "SSWS wrong", "E0000011", 401},
		{"/api/v1/users", "Bearer " + oktatest.DefaultToken, "E0000011", 401},
		{"/api/v1/users/nobody", "", "E0000007", 404},
		{"/api/v1/groups/none/users", "", "E0000007", 404},
		{"/api/v1/users?filter=status+eq", "", "E0000031", 400},
		{"/api/v1/users?limit=none", "", "E0000001", 400},
		{"/api/v1/apps", "", "E0000007", 404},
	} {
		response, body := get(t, s, c.path, c.token)
		if response.StatusCode != c.status || !strings.Contains(body, `"errorCode":"`+c.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", c.path, response.StatusCode, body, c.status, c.code)
		}
	}
}

func TestRateLimit(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 0, 30, 0, time.UTC)
	s := &oktatest.Server{RateLimit: 2, Now: func() time.Time { return now }}
	for i, want := range []struct {
		status    int
		remaining string
	}{{200, "1"}, {200, "0"}, {429, "0"}} {
		response, _ := get(t, s, "/api/v1/groups", "")
		if got := response.Header.Get("X-Rate-Limit-Remaining"); response.StatusCode != want.status || got != want.remaining {
			t.Errorf("request %d: %d, %s remaining, want %d, %s", i, response.StatusCode, got, want.status, want.remaining)
		}
		if got, want := response.Header.Get("X-Rate-Limit-Reset"), fmt.Sprint(now.Unix()+30); got != want {
			t.Errorf("reset at %s, want %s", got, want)
		}
	}
	now = now.Add(time.Minute)
	if response, _ := get(t, s, "/api/v1/groups", ""); response.StatusCode != 200 {
		t.Errorf("after a minute: %d", response.StatusCode)
	}
}

func TestFaults(t *testing.T) {
	s, _ := org()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	ask := func() (int, string, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/users", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+oktatest.DefaultAccessToken)
		response, err := server.Client().Transport.RoundTrip(r)
		if err != nil {
			return 0, "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response.StatusCode, string(body), err
	}
	s.Fail(oktatest.Fault{Nth: 2, Kind: oktatest.CutBody})
	s.Fail(oktatest.Fault{Nth: 3, Kind: oktatest.Answer, Status: 503})
	s.Fail(oktatest.Fault{Nth: 4, Kind: oktatest.Garbage})
	var got []string
	for range 5 {
		status, body, err := ask()
		got = append(got, fmt.Sprintf("%d %t %t", status, strings.HasPrefix(body, "<"), err != nil))
	}
	want := []string{"200 false false", "200 false true", "503 false false", "200 true false", "200 false false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers mismatch (-want +got):\n%s", diff)
	}
	s.Fail(oktatest.Fault{Kind: oktatest.Answer, Status: 500, Times: 9})
	s.ClearFaults()
	if status, _, err := ask(); status != 200 || err != nil {
		t.Errorf("without faults: %d, %v", status, err)
	}
	s.Fail(oktatest.Fault{Kind: oktatest.Close})
	r := httptest.NewRequest(http.MethodGet, "https://example.okta.com/api/v1/users", nil)
	if _, err := s.RoundTrip(r); err == nil {
		t.Error("a closed connection gives an answer")
	}
	if calls := s.Calls(); len(calls) != 7 || calls[0] != "GET /api/v1/users" {
		t.Errorf("calls are %q", calls)
	}
}

// An organisation is a handler, and needs no network where it is a transport.
func Example() {
	okta := &oktatest.Server{}
	ann := okta.AddUser(oktatest.User{Profile: map[string]any{"login": "ann@example.com"}})
	group := okta.AddGroup("devs", ann)

	client := &http.Client{Transport: okta}
	r, err := http.NewRequest(http.MethodGet, "https://example.okta.com/api/v1/groups/"+group+"/users", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Authorization", "SSWS "+oktatest.DefaultToken)
	response, err := client.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	var users []struct {
		Status  string
		Profile map[string]string
	}
	if err := json.NewDecoder(response.Body).Decode(&users); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(users[0].Status, users[0].Profile["login"])
	// Output:
	// ACTIVE ann@example.com
}
