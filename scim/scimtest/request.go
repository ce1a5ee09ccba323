package scimtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// patience is how long an answer may take: Okta closes the connection then.
const patience = time.Minute

// An answer is what came back.
type answer struct {
	status  int
	header  http.Header
	text    []byte
	content resource // nil where the body is no JSON object
}

// A cycle is one run of the job. Its report grows as it goes.
type cycle struct {
	*IdP
	report Report
}

// send sends a request, again after a 429 as the app does, and returns the
// answer if its status is 2xx. The error is a *Failure, or the context's.
func (c *cycle) send(ctx context.Context, task, method, target string, body any) (*answer, error) {
	data, err := encode(body)
	if err != nil {
		return nil, err
	}
	wait := c.app.retry.first
	for attempt := 1; ; attempt++ {
		a, err := c.once(ctx, method, target, data)
		c.record(task, method, target, data, a)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, &Failure{Task: task, Detail: err.Error()}
		case a.status == http.StatusTooManyRequests && attempt < c.app.retry.attempts:
			if err := c.pause(ctx, a, &wait); err != nil {
				return nil, err
			}
		case a.status/100 != 2:
			return nil, &Failure{Task: task, Status: a.status, Detail: a.detail()}
		default:
			return a, nil
		}
	}
}

func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	return json.Marshal(body)
}

// pause waits what the answer asks for, in whole seconds; any other Retry-After
// is overlooked.
func (c *cycle) pause(ctx context.Context, a *answer, wait *time.Duration) error {
	d := *wait
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && seconds >= 0 {
		d = time.Duration(seconds) * time.Second
	} else {
		*wait *= 2
	}
	return c.cfg.Wait(ctx, d)
}

func (c *cycle) record(task, method, target string, body []byte, a *answer) {
	s := Step{Task: task, Method: method, URL: target, Body: string(body)}
	if a != nil {
		s.Status, s.Answer = a.status, string(a.text)
	}
	c.report.Steps = append(c.report.Steps, s)
}

// once sends a request once. Whatever the status, it is no error.
func (i *IdP) once(ctx context.Context, method, target string, body []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, i.cfg.BaseURL+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range i.app.header {
		r.Header.Set(name, value)
	}
	if i.cfg.Token != "" {
		r.Header.Set("Authorization", "Bearer "+i.cfg.Token)
	}
	if body != nil {
		r.Header.Set("Content-Type", i.app.contentType)
	}
	response, err := i.cfg.HTTPClient.Do(r)
	if err != nil {
		return nil, bare(err)
	}
	defer response.Body.Close()
	a := &answer{status: response.StatusCode, header: response.Header}
	if a.text, err = io.ReadAll(response.Body); err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	_ = json.Unmarshal(a.text, &a.content) // what is no object stays nil
	return a, nil
}

// bare is a transport's error without method and URL, which a step has.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// detail is the text for the administrator. RFC 7644 section 3.12.
func (a *answer) detail() string {
	if detail, ok := a.content["detail"].(string); ok && detail != "" {
		return detail
	}
	if a.content == nil && len(a.text) > 0 {
		return "the answer is no JSON object: " + string(a.text[:min(len(a.text), 200)])
	}
	return http.StatusText(a.status)
}

// resources returns the resources of a list, and the total. RFC 7644 section
// 3.4.2.
func (a *answer) resources() (list []resource, total int, err error) {
	number, ok := a.content["totalResults"].(float64)
	if !ok {
		return nil, 0, errors.New("the answer is no ListResponse: totalResults is no number")
	}
	all, _ := a.content["Resources"].([]any)
	for _, entry := range all {
		r, ok := entry.(resource)
		if !ok || text("id")(r) == "" {
			return nil, 0, errors.New("the answer holds a resource without id")
		}
		list = append(list, r)
	}
	return list, int(number), nil
}

// look sends a GET with a filter and returns the first hit, nil if there is
// none. Format has %s where the value goes.
func (c *cycle) look(ctx context.Context, task, path, format, value string) (resource, error) {
	value = strings.ReplaceAll(strings.ReplaceAll(value, `\`, `\\`), `"`, `\"`)
	value = url.QueryEscape(value)
	if !c.app.plus {
		value = strings.ReplaceAll(value, "+", "%20")
	}
	a, err := c.send(ctx, task, "GET", path+"?"+fmt.Sprintf(format, value), nil)
	if err != nil {
		return nil, err
	}
	list, _, err := a.resources()
	switch {
	case err != nil:
		return nil, &Failure{Task: task, Status: a.status, Detail: err.Error()}
	case len(list) == 0:
		return nil, nil
	case len(list) > 1:
		return nil, &Failure{Task: task, Status: a.status, Detail: "the look-up found more than one"}
	}
	return list[0], nil
}

// pages reads a whole list as an import does, page by page. A walk that sees
// another number than the total is a failure.
func (c *cycle) pages(ctx context.Context, task, path string) ([]resource, error) {
	var list []resource
	for start := 1; ; {
		target := path
		if c.app.page > 0 {
			target = fmt.Sprintf("%s?startIndex=%d&count=%d", path, start, c.app.page)
		}
		a, err := c.send(ctx, task, "GET", target, nil)
		if err != nil {
			return nil, err
		}
		page, total, err := a.resources()
		if err != nil {
			return nil, &Failure{Task: task, Status: a.status, Detail: err.Error()}
		}
		list = append(list, page...)
		step := len(page)
		if c.app.blind {
			step = c.app.page
		}
		start += step
		if step == 0 || start > total || c.app.page == 0 {
			return list, complete(task, a.status, list, total)
		}
	}
}

func complete(task string, status int, list []resource, total int) error {
	seen := map[string]bool{}
	for _, r := range list {
		seen[text("id")(r)] = true
	}
	if len(seen) == total && len(list) == total {
		return nil
	}
	return &Failure{Task: task, Status: status, Detail: fmt.Sprintf(
		"the pages hold %d resources (%d different ones), and totalResults is %d", len(list), len(seen), total)}
}

func userPath(id string) string  { return "/Users/" + url.PathEscape(id) }
func groupPath(id string) string { return "/Groups/" + url.PathEscape(id) }

// gone reports whether err says that the server does not know the object.
func gone(err error) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && f.Status == http.StatusNotFound
}

// unanswered reports whether the request that err is about may have taken
// effect.
func unanswered(err error) bool {
	f, ok := errors.AsType[*Failure](err)
	return !ok || f.Status == 0 || f.Status >= 500
}
