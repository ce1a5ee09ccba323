package resource_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A request is one body as an identity provider sends it, and what we make of it.
type request struct {
	Name   string          `json:"name"`
	Method string          `json:"method"`
	Type   string          `json:"type"`
	Body   json.RawMessage `json:"body"`
	Want   json.RawMessage `json:"want,omitempty"`
}

// TestIdentityProviders reads every request in testdata/idp under the lenient traits.
func TestIdentityProviders(t *testing.T) {
	files, err := filepath.Glob("testdata/idp/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no requests: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			var requests []request
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &requests); err != nil {
				t.Fatal(err)
			}
			for i, r := range requests {
				got := meaning(t, r)
				if *update {
					requests[i].Want = marshal(t, got)
					continue
				}
				if diff := cmp.Diff(canonical(t, r.Want), canonical(t, marshal(t, got))); diff != "" {
					t.Errorf("%s %s mismatch (-want +got):\n%s", r.Name, r.Method, diff)
				}
			}
			if *update {
				writeJSON(t, file, requests)
			}
		})
	}
}

// meaning returns the normal form of a document, or the operations of a PATCH and what they come to on a group.
func meaning(t *testing.T, r request) any {
	t.Helper()
	typ := typeNamed(t, r.Type)
	doc, err := resource.Decode(r.Body, resource.Limits{})
	if err != nil {
		return failure(t, err)
	}
	if r.Method != "PATCH" {
		out, err := typ.Normalise(doc, resource.Lenient())
		if err == nil {
			err = typ.Validate(out)
		}
		if err != nil {
			return failure(t, err)
		}
		return out
	}
	ops, err := resource.ParsePatch(doc, typ, resource.Lenient(), resource.Limits{})
	if err != nil {
		return failure(t, err)
	}
	result := map[string]any{"ops": opsJSON(ops)}
	if r.Type == "Group" {
		patch, err := resource.FoldGroup(ops)
		if err != nil {
			return failure(t, err)
		}
		result["group"] = patchJSON(patch)
	}
	return result
}

func failure(t *testing.T, err error) any {
	t.Helper()
	e, ok := errors.AsType[*resource.Error](err)
	if !ok {
		t.Fatalf("error %v is a %T, want *resource.Error", err, err)
	}
	return map[string]any{"status": e.Status, "scimType": e.ScimType, "detail": e.Detail}
}

func opsJSON(ops []resource.Op) []any {
	list := []any{}
	for _, op := range ops {
		o := map[string]any{"op": op.Kind, "path": op.Path.String()}
		if op.HasValue {
			o["value"] = op.Value
		}
		list = append(list, o)
	}
	return list
}

func patchJSON(p resource.GroupPatch) map[string]any {
	out := map[string]any{}
	if p.DisplayName != nil {
		out["displayName"] = *p.DisplayName
	}
	if p.ExternalID != nil {
		out["externalId"] = *p.ExternalID
	}
	members := []any{}
	for _, m := range p.Members {
		o := map[string]any{"kind": m.Kind}
		if m.Values != nil {
			o["values"] = m.Values
		}
		if m.Filter != nil {
			o["filter"] = m.Filter.String()
		}
		members = append(members, o)
	}
	if len(members) > 0 {
		out["members"] = members
	}
	if len(p.Other) > 0 {
		out["other"] = opsJSON(p.Other)
	}
	return out
}
