package webhook_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim/webhook"
)

var leaver = groupsync.Leaver{
	Connection: "okta", ID: "1.ann", Name: "ann", Email: "ann@example.com", DisplayName: "Ann <A> & Co", ExternalID: "00u1",
	At: time.Date(2026, 11, 25, 12, 0, 0, 123, time.UTC), Request: "r-1",
}

// An inbox takes what is sent, without a network, and answers what answer says.
type inbox struct {
	answer   func(n int) (status int, header http.Header, err error)
	requests []*http.Request
	bodies   [][]byte
}

func (i *inbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	i.requests, i.bodies = append(i.requests, r.Clone(context.Background())), append(i.bodies, body)
	status, header := http.StatusNoContent, http.Header{}
	if i.answer != nil {
		var err error
		if status, header, err = i.answer(len(i.requests)); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: r}, nil
}

// received returns the n-th request as a receiver gets it.
func (i *inbox) received(n int) *http.Request {
	r := i.requests[n].Clone(context.Background())
	r.Body = io.NopCloser(bytes.NewReader(i.bodies[n]))
	return r
}

func hookTo(tb testing.TB, i *inbox, secrets ...crowd.Secret) *webhook.Hook {
	tb.Helper()
	h, err := webhook.New(webhook.Config{URL: "https://hr.test/leavers?key=PLANTED", Secrets: secrets, HTTPClient: &http.Client{Transport: i}})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// send does all that a hook plans.
func send(ctx context.Context, h *webhook.Hook, l groupsync.Leaver) error {
	steps, err := h.Plan(ctx, l)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if err := h.Do(ctx, l, s); err != nil {
			return err
		}
	}
	return nil
}

func TestEventsArrive(t *testing.T) {
	secret := webhook.NewSecret()
	box := &inbox{}
	h := hookTo(t, box, secret)
	if err := send(t.Context(), h, leaver); err != nil {
		t.Fatal(err)
	}
	got, err := webhook.Receiver{Secrets: []crowd.Secret{secret}}.Event(box.received(0))
	if err != nil {
		t.Fatal(err)
	}
	want := webhook.Event{
		ID: got.ID, Type: webhook.UserDeactivated, Timestamp: leaver.At, Data: webhook.Data{
			Connection: "okta", ID: "1.ann", UserName: "ann", ExternalID: "00u1", Email: "ann@example.com", DisplayName: "Ann <A> & Co", Request: "r-1",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event mismatch (-want +got):\n%s", diff)
	}
	if r := box.requests[0]; r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(got.ID, "msg_") {
		t.Errorf("%s of %s, id %q", r.Method, r.Header.Get("Content-Type"), got.ID)
	}
}

// TestIDsNameEvents holds that an event has one id, however often it is sent and
// whatever becomes of the user's name, and another event has another.
func TestIDsNameEvents(t *testing.T) {
	secret := webhook.NewSecret()
	id := func(change func(*groupsync.Leaver)) string {
		l, box := leaver, &inbox{}
		change(&l)
		if err := send(t.Context(), hookTo(t, box, secret), l); err != nil {
			t.Fatal(err)
		}
		return box.requests[0].Header.Get("Webhook-Id")
	}
	first := id(func(*groupsync.Leaver) {})
	for name, change := range map[string]func(*groupsync.Leaver){
		"again": func(*groupsync.Leaver) {}, "renamed": func(l *groupsync.Leaver) { l.Name = "anna" },
		"another zone": func(l *groupsync.Leaver) { l.At = l.At.In(time.FixedZone("", 3600)) },
	} {
		if got := id(change); got != first {
			t.Errorf("%s: id %s, want %s", name, got, first)
		}
	}
	for name, change := range map[string]func(*groupsync.Leaver){
		"deleted": func(l *groupsync.Leaver) { l.Deleted = true }, "another user": func(l *groupsync.Leaver) { l.ID = "1.bob" },
		"another leave": func(l *groupsync.Leaver) { l.At = l.At.Add(time.Hour) }, "another connection": func(l *groupsync.Leaver) { l.Connection = "entra" },
	} {
		if id(change) == first {
			t.Errorf("%s: the same id", name)
		}
	}
}

// TestSignaturesOfTheStandard holds signatures against one that the reference library of
// Standard Webhooks makes, and has in its own tests.
func TestSignaturesOfTheStandard(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"test": 2432232314}`))
	r.Header.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	r.Header.Set("webhook-timestamp", "1614265330")
	r.Header.Set("webhook-signature", "v1a,c2ln v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	receiver := webhook.Receiver{
		Secrets: []crowd.Secret{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, Now: func() time.Time { return time.Unix(1614265330, 0) },
	}
	// It is no event of ours, but what is wrong with it is not the signature.
	if _, err := receiver.Event(r); !errors.Is(err, webhook.ErrMalformed) {
		t.Errorf("got %v, want ErrMalformed", err)
	}
}

func TestSecretsMayBeReplaced(t *testing.T) {
	old, fresh := webhook.NewSecret(), webhook.NewSecret()
	box := &inbox{}
	if err := send(t.Context(), hookTo(t, box, fresh, old), leaver); err != nil {
		t.Fatal(err)
	}
	for name, secrets := range map[string][]crowd.Secret{"old": {old}, "new": {fresh}, "both": {webhook.NewSecret(), old}} {
		if _, err := (webhook.Receiver{Secrets: secrets}).Event(box.received(0)); err != nil {
			t.Errorf("a receiver with the %s secret: %v", name, err)
		}
	}
	if _, err := (webhook.Receiver{Secrets: []crowd.Secret{webhook.NewSecret()}}).Event(box.received(0)); !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("a receiver with another secret: %v", err)
	}
}

// TestForgedRequests holds that nothing of a request can be changed, and that it is good
// for its time only.
func TestForgedRequests(t *testing.T) {
	secret := webhook.NewSecret()
	box := &inbox{}
	if err := send(t.Context(), hookTo(t, box, secret), leaver); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	later := strconv.FormatInt(now.Add(time.Second).Unix()+1, 10)
	for _, tt := range []struct {
		name  string
		forge func(r *http.Request)
		now   time.Duration
		want  error
	}{
		{"nothing", func(*http.Request) {}, 0, nil},
		{"almost too old", func(*http.Request) {}, 4 * time.Minute, nil},
		{"too old", func(*http.Request) {}, 6 * time.Minute, webhook.ErrTimestamp},
		{"of the future", func(*http.Request) {}, -6 * time.Minute, webhook.ErrTimestamp},
		{"another id", func(r *http.Request) { r.Header.Set("Webhook-Id", "msg_2") }, 0, webhook.ErrSignature},
		{"another time", func(r *http.Request) { r.Header.Set("Webhook-Timestamp", later) }, 0, webhook.ErrSignature},
		{"no time", func(r *http.Request) { r.Header.Del("Webhook-Timestamp") }, 0, webhook.ErrMalformed},
		{"no id", func(r *http.Request) { r.Header.Del("Webhook-Id") }, 0, webhook.ErrMalformed},
		{"no signature", func(r *http.Request) { r.Header.Del("Webhook-Signature") }, 0, webhook.ErrSignature},
		{"another kind of signature", func(r *http.Request) {
			r.Header.Set("Webhook-Signature", strings.Replace(r.Header.Get("Webhook-Signature"), "v1,", "v2,", 1))
		}, 0, webhook.ErrSignature},
		{"a part of the id in the time", func(r *http.Request) {
			r.Header.Set("Webhook-Id", r.Header.Get("Webhook-Id")+"."+r.Header.Get("Webhook-Timestamp"))
			r.Header.Set("Webhook-Timestamp", "0")
		}, 0, webhook.ErrMalformed},
		{"another body", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"type":"user.deleted"}`)) }, 0, webhook.ErrSignature},
		{"a body without end", func(r *http.Request) { r.Body = io.NopCloser(zeros{}) }, 0, webhook.ErrMalformed},
	} {
		r := box.received(0)
		tt.forge(r)
		receiver := webhook.Receiver{Secrets: []crowd.Secret{secret}, Now: func() time.Time { return now.Add(tt.now) }}
		if _, err := receiver.Event(r); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := (webhook.Receiver{}).Event(box.received(0)); err == nil {
		t.Error("a receiver without a secret takes everything")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestAnyBitCounts holds that no flipped bit of a body passes.
func TestAnyBitCounts(t *testing.T) {
	secret := webhook.NewSecret()
	box := &inbox{}
	if err := send(t.Context(), hookTo(t, box, secret), leaver); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		body := bytes.Clone(box.bodies[0])
		body[rapid.IntRange(0, len(body)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		r := box.received(0)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if _, err := (webhook.Receiver{Secrets: []crowd.Secret{secret}}).Event(r); !errors.Is(err, webhook.ErrSignature) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestEventsAreSentAgain(t *testing.T) {
	lost := errors.New("connection reset by peer")
	for _, tt := range []struct {
		name   string
		answer func(n int) (int, http.Header, error)
		sent   int
		took   time.Duration
		want   string
	}{
		{"taken", nil, 1, 0, ""},
		{"taken the second time", func(n int) (int, http.Header, error) { return []int{500, 200}[n-1], nil, nil }, 2, 0, ""},
		{"lost at first", func(n int) (int, http.Header, error) { return 200, nil, []error{lost, lost, nil}[n-1] }, 3, 0, ""},
		{"asked to wait", func(n int) (int, http.Header, error) {
			return []int{429, 202}[n-1], http.Header{"Retry-After": {"7"}}, nil
		}, 2, 7 * time.Second, ""},
		{"asked to wait too long", func(int) (int, http.Header, error) { return 503, http.Header{"Retry-After": {"40"}}, nil }, 1, 0, "the receiver answers 503"},
		{"never taken", func(int) (int, http.Header, error) { return 502, nil, nil }, 3, 0, "the receiver answers 502 Bad Gateway"},
		{"refused", func(int) (int, http.Header, error) { return 400, nil, nil }, 1, 0, "the receiver answers 400 Bad Request"},
		{"sent elsewhere", func(int) (int, http.Header, error) {
			return 302, http.Header{"Location": {"https://elsewhere.test"}}, nil
		}, 1, 0, "the receiver answers 302 Found"},
		{"down", func(int) (int, http.Header, error) { return 0, nil, lost }, 3, 0, "connection reset by peer"},
	} {
		synctest.Test(t, func(t *testing.T) {
			secret := webhook.NewSecret()
			box := &inbox{answer: tt.answer}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			began := time.Now()
			err := send(ctx, hookTo(t, box, secret), leaver)
			took := time.Since(began).Truncate(time.Second)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || len(box.requests) != tt.sent || took != tt.took {
				t.Errorf("%s: sent %d times in %v: %v", tt.name, len(box.requests), took, err)
			}
			if err != nil && (strings.Contains(err.Error(), "PLANTED") || strings.Contains(err.Error(), "hr.test")) {
				t.Errorf("%s: the error holds the address: %v", tt.name, err)
			}
			for i := range box.requests { // each is good at its time
				if _, err := (webhook.Receiver{Secrets: []crowd.Secret{secret}, Tolerance: 20 * time.Second}).Event(box.received(i)); err != nil {
					t.Errorf("%s: request %d: %v", tt.name, i+1, err)
				}
			}
			if first, last := box.requests[0].Header, box.requests[len(box.requests)-1].Header; first.Get("Webhook-Id") != last.Get("Webhook-Id") {
				t.Errorf("%s: the id has changed", tt.name)
			}
		})
	}
}

func TestRepeatedEventsBearTheirOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &inbox{answer: func(n int) (int, http.Header, error) {
			return []int{429, 202}[n-1], http.Header{"Retry-After": {"9"}}, nil
		}}
		if err := send(t.Context(), hookTo(t, box, webhook.NewSecret()), leaver); err != nil {
			t.Fatal(err)
		}
		at := func(n int) int {
			seconds, err := strconv.Atoi(box.requests[n].Header.Get("Webhook-Timestamp"))
			if err != nil {
				t.Fatal(err)
			}
			return seconds
		}
		if at(1)-at(0) != 9 {
			t.Errorf("timestamps are %d s apart, want 9", at(1)-at(0))
		}
	})
}

// TestStepsOfYesterday holds that a user who was deleted since is not told of as
// deactivated.
func TestStepsOfYesterday(t *testing.T) {
	box := &inbox{}
	h := hookTo(t, box, webhook.NewSecret())
	steps, err := h.Plan(t.Context(), leaver)
	if err != nil {
		t.Fatal(err)
	}
	gone := leaver
	gone.Deleted = true
	if err := h.Do(t.Context(), gone, steps[0]); !errors.Is(err, groupsync.ErrStalePlan) || len(box.requests) > 0 {
		t.Errorf("got %v, sent %d", err, len(box.requests))
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := webhook.NewSecret()
	encode := func(n int) crowd.Secret {
		return crowd.Secret("whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("PLANTED!"), n)))
	}
	for name, tt := range map[string]struct {
		cfg  webhook.Config
		want string
	}{
		"good":             {webhook.Config{URL: "http://hr:8080", Secrets: []crowd.Secret{good, encode(3), encode(8)}}, ""},
		"no address":       {webhook.Config{Secrets: []crowd.Secret{good}}, "Config.URL"},
		"credentials":      {webhook.Config{URL: "https://u:PLANTED@hr", Secrets: []crowd.Secret{good}}, "Config.URL"},
		"odd address":      {webhook.Config{URL: "ftp://hr", Secrets: []crowd.Secret{good}}, "Config.URL"},
		"no secret":        {webhook.Config{URL: "https://hr"}, "no secret is given"},
		"without prefix":   {webhook.Config{URL: "https://hr", Secrets: []crowd.Secret{"PLANTED"}}, `must begin with "whsec_"`},
		"no base64":        {webhook.Config{URL: "https://hr", Secrets: []crowd.Secret{"whsec_PLANTED?"}}, "a text in base64"},
		"short":            {webhook.Config{URL: "https://hr", Secrets: []crowd.Secret{encode(2)}}, "24 to 64 bytes, this one is for 16"},
		"long":             {webhook.Config{URL: "https://hr", Secrets: []crowd.Secret{encode(9)}}, "24 to 64 bytes, this one is for 72"},
		"negative numbers": {webhook.Config{URL: "https://hr", Secrets: []crowd.Secret{good}, Tries: -1}, "must not be negative"},
	} {
		h, err := webhook.New(tt.cfg)
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "PLANTED")) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		if err == nil && h.Name() != "webhook" {
			t.Errorf("%s: the name is %q", name, h.Name())
		}
	}
}

// TestSecretsStayInside holds that neither secret nor address show in logs or in what
// package fmt makes of a hook.
func TestSecretsStayInside(t *testing.T) {
	secret := crowd.Secret("whsec_" + base64.StdEncoding.EncodeToString([]byte("PLANTEDPLANTEDPLANTEDPLANTED")))
	var log bytes.Buffer
	box := &inbox{answer: func(int) (int, http.Header, error) { return 500, nil, nil }}
	h, err := webhook.New(webhook.Config{
		URL: "https://hr.test/PLANTED", Secrets: []crowd.Secret{secret}, Tries: 2, HTTPClient: &http.Client{Transport: box},
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	err = send(t.Context(), h, leaver)
	steps, _ := h.Plan(t.Context(), leaver)
	said := fmt.Sprintf("%v %+v %v %+v %#v %v %s", err, err, h, h, h, steps, log.String())
	for _, text := range []string{"PLANTED", secret.Reveal()[6:], fmt.Sprint([]byte("PLANTED"))[1:20]} {
		if strings.Contains(said, text) {
			t.Errorf("%q was said: %s", text, said)
		}
	}
	if !strings.Contains(log.String(), "sent again") {
		t.Errorf("the log does not tell of the repetition: %s", log.String())
	}
}

func FuzzReceiver(f *testing.F) {
	secret := webhook.NewSecret()
	f.Add("msg_1", "1614265330", "v1,AAAA", []byte(`{"type":"user.deleted"}`))
	f.Add("", "-1", "v1, v1,=", []byte("{"))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		r := &http.Request{Header: http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}, Body: io.NopCloser(bytes.NewReader(body))}
		if e, err := (webhook.Receiver{Secrets: []crowd.Secret{secret}}).Event(r); err == nil {
			t.Errorf("a request was taken that nobody signed: %v", e)
		}
	})
}

// FuzzEvents holds that whatever is known of a leaver arrives as it is, as far as it is
// UTF-8.
func FuzzEvents(f *testing.F) {
	f.Add("ann", "ann@example.com", "Ann <A>\u2028", int64(1e9))
	f.Fuzz(func(t *testing.T, name, email, shown string, at int64) {
		secret, box, l := webhook.NewSecret(), &inbox{}, leaver
		l.Name, l.Email, l.DisplayName = strings.ToValidUTF8(name, ""), strings.ToValidUTF8(email, ""), strings.ToValidUTF8(shown, "")
		l.At = time.Unix(at%1e11, 0)
		if err := send(t.Context(), hookTo(t, box, secret), l); err != nil {
			if _, bad := errors.AsType[*json.MarshalerError](err); bad { // a year beyond 9999 has no form
				return
			}
			t.Fatal(err)
		}
		e, err := webhook.Receiver{Secrets: []crowd.Secret{secret}}.Event(box.received(0))
		if err != nil || e.Data.UserName != l.Name || e.Data.Email != l.Email || e.Data.DisplayName != l.DisplayName || !e.Timestamp.Equal(l.At) {
			t.Errorf("sent %+v, got %+v, %v", l, e, err)
		}
	})
}
