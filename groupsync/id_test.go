package groupsync

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
)

func TestUserID(t *testing.T) {
	for _, tt := range []struct{ key, id string }{
		{"32769:6f1c2a94-0f0b-4d53-9f3e-1f0c6c1f7a20", "32769.6f1c2a94-0f0b-4d53-9f3e-1f0c6c1f7a20"},
		{"1:a.b", "1.a~2Eb"},
		{"1:a:b/ü", "1.a~3Ab~2F~C3~BC"},
		{"nocolon", "nocolon"},
	} {
		if got := userID(tt.key); got != tt.id {
			t.Errorf("userID(%q) = %q, want %q", tt.key, got, tt.id)
		}
		if key, ok := userKey(tt.id); !ok || key != tt.key {
			t.Errorf("userKey(%q) = %q, %v, want %q", tt.id, key, ok, tt.key)
		}
	}
}

func TestUserKeyRefusesWhatNoKeyHas(t *testing.T) {
	for _, id := range []string{"", "a/b", "a b", "1.2.3", "~2", "~zz", "~41", "a~2ea", "a%2Fb", "ü", strings.Repeat("a", 256)} {
		if key, ok := userKey(id); ok {
			t.Errorf("userKey(%q) = %q, want none", id, key)
		}
	}
}

func TestGroupID(t *testing.T) {
	long := strings.Repeat("é", 120)
	for _, tt := range []struct {
		name, id   string
		generation int
		back       string
	}{
		{"Devs", "n-ZGV2cw", 1, "devs"},
		{"devs", "n2-ZGV2cw", 2, "devs"},
		{"Ägypten", "n-w6RneXB0ZW4", 1, "ägypten"},
		{long, groupID(long, 1), 1, ""},
	} {
		if got := groupID(tt.name, tt.generation); got != tt.id {
			t.Errorf("groupID(%q, %d) = %q, want %q", tt.name, tt.generation, got, tt.id)
		}
		name, generation, ok := nameInID(tt.id)
		if !ok || name != tt.back || generation != tt.generation {
			t.Errorf("nameInID(%q) = %q, %d, %v", tt.id, name, generation, ok)
		}
	}
	for _, id := range []string{"", "n", "n-", "n1-ZGV2cw", "n02-ZGV2cw", "x-ZGV2cw", "n-ZGV2cw=", "n-!", "n-RGV2cw", "n-_w"} {
		if name, _, ok := nameInID(id); ok {
			t.Errorf("nameInID(%q) = %q, want none", id, name)
		}
	}
}

func TestIDsAreURLSafeAndShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(1, 255, -1).Draw(t, "name")
		generation := rapid.IntRange(1, 1000).Draw(t, "generation")
		id := groupID(name, generation)
		if len(id) > 255 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			t.Fatalf("id %q of %q", id, name)
		}
		if id != groupID(crowd.Fold(name), generation) {
			t.Fatalf("id of %q depends on case", name)
		}
		if back, g, ok := nameInID(id); !ok || g != generation || back != "" && back != crowd.Fold(name) {
			t.Fatalf("nameInID(%q) = %q, %d, %v", id, back, g, ok)
		}
		key := rapid.StringN(1, 60, 80).Filter(utf8.ValidString).Draw(t, "key")
		if back, ok := userKey(userID(key)); !ok || back != key {
			t.Fatalf("userKey(userID(%q)) = %q, %v", key, back, ok)
		}
	})
}

func TestPackKeepsAnyDocument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		document := `{"a":"` + strings.NewReplacer(`"`, "", `\`, "", "\n", "").Replace(rapid.StringN(0, 2000, -1).Draw(t, "text")) + `"}`
		values := pack([]byte(document))
		for _, v := range values {
			if len(v) > 255 || strings.TrimSpace(v) != v || ascii([]byte(v)) != v {
				t.Fatalf("Crowd would not keep %q", v)
			}
		}
		shuffled := rapid.Permutation(values).Draw(t, "order")
		if diff := cmp.Diff(ascii([]byte(document)), string(unpack(append(shuffled, "granted")))); diff != "" {
			t.Fatalf("unpack mismatch (-want +got):\n%s", diff)
		}
		if len(values) > 1 && unpack(values[1:]) != nil {
			t.Fatal("a document with a piece missing was read")
		}
	})
}

func TestBookNextID(t *testing.T) {
	b := NewBook()
	if got := b.next("Devs"); got != "n-ZGV2cw" {
		t.Fatalf("first id %q", got)
	}
	b.Add(GroupFact{Kind: Issued, ID: "n-ZGV2cw", Name: "Devs"})
	if got := b.owner("DEVS"); got != "n-ZGV2cw" {
		t.Errorf("owner = %q", got)
	}
	b.Add(GroupFact{Kind: Renamed, ID: "n-ZGV2cw", Name: "Ops"})
	if got := b.owner("devs"); got != "" {
		t.Errorf("owner of the old name = %q", got)
	}
	if got := b.next("devs"); got != "n2-ZGV2cw" {
		t.Errorf("next id of the old name = %q", got)
	}
	b.Add(GroupFact{Kind: Issued, ID: "n-ZGV2cw", Name: "Devs"}) // a late create
	if got := b.live("n-ZGV2cw").name; got != "Ops" {
		t.Errorf("a late create undid the rename: %q", got)
	}
	b.Add(GroupFact{Kind: Dead, ID: "n-ZGV2cw"})
	b.Add(GroupFact{Kind: Issued, ID: "n-ZGV2cw", Name: "Devs"})
	if b.live("n-ZGV2cw") != nil {
		t.Error("a late create revived a dead id")
	}
}
