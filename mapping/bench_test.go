package mapping_test

import (
	"fmt"
	"iter"
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/scimcrowd/scimcrowd/mapping"
)

func BenchmarkToCrowd(b *testing.B) {
	m, user := compile(b), resource(b, annText)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.ToCrowd(user); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToCrowdExpressions(b *testing.B) {
	m, user := compile(b, mapping.Row{To: "username", Expr: `lower(localPart(userName))`}, mapping.Row{To: "x", Expr: `ascii(displayName)`}), resource(b, annText)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.ToCrowd(user); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToSCIM(b *testing.B) {
	m, user, held := compile(b), resource(b, annText), fieldsOfAnn()
	b.ReportAllocs()
	for b.Loop() {
		m.ToSCIM(held, user)
	}
}

// company streams users of whom each holds ten grants of a thousand groups.
func company(users int) iter.Seq2[mapping.UserState, error] {
	groups := make([]mapping.SCIMGroup, 1000)
	for i := range groups {
		groups[i] = mapping.SCIMGroup{ID: fmt.Sprint(i), Name: fmt.Sprintf("team-%d", i)}
	}
	return func(yield func(mapping.UserState, error) bool) {
		for i := range users {
			u := mapping.UserState{Name: "u", Ours: true, Provenance: map[string]mapping.Provenance{"team-1": mapping.Made}}
			for j := range 10 {
				u.Grants = append(u.Grants, mapping.Grant{Group: groups[(i*7+j*97)%1000], Live: true})
			}
			if !yield(u, nil) {
				return
			}
		}
	}
}

func companyRules(tb testing.TB) *mapping.GroupMap {
	g := manual(mapping.Rule{FromPattern: "team-(.*)5", To: []string{"five-$1", "fives"}}, mapping.Rule{FromPattern: "team-(.*)", To: []string{"all", "team-$1"}})
	g.DefaultForAllUsers = []string{"employees"}
	return compileGroups(tb, g)
}

// BenchmarkDeriveUser derives the memberships of one user with ten grants, the targets of whose groups are not known
// yet.
func BenchmarkDeriveUser(b *testing.B) {
	m := companyRules(b)
	var u mapping.UserState
	for u = range company(1) {
	}
	b.ReportAllocs()
	for b.Loop() {
		m.DeriveUser(u)
	}
}

func BenchmarkUserFilter(b *testing.B) {
	f, err := mapping.CompileUserFilter(`title == "Captain" && active`, nil)
	if err != nil {
		b.Fatal(err)
	}
	user := resource(b, annText)
	b.ReportAllocs()
	for b.Loop() {
		if in, err := f.Includes(user); !in || err != nil {
			b.Fatal(in, err)
		}
	}
}

// BenchmarkDeriveUsers derives what 100,000 users with 1,000,000 grants of 1,000 groups should be members of. The peak
// is how much the heap in use grew at most, garbage included, sampled at every 1,000th user.
func BenchmarkDeriveUsers(b *testing.B) {
	m := companyRules(b)
	b.ReportAllocs()
	n, peak := 0, uint64(0)
	for b.Loop() {
		before := heap(true)
		n = 0
		for _, err := range m.DeriveUsers(watched(company(100_000), &peak, before)) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n), "decisions/op")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
}

// watched passes users on and keeps the greatest growth of the heap over before.
func watched(users iter.Seq2[mapping.UserState, error], peak *uint64, before uint64) iter.Seq2[mapping.UserState, error] {
	return func(yield func(mapping.UserState, error) bool) {
		i := 0
		for u, err := range users {
			if i++; i%1000 == 0 {
				if now := heap(false); now > before {
					*peak = max(*peak, now-before)
				}
			}
			if !yield(u, err) {
				return
			}
		}
	}
}

// heap returns the bytes of the heap in use, after a collection where live is true.
func heap(live bool) uint64 {
	if live {
		runtime.GC()
	}
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// What a stream of users leaves behind does not grow with the users.
func TestDeriveUsersInBoundedMemory(t *testing.T) {
	m := companyRules(t)
	before, peak, n := heap(true), uint64(0), 0
	for _, err := range m.DeriveUsers(company(100_000)) {
		if err != nil {
			t.Fatal(err)
		}
		if n%400_000 == 0 {
			peak = max(peak, heap(true))
		}
		n++
	}
	if n < 1_000_000 {
		t.Errorf("%d decisions for a million grants", n)
	}
	if grown := int64(peak) - int64(before); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}
