package crowdtest_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// TestContract62RacingWriters lets many create one name, and add one member.
func TestContract62RacingWriters(t *testing.T) {
	srv, call := directSite(t)
	for _, c := range []struct {
		method, resource, body string
		others                 int
	}{
		{"POST", "user", newUser("eve"), 400},
		{"POST", "group", named("platform"), 400},
		{"POST", "group/user/direct?groupname=devs", named("ann"), 409},
		{"DELETE", "group/user/direct?groupname=devs&username=ann", "", 404},
		{"DELETE", "user?username=eve", "", 404},
	} {
		statuses := make([]int, 16)
		var wg sync.WaitGroup
		for i := range statuses {
			wg.Go(func() { statuses[i], _, _ = call(c.method, c.resource, c.body) })
		}
		wg.Wait()
		slices.Sort(statuses)
		won := 0
		for _, status := range statuses {
			if status < 300 {
				won++
			} else if status != c.others {
				t.Errorf("%s %s: status %d", c.method, c.resource, status)
			}
		}
		if won != 1 {
			t.Errorf("%s %s: %d won", c.method, c.resource, won)
		}
	}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			n := fmt.Sprint(i)
			_, _, _ = call("PUT", "user?username=ann", `{"name":"ann","first-name":"`+n+`","last-name":"`+n+`","display-name":"`+n+`"}`)
		})
	}
	wg.Wait()
	if u, _ := srv.User("ann"); u.FirstName == "" || u.FirstName != u.LastName || u.LastName != u.DisplayName {
		t.Errorf("torn user %+v", u)
	}
}

// An operation is a request of a history, and its result what came back.
type operation struct {
	method, resource, user, group, value string
}

// directoryModel is a directory of few users and groups as it ought to be. Its
// state is a text: the sorted facts, such as "user ann x" or "in devs ann".
func directoryModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			facts := map[string]bool{}
			for fact := range strings.SplitSeq(state.(string), "\n") {
				if fact != "" {
					facts[fact] = true
				}
			}
			want := step(facts, input.(operation))
			return want == output.(string), strings.Join(slices.Sorted(maps.Keys(facts)), "\n")
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %v", input, output) },
	}
}

// step applies an operation to the facts and returns the result: the status
// and, of a read, what is read.
func step(facts map[string]bool, op operation) string {
	user, group, in := "user "+op.user, "group "+op.group, "in "+op.group+" "+op.user
	switch op.method + " " + op.resource {
	case "POST user":
		if facts[user] {
			return "400"
		}
		facts[user] = true
		return "201"
	case "DELETE user":
		if !facts[user] {
			return "404"
		}
		maps.DeleteFunc(facts, func(f string, _ bool) bool {
			return f == user || strings.HasPrefix(f, "in ") && strings.HasSuffix(f, " "+op.user) || strings.HasPrefix(f, "value "+op.user+" ")
		})
		return "204"
	case "POST group":
		if facts[group] {
			return "400"
		}
		facts[group] = true
		return "201"
	case "DELETE group":
		if !facts[group] {
			return "404"
		}
		maps.DeleteFunc(facts, func(f string, _ bool) bool { return f == group || strings.HasPrefix(f, "in "+op.group+" ") })
		return "204"
	case "POST member":
		switch {
		case !facts[group]:
			return "404"
		case !facts[user]:
			return "400"
		case facts[in]:
			return "409"
		}
		facts[in] = true
		return "201"
	case "DELETE member":
		if !facts[user] || !facts[group] || !facts[in] {
			return "404"
		}
		delete(facts, in)
		return "204"
	case "POST value":
		if !facts[user] {
			return "404"
		}
		maps.DeleteFunc(facts, func(f string, _ bool) bool { return strings.HasPrefix(f, "value "+op.user+" ") })
		facts["value "+op.user+" "+op.value] = true
		return "204"
	}
	return read(facts, op)
}

func read(facts map[string]bool, op operation) string {
	prefix := map[string]string{"members": "in " + op.group + " ", "value": "value " + op.user + " ", "users": "user "}[op.resource]
	if op.resource == "members" && !facts["group "+op.group] || op.resource == "value" && !facts["user "+op.user] {
		return "404"
	}
	var found []string
	for _, fact := range slices.Sorted(maps.Keys(facts)) {
		if rest, is := strings.CutPrefix(fact, prefix); is {
			found = append(found, rest)
		}
	}
	return "200 " + strings.Join(found, " ")
}

// send carries the operation out on a server.
func (op operation) send(t *testing.T, srv http.RoundTripper) string {
	requests := map[string][2]string{
		"user":    {"user?username=" + op.user, newUser(op.user)},
		"group":   {"group?groupname=" + op.group, named(op.group)},
		"member":  {"group/user/direct?groupname=" + op.group + "&username=" + op.user, named(op.user)},
		"value":   {"user/attribute?username=" + op.user, `{"attributes":[{"name":"v","values":["` + op.value + `"]}]}`},
		"members": {"group/user/direct?groupname=" + op.group, ""},
		"users":   {"search?entity-type=user", ""},
	}
	r := requests[op.resource]
	status, body, err := roundTrip(t.Context(), srv, op.method, r[0], r[1])
	switch {
	case err != nil:
		return err.Error()
	case op.method != "GET" || status != 200:
		return fmt.Sprint(status)
	case op.resource == "value":
		return "200 " + strings.Join(attributes(t, answer{t: t, body: body}.at("attributes"))["v"], " ")
	}
	return "200 " + answer{t: t, body: body}.names()
}

func randomOperation(rng *rand.Rand) operation {
	kinds := []string{
		"POST user", "DELETE user", "POST group", "DELETE group", "POST member", "POST member", "DELETE member", "POST value",
		"GET members", "GET members", "GET value", "GET users",
	}
	method, resource, _ := strings.Cut(kinds[rng.IntN(len(kinds))], " ")
	return operation{
		method: method, resource: resource, user: []string{"ann", "bob"}[rng.IntN(2)], group: []string{"devs", "ops"}[rng.IntN(2)],
		value: fmt.Sprint(rng.IntN(100)),
	}
}

// TestContract62Linearizable records histories of concurrent requests and looks
// for an order of effects that explains them.
func TestContract62Linearizable(t *testing.T) {
	const clients, each = 4, 30
	for seed := range uint64(20) {
		srv := &crowdtest.Server{}
		srv.SetOptions(func(o *crowdtest.Options) { o.NoCalls = true })
		start := time.Now()
		histories := make([][]porcupine.Operation, clients)
		var wg sync.WaitGroup
		for c := range clients {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(seed, uint64(c)))
				for range each {
					op := randomOperation(rng)
					called := time.Since(start).Nanoseconds()
					result := op.send(t, srv)
					histories[c] = append(histories[c], porcupine.Operation{
						ClientId: c, Input: op, Output: result, Call: called, Return: time.Since(start).Nanoseconds(),
					})
				}
			})
		}
		wg.Wait()
		history := slices.Concat(histories...)
		if result := porcupine.CheckOperationsTimeout(directoryModel(), history, 30*time.Second); result != porcupine.Ok {
			t.Fatalf("seed %d: %s: %+v", seed, result, history)
		}
	}
}

// TestLinearizableModel makes sure that the check above can fail.
func TestLinearizableModel(t *testing.T) {
	create := operation{method: "POST", resource: "user", user: "ann"}
	history := []porcupine.Operation{
		{ClientId: 0, Input: create, Output: "201", Call: 0, Return: 1},
		{ClientId: 1, Input: create, Output: "201", Call: 2, Return: 3},
	}
	if porcupine.CheckOperations(directoryModel(), history) {
		t.Error("two creations of one name pass")
	}
}

// TestConcurrentUse calls everything that a test may call while requests are
// served; it is for the race detector.
func TestConcurrentUse(t *testing.T) {
	srv := &crowdtest.Server{}
	srv.AddUser(crowd.User{Name: "ann"}, crowd.User{Name: "bob"})
	srv.AddGroup(crowd.Group{Name: "devs"})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, 2))
			for range 100 {
				randomOperation(rng).send(t, srv)
			}
		})
	}
	wg.Go(func() {
		for i := range 20 {
			srv.Calls()
			srv.Counts()
			srv.ResetCalls()
			srv.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = i%2 == 0 })
			srv.Fail(crowdtest.Fault{Kind: crowdtest.LandLate})
			srv.Land()
			srv.ClearFaults()
			srv.Members("devs")
			srv.User("ann")
			srv.UserNames()
			srv.SetDirectory("", func(d *crowdtest.Directory) { d.MaxAttempts = i })
			if err := srv.Dump(new(strings.Builder)); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}
