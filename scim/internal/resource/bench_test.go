package resource_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// person is a User of usual size.
const person = `{"schemas":["` + userURN + `","` + enterpriseURN + `"],"userName":"ann@work.example","externalId":"00u1",
	"name":{"givenName":"Ann","familyName":"Lee","formatted":"Ann Lee"},"displayName":"Ann Lee","locale":"en-US","active":true,
	"emails":[` + work + `,` + home + `],"phoneNumbers":[{"value":"+47 555 01 77","type":"mobile"}],
	"` + enterpriseURN + `":{"department":"D","employeeNumber":"7","manager":{"value":"boss"}}}`

func BenchmarkPatchActiveFalse(b *testing.B) {
	typ := typeNamed(b, "User")
	doc := user(b, person)
	body := []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`)
	b.ReportAllocs()
	for b.Loop() {
		parsed, err := resource.Decode(body, resource.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		ops, err := resource.ParsePatch(parsed, typ, resource.Lenient(), resource.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := typ.Apply(doc, ops); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPatchParseAndApply(b *testing.B) {
	typ := typeNamed(b, "User")
	doc := user(b, person)
	for name, ops := range map[string]string{
		"active":     `{"op":"Replace","path":"active","value":"False"}`,
		"filter":     `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"a@b"}`,
		"enterprise": `{"op":"Replace","path":"` + enterpriseURN + `:department","value":"E"}`,
	} {
		body := patchBody(b, ops)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := patch(b, typ, doc, body, resource.Lenient()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(person)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := resource.Decode(body, resource.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNormaliseUser(b *testing.B) {
	typ, doc := typeNamed(b, "User"), decode(b, person)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := typ.Normalise(doc, resource.Lenient()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidateUser(b *testing.B) {
	typ, doc := typeNamed(b, "User"), user(b, person)
	b.ReportAllocs()
	for b.Loop() {
		if err := typ.Validate(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProjectUser(b *testing.B) {
	typ, doc := typeNamed(b, "User"), user(b, person)
	p := typ.Projection(nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		p.Apply(doc)
	}
}

func BenchmarkFoldGroup(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		body := []byte(`{"Operations":[{"op":"add","path":"members","value":[` + memberList(0, n) + `]}]}`)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				foldBody(b, body)
			}
		})
	}
}

// memberList writes n members as JSON.
func memberList(from, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"value":"user-%d","display":"user-%d@work.example"}`, from+i, from+i)
	}
	return strings.Join(list, ",")
}

func foldBody(t testing.TB, body []byte) resource.GroupPatch {
	t.Helper()
	doc, err := resource.Decode(body, resource.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ops, err := resource.ParsePatch(doc, typeNamed(t, "Group"), resource.Lenient(), resource.Limits{Operations: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	p, err := resource.FoldGroup(ops)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLinear: bodies of megabytes, in one operation or in many, cost memory in proportion to their size. Eight times the
// size must not cost much more than eight times as much: a square would cost sixty-four times.
func TestLinear(t *testing.T) {
	for name, body := range map[string]func(n int) (typ, ops string){
		"one operation": func(n int) (string, string) {
			return "Group", `{"op":"add","path":"members","value":[` + memberList(0, n) + `]}`
		},
		"many operations": func(n int) (string, string) {
			return "Group", numbered(n, `{"op":"add","path":"members","value":[{"value":"u%d"}]}`)
		},
		"remove a list": func(n int) (string, string) {
			return "Group", `{"op":"remove","path":"members","value":[` + memberList(0, n) + `]}`
		},
		"one value of many types": func(n int) (string, string) {
			return "User", `{"op":"add","path":"emails","value":[` + numbered(n, `{"value":"same@work.example","type":"t%d"}`) + `]}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 2000
			little, much := patchCost(t, n, body), patchCost(t, 8*n, body)
			if much > 12*little {
				t.Errorf("%d values cost %d bytes, %d cost %d: more than in proportion", n, little, 8*n, much)
			}
		})
	}
}

// numbered writes n items, each with its number in it.
func numbered(n int, format string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(list, ",")
}

// patchCost returns how many bytes are allocated to read a PATCH of n values, to fold it where it is of a group, and to
// apply it.
func patchCost(t *testing.T, n int, body func(n int) (typ, ops string)) uint64 {
	t.Helper()
	name, ops := body(n)
	typ, text := typeNamed(t, name), []byte(`{"Operations":[`+ops+`]}`)
	doc := map[string]any{"displayName": "G"}
	if name == "User" {
		doc = user(t, `{}`)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if name == "Group" {
		foldBody(t, text)
	}
	parsed, err := resource.ParsePatch(decode(t, string(text)), typ, resource.Lenient(), resource.Limits{Operations: n})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := typ.Apply(doc, parsed); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
