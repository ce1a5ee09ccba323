package backup_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
)

// genConfig makes valid configurations of all settings.
func genConfig() *rapid.Generator[*backup.Config] {
	return rapid.Custom(func(t *rapid.T) *backup.Config {
		c := &backup.Config{Format: backup.Format}
		for i := range rapid.IntRange(1, 3).Draw(t, "connections") {
			c.Connections = append(c.Connections, drawConnection(t, i))
		}
		replicas := rapid.SampledFrom([]groupsync.Replicas{"", groupsync.ManyReplicas, groupsync.OneReplica}).Draw(t, "replicas")
		for i := range c.Connections { // some may share a directory
			c.Connections[i].Crowd.Replicas = replicas
		}
		return c
	})
}

func drawConnection(t *rapid.T, i int) backup.Connection {
	c := backup.Connection{
		Name:     fmt.Sprintf("%s-%d", rapid.StringMatching(`[a-z0-9-]{1,20}`).Draw(t, "name"), i),
		Provider: rapid.SampledFrom(append(scim.Providers(), "")).Draw(t, "provider"),
		Paused:   rapid.Bool().Draw(t, "paused"),
		Path:     fmt.Sprintf("/%d%s", i, rapid.StringMatching(`[A-Za-z0-9._~-]{0,8}(/v[0-9])?`).Draw(t, "path")),
		Crowd: backup.Crowd{
			URL:         rapid.SampledFrom([]string{"https://crowd.example.com/crowd", "http://localhost:8095"}).Draw(t, "url"),
			Application: rapid.StringMatching(`[a-zäöü &<]{1,12}`).Draw(t, "application"),
			Password:    drawPassword(t),
			MaxInFlight: rapid.IntRange(0, 1000).Draw(t, "maxInFlight"),
			SplitWrites: rapid.Bool().Draw(t, "splitWrites"),
			Abandoned:   rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9-]{1,32}`), 0, 3, rapid.ID[string]).Draw(t, "abandoned"),
		},
		Access: scim.Access{
			Raw:       rapid.Bool().Draw(t, "raw"),
			Scheme:    rapid.SampledFrom([]string{"", "Token"}).Draw(t, "scheme"),
			Header:    rapid.SampledFrom([]string{"", "X-API-Key"}).Draw(t, "header"),
			Addresses: rapid.SampledFrom([][]string{nil, {"192.0.2.17", "2001:db8::/32"}}).Draw(t, "addresses"),
		},
		Users:  drawUsers(t),
		Groups: drawGroups(t),
		Limits: scim.Limits{Body: rapid.Int64Range(0, 1<<30).Draw(t, "body"), Depth: rapid.IntRange(0, 1000).Draw(t, "depth")},
	}
	if rapid.Bool().Draw(t, "issuers") {
		c.Access.Issuers = drawIssuers(t)
	}
	if c.Users.Leads != (backup.Leads{}) && rapid.Bool().Draw(t, "jira") {
		c.Jira = drawJira(t)
	}
	if rapid.Bool().Draw(t, "webhook") {
		c.Webhook = backup.Webhook{URL: rapid.SampledFrom([]string{"https://hr.example.com", "http://hr/leavers?a=b&c"}).Draw(t, "webhook url"), Secret: drawPassword(t)}
	}
	if rapid.Bool().Draw(t, "directory") {
		c.Crowd.Directory = backup.Directory{
			Name: drawName(t), Type: rapid.SampledFrom([]backup.DirectoryType{"", backup.Internal}).Draw(t, "type"), Create: rapid.Bool().Draw(t, "create"),
		}
	}
	for j := range rapid.IntRange(1, 3).Draw(t, "tokens") {
		c.Tokens = append(c.Tokens, drawToken(t, j))
	}
	return c
}

func drawIssuers(t *rapid.T) []scim.Issuer {
	return rapid.SliceOfN(rapid.SampledFrom([]scim.Issuer{
		{URL: "https://auth.example.com/<a>", Audience: "https://bridge.example.com/scim"},
		{URL: "https://auth.example.com", Audience: "b", Clients: []string{"c"}, Scopes: []string{"d", "e"}, ReadOnly: true},
		{URL: "http://localhost:9000", Audience: "b", Keys: "https://auth.example.com/keys"},
		{EntraTenant: "3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1"},
		{EntraTenant: "3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1", Audience: "f"},
	}), 1, 3).Draw(t, "issuers")
}

func drawToken(t *rapid.T, i int) scim.Token {
	token := scim.Token{
		ID:       fmt.Sprintf("%s%d", rapid.StringMatching(`[a-z]{0,4}`).Draw(t, "id"), i),
		SHA256:   fmt.Sprint(i) + rapid.StringMatching(`[0-9a-fA-F]{63}`).Draw(t, "sha256"),
		User:     rapid.SampledFrom([]string{"", "admin"}).Draw(t, "user"),
		ReadOnly: rapid.Bool().Draw(t, "readOnly"),
	}
	if rapid.Bool().Draw(t, "ends") {
		zone := time.FixedZone("", 3600*rapid.IntRange(-12, 14).Draw(t, "zone"))
		token.NotAfter = time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "notAfter"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(zone)
	}
	return token
}

func drawPassword(t *rapid.T) backup.Password {
	text := rapid.StringMatching(`[A-Z_]{1,10}`).Draw(t, "password")
	return rapid.SampledFrom([]backup.Password{
		{Env: text}, {File: "/run/" + text}, {Value: crowd.Secret(text + "\"<\n\u2028")}, {Sealed: text},
	}).Draw(t, "kind")
}

func drawJira(t *rapid.T) backup.Jira {
	return rapid.SampledFrom([]backup.Jira{
		{URL: "https://jira.example.com/jira", Token: drawPassword(t)},
		{URL: "https://jira.example.com", Type: jiraleads.DataCenter, User: "scim & co", Token: drawPassword(t)},
		{URL: "https://example.atlassian.net", Type: jiraleads.Cloud, User: "scim@example.com", Token: drawPassword(t), MatchDisplayName: true},
	}).Draw(t, "product")
}

func drawUsers(t *rapid.T) backup.Users {
	return backup.Users{
		Users: scim.Users{
			Create: drawSwitch(t), Update: drawSwitch(t), Deactivate: drawSwitch(t), Reactivate: drawSwitch(t),
			Delete:       rapid.SampledFrom([]groupsync.Deletion{"", groupsync.Deactivate, groupsync.Delete, groupsync.Keep}).Draw(t, "delete"),
			Existing:     rapid.SampledFrom([]groupsync.Existing{"", groupsync.Conflict, groupsync.Link}).Draw(t, "existing"),
			Password:     rapid.SampledFrom([]scim.Password{"", scim.IgnorePassword, scim.SetPassword}).Draw(t, "password"),
			EmailRefused: rapid.SampledFrom([]scim.EmailRefused{"", scim.SkipEmail, scim.RejectEmail}).Draw(t, "emailRefused"),
			Keep: rapid.SampledFrom([]scim.Keep{
				{}, {Mapped: true}, {Paths: []string{}}, {Paths: []string{"phoneNumbers", `emails[type eq "work"].value`}},
			}).Draw(t, "keep"),
			Attributes: drawRows(t),
			Protected:  drawNames(t),
		},
		Extensions: drawExtensions(t),
		Filter:     rapid.SampledFrom([]string{"", `userType == "Employee"`, "active"}).Draw(t, "filter"),
		Leads:      backup.Leads{Project: rapid.SampledFrom([]string{"", "jdoe"}).Draw(t, "project")},
	}
}

func drawExtensions(t *rapid.T) []backup.Extension {
	var all []backup.Extension
	for i := range rapid.IntRange(0, 2).Draw(t, "extensions") {
		all = append(all, backup.Extension{
			ID: fmt.Sprintf("urn:example:%s:%d:User", rapid.StringMatching(`[A-Za-z0-9._~-]{1,8}`).Draw(t, "urn"), i), Required: rapid.Bool().Draw(t, "required"),
			Name: rapid.SampledFrom([]string{"", "Badge <&>"}).Draw(t, "name"), Attributes: drawExtensionAttributes(t, true),
		})
	}
	return all
}

func drawExtensionAttributes(t *rapid.T, complex bool) []backup.ExtensionAttribute {
	types := []string{"", "string", "boolean", "decimal", "integer", "dateTime", "binary", "reference"}
	if complex {
		types = append(types, "complex")
	}
	var all []backup.ExtensionAttribute
	for i := range rapid.IntRange(1, 3).Draw(t, "attributes") {
		a := backup.ExtensionAttribute{
			Name:        fmt.Sprintf("%s%d", rapid.StringMatching(`[A-Za-z][A-Za-z0-9_-]{0,6}`).Draw(t, "name"), i),
			Type:        rapid.SampledFrom(types).Draw(t, "type"),
			MultiValued: rapid.Bool().Draw(t, "multiValued"),
			Mutability:  rapid.SampledFrom([]string{"", "readWrite", "readOnly", "immutable", "writeOnly"}).Draw(t, "mutability"),
			Uniqueness:  rapid.SampledFrom([]string{"", "none", "server", "global"}).Draw(t, "uniqueness"),
		}
		a.Required = a.Mutability != "readOnly" && rapid.Bool().Draw(t, "required")
		if a.Mutability != "writeOnly" {
			a.Returned = rapid.SampledFrom([]string{"", "default", "always", "never", "request"}).Draw(t, "returned")
		}
		switch a.Type {
		case "complex":
			a.SubAttributes = drawExtensionAttributes(t, false)
		case "reference":
			a.ReferenceTypes = rapid.SampledFrom([][]string{nil, {}, {"external"}}).Draw(t, "referenceTypes")
		default:
			a.CaseExact = rapid.Bool().Draw(t, "caseExact")
			a.CanonicalValues = rapid.SampledFrom([][]string{nil, {}, {"a", "b"}}).Draw(t, "canonicalValues")
		}
		all = append(all, a)
	}
	return all
}

func drawRows(t *rapid.T) mapping.Attributes {
	return rapid.SampledFrom([]mapping.Attributes{
		nil,
		{},
		{{To: "email", From: []string{"emails.value"}, IfMissing: mapping.Reject}},
		{{To: "active", Const: true}, {To: "origin", Const: []string{"a", "<b>"}}, {To: "team", Const: "x", IfMissing: mapping.Keep}},
		{{To: "displayName", From: []string{}, Expr: `lower(userName)`}},
	}).Draw(t, "attributes")
}

func drawGroups(t *rapid.T) backup.Groups {
	g := backup.Groups{
		Groups: mapping.Groups{
			Filter:             rapid.SampledFrom([]string{"", `displayName startsWith "<crowd> "`}).Draw(t, "filter"),
			DefaultForNewUsers: drawNames(t),
			DefaultForAllUsers: drawNames(t),
			Mapping:            rapid.SampledFrom([]mapping.Mode{"", mapping.OnTheFlyMapping, mapping.ManualMapping}).Draw(t, "mapping"),
			Manual:             mapping.Manual{ImportGroups: rapid.Bool().Draw(t, "importGroups")},
			OnTheFly: mapping.OnTheFly{
				Create: drawSwitch(t), KeepExistingGroups: drawSwitch(t), Only: rapid.SampledFrom([][]string{nil, {}, {"dev-*"}}).Draw(t, "only"),
				Rename:     mapping.Rename{Prefix: rapid.SampledFrom([]string{"", "x-"}).Draw(t, "prefix")},
				Collisions: rapid.SampledFrom([]mapping.Collisions{"", mapping.Union, mapping.Refuse}).Draw(t, "collisions"),
			},
			Protected: rapid.SampledFrom([][]string{nil, {}, {"crowd-administrators"}}).Draw(t, "protected"),
		},
		UnknownMembers:  rapid.SampledFrom([]backup.UnknownMembers{"", backup.SkipUnknown, backup.RejectUnknown}).Draw(t, "unknownMembers"),
		Nested:          rapid.SampledFrom([]backup.NestedGroups{"", backup.NativeNested, backup.FlattenNested}).Draw(t, "nested"),
		KeepEmptyGroups: rapid.Bool().Draw(t, "keepEmptyGroups"),
		Guard:           groupsync.Policy{Removals: drawLimit(t), Deactivations: drawLimit(t), GroupDeletions: drawLimit(t)},
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "rules") {
		r := mapping.Rule{To: []string{fmt.Sprint("target-", i)}, KeepExistingUsers: drawSwitch(t)}
		switch rapid.IntRange(0, 2).Draw(t, "source") {
		case 0:
			r.From = fmt.Sprint("group ", i)
		case 1:
			r.FromExternalID = fmt.Sprint("id", i)
		default:
			r.FromPattern = fmt.Sprintf("x%d-(.*)", i)
		}
		g.Manual.Rules = append(g.Manual.Rules, r)
	}
	return g
}

func drawLimit(t *rapid.T) groupsync.Limit {
	n := rapid.IntRange(0, 100).Draw(t, "limit")
	return rapid.SampledFrom([]groupsync.Limit{{}, {Count: &n}, {Percent: &n}, {Count: new(10 * n), Percent: &n}}).Draw(t, "numbers")
}

func drawSwitch(t *rapid.T) *bool {
	return rapid.SampledFrom([]*bool{nil, new(true), new(false)}).Draw(t, "switch")
}

func drawName(t *rapid.T) string {
	return rapid.StringMatching(`[a-zäß][a-z .&<"\\]{0,8}[a-z]`).Draw(t, "name")
}

func drawNames(t *rapid.T) []string {
	return rapid.SampledFrom([][]string{nil, {}, {"employees"}, {"zoë", "a&b"}}).Draw(t, "names")
}
