package jiraleads_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads/jiratest"
)

// An oddAnswer transport answers a text to requests whose path ends so.
type oddAnswer struct {
	*jiratest.Server
	suffix, body string
	status       int
}

func (o oddAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, o.suffix) {
		return o.Server.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: o.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(o.body)), Request: r,
	}, nil
}

// odd hands over by a Jira that answers anything to requests whose path ends so. Only
// what ann leads may change, and errors are fit to be shown.
func odd(t *testing.T, product jiraleads.Product, suffix, body string, status int, also ...string) {
	jira := stage(jiratest.New(product))
	hook := hookOf(t, jira, func(c *jiraleads.Config) {
		c.Tries, c.HTTPClient = 1, &http.Client{Transport: oddAnswer{jira, suffix, body, status}}
		if product == jiraleads.Cloud {
			c.ProjectLead = "5b10-bob"
		}
	})
	err := handOver(t, hook, ann)
	if err != nil && (strings.ContainsFunc(err.Error(), func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) || len(err.Error()) > 10_000) {
		t.Errorf("an error that is not fit to be shown: %q", err)
	}
	for _, line := range jira.Leads() {
		switch line {
		case "OPS dan", "OPS/Net -", "WEB/Login dan", "LAB ann", "LAB bob", "WEB ann", "WEB bob", "OPS/Disk ann", "OPS/Disk cat", "WEB/Search ann", "WEB/Search cat":
		default:
			if slices.Contains(also, line) {
				continue
			}
			t.Errorf("after the answer %q: %s", body, line)
		}
	}
}

func FuzzProjectList(f *testing.F) {
	for _, s := range []string{"[]", `[{"id":"10001","key":"WEB","lead":{"key":"JIRAUSER-ann","name":"ann","active":true}}]`, `[{"id":10001,"lead":null},`, `[{"id":"../10001","key":"\u001b"}]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) { odd(t, jiraleads.DataCenter, "/project", body, 200) })
}

func FuzzProjectPage(f *testing.F) {
	for _, s := range []string{`{"startAt":0,"isLast":true,"total":1,"values":[{"id":"10001","key":"WEB","lead":{"accountId":"5b10-ann"}}]}`, `{"startAt":0,"values":[{}]}`, `{"total":-1}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) { odd(t, jiraleads.Cloud, "/project/search", body, 200) })
}

func FuzzComponents(f *testing.F) {
	for _, s := range []string{"[]", `[{"id":"10004","name":"Search","project":"WEB","projectId":10001,"lead":{"key":"JIRAUSER-ann","name":"ann"}}]`, `[{"id":true}]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) { odd(t, jiraleads.DataCenter, "/components", body, 200) })
}

func FuzzUsers(f *testing.F) {
	for _, s := range []string{"[]", `[{"accountId":"5b10-ann","accountType":"atlassian","emailAddress":"ann@example.com","active":true}]`, `[{"accountId":"5b10-dan","displayName":"ANN"}]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		odd(t, jiraleads.Cloud, "/user/search", body, 200, "OPS bob", "WEB/Login cat") // Jira may say that dan is ann
	})
}

func FuzzErrorEntity(f *testing.F) {
	for _, s := range []string{`{"errorMessages":["no"],"errors":{"projectLead":"You must specify a valid project lead."}}`, `{"message":"x\u2028\u202e"}`, `{"errorMessages":[1]}`, "<html>"} {
		f.Add(s, 400)
		f.Add(s, 404)
	}
	f.Fuzz(func(t *testing.T, body string, status int) {
		if status < 300 || status > 599 {
			status = 400
		}
		odd(t, jiraleads.DataCenter, "/user", body, status)
	})
}
