// Command quickstart serves SCIM for a Crowd directory, to try it out: a fake
// Crowd by default, or one that is there already.
//
//	go run ./examples/quickstart
//	CROWD_PASSWORD=... go run ./examples/quickstart --crowd https://crowd.example.com/crowd --application scim
//
// It shows how an embedder composes the packages: a Crowd, a connection to it
// described by a [backup.Connection], and the handler of that connection under
// a path of an ordinary server.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart: "+strings.ReplaceAll(err.Error(), "\n", "; "))
		os.Exit(1)
	}
}

// fakeAddress is where the fake Crowd listens unless a flag says otherwise.
const fakeAddress = "127.0.0.1:8095"

type options struct {
	listen, crowdListen   string
	provider, groups      string
	noEmailChange         bool
	crowdURL, application string
	config                string
	reconcile             time.Duration
	export, json, debug   bool
}

func parse(args []string, help io.Writer) (o options, err error) {
	f := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address of the SCIM server, port 0 for any")
	f.StringVar(&o.crowdListen, "crowd-listen", "", "address of the fake Crowd, port 0 for any (default "+fakeAddress+")")
	f.StringVar(&o.provider, "provider", "generic", "identity provider on the other side, such as okta or entra")
	f.StringVar(&o.groups, "groups", "on-the-fly", "group mapping: on-the-fly or manual")
	f.BoolVar(&o.noEmailChange, "no-email-change", false, "have the fake refuse changes of e-mail, as Crowd 4.4 and later do")
	f.StringVar(&o.crowdURL, "crowd", "", "a Crowd that is there already, such as https://crowd.example.com/crowd")
	f.StringVar(&o.application, "application", "scim", "name of the application in that Crowd; its password is taken from CROWD_PASSWORD")
	f.StringVar(&o.config, "config", "", "configuration document; its first connection is run")
	f.DurationVar(&o.reconcile, "reconcile", time.Hour, "how often Crowd is compared with what was said and mended, at the start too; 0 for never")
	f.BoolVar(&o.export, "export", false, "print the configuration document that would be used, and end")
	f.BoolVar(&o.json, "json", false, "print what a program needs as one line of JSON")
	f.BoolVar(&o.debug, "debug", false, "log every request and change")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(help)
		f.PrintDefaults()
		return o, err
	case err != nil:
		return o, fmt.Errorf("%w. Run it with --help for the flags", err)
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q. Run it with --help for the flags", f.Arg(0))
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	connection, err := o.connection()
	if err != nil {
		return err
	}
	secret, token := scim.NewToken()
	connection.Tokens = append(connection.Tokens, token)
	if o.export {
		fmt.Fprintln(stderr, "the document accepts this token:", secret.Reveal())
		return backup.Write(stdout, &backup.Config{Connections: []backup.Connection{connection}})
	}
	return o.serve(ctx, connection, secret, stdout, stderr)
}

// connection returns the settings: those of the document, or of the flags.
func (o options) connection() (backup.Connection, error) {
	c := backup.Connection{
		Name: "quickstart", Provider: scim.Provider(o.provider), Path: "/scim/v2",
		Crowd: backup.Crowd{
			URL: "http://" + fakeAddress + "/crowd", Application: o.application, Password: backup.Password{Env: "CROWD_PASSWORD"},
		},
		Groups: backup.Groups{Groups: mapping.Groups{Mapping: mapping.Mode(o.groups)}},
	}
	if c.Groups.Mapping == mapping.ManualMapping { // members put there by hand are kept, which is the default
		c.Groups.Manual.Rules = []mapping.Rule{{From: "Engineering", To: []string{"crew-seed"}}}
	}
	if o.config != "" {
		file, err := os.Open(o.config)
		if err != nil {
			return c, fmt.Errorf("configuration: %w", err)
		}
		defer file.Close()
		config, err := backup.Read(file)
		if err != nil {
			return c, fmt.Errorf("configuration %s: %w", o.config, err)
		}
		c = config.Connections[0]
	}
	if o.crowdURL != "" {
		c.Crowd.URL, c.Crowd.Application = o.crowdURL, o.application
		c.Crowd.Password = backup.Password{Env: "CROWD_PASSWORD"}
	}
	return c, nil
}

// fake reports whether the fake stands in for the connection's Crowd.
func (o options) fake(c backup.Connection) bool {
	return o.crowdURL == "" && (o.crowdListen != "" || c.Crowd.URL == "http://"+fakeAddress+"/crowd")
}

// listening is what --json prints.
type listening struct {
	SCIM        string `json:"scim"`
	Token       string `json:"token"`
	Crowd       string `json:"crowd,omitempty"`
	Application string `json:"application,omitempty"`
	Password    string `json:"password,omitempty"`

	rule bool // Engineering fills crew-seed of the fake
}

func (o options) serve(ctx context.Context, c backup.Connection, secret crowd.Secret, stdout, stderr io.Writer) error {
	var servers group
	defer servers.shutdown()
	listener, err := listen(o.listen, "--listen")
	if err != nil {
		return err
	}
	servers.add(listener)
	resolve := backup.References(os.LookupEnv, os.ReadFile)
	at := listening{Token: secret.Reveal()}
	if o.fake(c) {
		password := crowd.Secret(rand.Text())
		if at.Crowd, err = o.startFake(&servers, c.Crowd.Application, password); err != nil {
			return err
		}
		at.Application, at.Password = c.Crowd.Application, password.Reveal()
		at.rule = o.config == "" && c.Groups.Mapping == mapping.ManualMapping
		c.Crowd.URL = at.Crowd
		resolve = func(context.Context, backup.Password) (crowd.Secret, error) { return password, nil }
	}
	var level slog.LevelVar
	level.Set(slog.LevelError) // until Crowd has been reached: the error says it all
	if o.debug {
		level.Set(slog.LevelDebug)
	}
	running, err := backup.Build(ctx, c, backup.BuildOptions{
		BaseURL: "http://" + reachable(listener), Resolve: resolve,
		Logger: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: &level})),
	})
	if err != nil {
		return err
	}
	if _, err := running.Client.CookieConfig(ctx); err != nil {
		return fmt.Errorf("%w. Check the address of Crowd (%s), the application %q, its password and its remote addresses", err, c.Crowd.URL, c.Crowd.Application)
	}
	level.Set(min(level.Level(), slog.LevelWarn))
	if err := running.Engine.CheckStrangers(ctx); err != nil {
		return err
	}
	mux := http.NewServeMux()
	running.Mount(mux)
	servers.serve(listener, mux)
	at.SCIM = running.BaseURL
	if o.json {
		err = json.NewEncoder(stdout).Encode(at)
	} else {
		err = at.tell(stdout)
	}
	if err != nil {
		return err
	}
	if o.reconcile > 0 {
		defer inBackground(ctx, func(ctx context.Context) {
			_ = running.Engine.ReconcileEvery(ctx, o.reconcile, groupsync.ReconcileOptions{}) // logs what goes wrong
		})()
	}
	return servers.wait(ctx)
}

// inBackground runs f and returns what ends it and waits for its end.
func inBackground(ctx context.Context, f func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// startFake serves a fake Crowd with a few users and a group in it.
func (o options) startFake(servers *group, application string, password crowd.Secret) (url string, err error) {
	address := o.crowdListen
	if address == "" {
		address = fakeAddress
	}
	listener, err := listen(address, "--crowd-listen")
	if err != nil {
		return "", err
	}
	fake := &crowdtest.Server{Application: application, Password: password}
	fake.SetOptions(func(f *crowdtest.Options) { f.AllowEmailChange = !o.noEmailChange })
	for _, u := range [][2]string{{"Nora", "Field"}, {"Omar", "Reed"}, {"Pia", "Stone"}} {
		name := strings.ToLower(u[0]) + ".seed"
		fake.AddUser(crowd.User{
			Name: name, FirstName: u[0], LastName: u[1], DisplayName: u[0] + " " + u[1], Email: name + "@example.com", Active: true,
		})
	}
	fake.AddGroup(crowd.Group{Name: "crew-seed", Active: true})
	fake.AddMember("crew-seed", "nora.seed")
	servers.add(listener)
	mux := http.NewServeMux()
	mux.Handle("/crowd/", fake)
	servers.serve(listener, mux)
	return "http://" + reachable(listener) + "/crowd", nil
}

func (l listening) tell(w io.Writer) error {
	text := "SCIM base URL: " + l.SCIM + "\nBearer token:  " + l.Token + "\n"
	if l.Crowd != "" {
		text += "Fake Crowd:    " + l.Crowd + " (application " + l.Application + ", password " + l.Password + ")\n"
	}
	if l.rule {
		text += `
A rule says that the SCIM group Engineering fills the Crowd group crew-seed, and
nora.seed was put there by hand. The lines below show that Crowd gets no group
Engineering, that lea joins nora in crew-seed, and that lea leaves it when the
identity provider says so while nora stays.
`
	}
	text += `
Paste this into another terminal:

export SCIM=` + l.SCIM + `
export TOKEN=` + l.Token + `
curl -sS -H "Authorization: Bearer $TOKEN" "$SCIM/Users?startIndex=1&count=2"
curl -sS -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/scim+json' "$SCIM/Users" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"lea","displayName":"Lea Moss","emails":[{"value":"lea@example.com","primary":true}],"active":true}'
LEA=$(curl -sS -G -H "Authorization: Bearer $TOKEN" "$SCIM/Users" --data-urlencode 'filter=userName eq "lea"' | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p')
curl -sS -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/scim+json' "$SCIM/Groups" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Engineering","members":[{"value":"'$LEA'"}]}'
`
	if l.Crowd != "" {
		text += l.asCrowd("user/group/direct?username=lea")
	}
	if l.rule {
		text += l.asCrowd("group/user/direct?groupname=crew-seed") +
			`ENGINEERING=$(curl -sS -G -H "Authorization: Bearer $TOKEN" "$SCIM/Groups" --data-urlencode 'filter=displayName eq "Engineering"' --data-urlencode 'excludedAttributes=members' | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p')
curl -sS -X PATCH -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/scim+json' "$SCIM/Groups/$ENGINEERING" -d '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"'$LEA'\"]"}]}'
` + l.asCrowd("group/user/direct?groupname=crew-seed")
	}
	text += `curl -sS -X PATCH -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/scim+json' "$SCIM/Users/$LEA" -d '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}'
`
	_, err := io.WriteString(w, text)
	return err
}

// asCrowd returns the line that asks the fake Crowd itself.
func (l listening) asCrowd(path string) string {
	return `curl -sS -u '` + l.Application + `:` + l.Password + `' -H 'Accept: application/json' "` + l.Crowd + `/rest/usermanagement/1/` + path + `"
`
}

func listen(address, flagName string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w. Choose another address with %s", err, flagName)
	}
	return listener, nil
}

// reachable returns the address of a listener as a client on this machine may use it.
func reachable(l net.Listener) string {
	address := l.Addr().(*net.TCPAddr)
	if address.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(address.Port))
	}
	return address.String()
}

// A group is servers that start and end together; the last to start ends first.
type group struct {
	listeners []net.Listener
	servers   []*http.Server
	failed    chan error
}

func (g *group) add(l net.Listener) { g.listeners = append(g.listeners, l) }

func (g *group) serve(l net.Listener, h http.Handler) {
	if g.failed == nil {
		g.failed = make(chan error, 2)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	g.servers = append(g.servers, server)
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			g.failed <- err
		}
	}()
}

// wait returns when ctx ends, or a server fails.
func (g *group) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-g.failed:
		return err
	}
}

// shutdown lets requests in flight end.
func (g *group) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, s := range slices.Backward(g.servers) {
		_ = s.Shutdown(ctx)
	}
	for _, l := range g.listeners {
		_ = l.Close()
	}
}
