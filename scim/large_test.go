package scim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// An answer that is sent while it is read has the status of a short one.
func TestLargeGroupIsCreated(t *testing.T) {
	b := newBridge(t)
	members := make([]string, 1500)
	for i := range members {
		key := fmt.Sprintf("32769:%08x-0000-4000-8000-000000000000", i)
		b.crowd.AddUser(crowd.User{Name: fmt.Sprint("user-", i), Active: true, Key: key})
		members[i] = `{"value":"` + strings.Replace(key, ":", ".", 1) + `"}`
	}
	body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"All","members":[` + strings.Join(members, ",") + `]}`
	created := b.want(201, "POST", "/Groups", body)
	if got := len(created.object()["members"].([]any)); got != len(members) {
		t.Errorf("%d members, want %d", got, len(members))
	}
	if created.header.Get("Location") == "" {
		t.Error("no Location")
	}
}
