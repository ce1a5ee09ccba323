package crowdtest

import (
	"crypto/rand"
	_ "embed"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A Target is a Crowd, real or not, for [Conform].
type Target struct {
	// BaseURL is where the Crowd is, such as https://crowd.example.com/crowd.
	BaseURL string
	// Application and Password are the credentials of one of its applications,
	// which may do everything in exactly one directory.
	Application string
	Password    crowd.Secret
	// HTTPClient makes the requests; nil means [http.DefaultClient].
	HTTPClient *http.Client
}

// Target returns the server as a target, with the credentials of its
// [Server.Application].
func (s *Server) Target() Target {
	s.init()
	t := Target{BaseURL: s.URL, Application: s.Application, Password: s.Password}
	if s.URL == "" {
		t.BaseURL, t.HTTPClient = withoutNetwork(s)
	}
	return t
}

// Conform holds a Crowd against the list of what a Crowd does, which is the
// file testdata/behaviour.md of this package, and reports as an error of the
// test where it differs, each with the line of the list. Whoever has a real
// Crowd can so find out where this package is wrong about it:
//
//	CROWD_URL=https://crowd.example.com/crowd CROWD_APPLICATION=scim CROWD_PASSWORD=… \
//	    go test -tags crowd -run Conform github.com/scimcrowd/scimcrowd/crowd/crowdtest
//
// It makes the users and groups that it needs, whose names start with
// "conform-", and removes them; it changes nothing else. Lines that would need
// more than an application's rights are left to the tests of the fake.
func Conform(tb testing.TB, target Target) {
	tb.Helper()
	if a := (&conformer{tb: tb, target: target}).call("GET", "config/cookie", ""); a.status != http.StatusOK {
		tb.Fatalf("crowdtest: conform: the target does not take the application: %d %.200s", a.status, a.body)
	}
	lines := behaviour()
	for _, check := range conformChecks() {
		c := &conformer{tb: tb, target: target, prefix: "conform-" + strings.ToLower(rand.Text()[:8]) + "-"}
		c.carryOut(check)
		for _, problem := range c.problems {
			tb.Errorf("line %d of the behaviour list: %s\n\tthe line: %s", check.line, problem, lines[check.line])
		}
	}
}

//go:embed testdata/behaviour.md
var behaviourList string

// behaviour returns the lines of the behaviour list by their numbers.
func behaviour() map[int]string {
	lines := map[int]string{}
	for text := range strings.Lines(behaviourList) {
		var n int
		if _, err := fmt.Sscanf(text, "%d. ", &n); err == nil {
			_, lines[n], _ = strings.Cut(strings.TrimSpace(text), ". ")
		}
	}
	return lines
}

// A conformCheck proves one line of the behaviour list.
type conformCheck struct {
	line int
	run  func(c *conformer)
}

func conformChecks() []conformCheck {
	return []conformCheck{
		{1, conformVersions},
		{2, conformUnauthenticated},
		{3, conformUnknownPath},
		{5, conformVersionHeader},
		{6, conformCookie},
		{7, conformFormats},
		{8, conformTypesAndMethods},
		{9, conformGetUser},
		{10, conformExpand},
		{11, conformNoPassword},
		{12, conformCreateUser},
		{14, conformNameTaken},
		{15, conformPasswordNeeded},
		{17, conformUpdateUser},
		{18, conformUpdateName},
		{19, conformEmail},
		{20, conformUnknownUser},
		{21, conformDeleteUser},
		{22, conformRename},
		{23, conformUserAttributes},
		{24, conformSystemAttributes},
		{25, conformLongValues},
		{26, conformLongNames},
		{27, conformPassword},
		{28, conformAuthentication},
		{29, conformCreateGroup},
		{30, conformUpdateGroup},
		{31, conformDeleteGroup},
		{32, conformGroupAttributes},
		{33, conformAddMember},
		{34, conformAddUnknown},
		{35, conformEmptyBodyType},
		{36, conformRemoveMember},
		{37, conformTestMembership},
		{38, conformListEntries},
		{39, conformPages},
		{40, conformOrder},
		{41, conformUnknownList},
		{42, conformNesting},
		{43, conformNestedLists},
		{44, conformDump},
		{45, conformCQL},
		{46, conformAttributeSearch},
		{47, conformSearchBodies},
		{48, conformSessions},
		{49, conformCookieConfig},
		{50, conformEvents},
		{55, conformNames},
		{56, conformPlus},
		{57, conformOuterSpace},
		{58, conformUnknownMembers},
		{59, conformMalformed},
		{62, conformRaces},
	}
}
