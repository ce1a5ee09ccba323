package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/groupsync/audit"
)

// An audit log notices every change of what it holds.
func ExampleWriter() {
	var log bytes.Buffer
	writer := audit.NewWriter(&log, audit.Head{})
	observe := writer.Observe // the Observer of groupsync.Config

	for _, user := range []string{"ann", "bob"} {
		observe(context.Background(), groupsync.Event{
			Time: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC), Connection: "okta", Kind: groupsync.EventApplied,
			Step: groupsync.Step{Op: groupsync.OpAddMember, User: user, Group: "devs"},
		})
	}
	fmt.Print(log.String())

	head, err := audit.Verify(bytes.NewReader(log.Bytes()), audit.Check{})
	fmt.Println(head.Seq, "records,", err)

	changed := bytes.Replace(log.Bytes(), []byte("ann"), []byte("eve"), 1)
	_, err = audit.Verify(bytes.NewReader(changed), audit.Check{})
	fmt.Println(err)

	// Only who has kept the head elsewhere notices that the end is missing.
	log.Truncate(bytes.IndexByte(log.Bytes(), '\n') + 1)
	_, err = audit.Verify(&log, audit.Check{Kept: []audit.Head{head}})
	fmt.Println(err)
	// Output:
	// {"seq":1,"prev":"0000000000000000000000000000000000000000000000000000000000000000","event":{"time":"2026-11-25T09:00:00Z","connection":"okta","kind":"applied","step":{"op":"add member","user":"ann","group":"devs"}},"hash":"9e77e5299d39839bbea127199ed387b2310ca39ca3bfffc76d65ede1ebbd6b7f"}
	// {"seq":2,"prev":"9e77e5299d39839bbea127199ed387b2310ca39ca3bfffc76d65ede1ebbd6b7f","event":{"time":"2026-11-25T09:00:00Z","connection":"okta","kind":"applied","step":{"op":"add member","user":"bob","group":"devs"}},"hash":"350cce80f734560e8ce559a2279f65b23ee3da0840cac5afde298e1a77b35e85"}
	// 2 records, <nil>
	// audit: line 1: it was altered: its hash does not fit
	// audit: line 2: the log ends after record 1, but record 2 was written
}
