// Command fakecrowd serves a Crowd in memory, for tests of programs in any language
// that call Crowd's user management REST API.
//
//	fakecrowd --json &
//	{"crowd":"http://127.0.0.1:40001/crowd","application":"scim","password":"…","admin":"admin","admin_password":"…"}
//
// That line, the only one on standard output, tells where it listens and with
// which credentials; without --json it says the same for people. It serves
// until it is interrupted or terminated, and then writes the file of --dump.
//
// The application sees one directory, "Crowd", or those of the file of --load.
// The administrator is a user of a directory of its own, "Administrators".
//
// The flags make it another Crowd: --nested turns nested groups on, --version
// takes an old one, --no-email-change forbids what Crowd forbids from 4.4 on,
// whatever the version, --latency makes it slow, and --faults makes it fail, as
// a file says:
//
//	[{"method": "POST", "resource": "group/*", "nth": 2, "times": 3, "kind": "lose-response"},
//	 {"resource": "search", "kind": "answer", "status": 429, "retryAfter": "2s"}]
//
// The documentation of package crowdtest tells what the fake does, what kinds
// of faults there are, and in what it differs from a real Crowd.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "fakecrowd:", err)
	os.Exit(1)
}

// settings are the program's flags.
type settings struct {
	listen, version    string
	load, dump, faults string
	json, nested       bool
	noEmailChange      bool
	latency            time.Duration
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	f := flag.NewFlagSet("fakecrowd", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&s.listen, "listen", "127.0.0.1:8095", "`address` to listen on; port 0 takes a free one")
	f.BoolVar(&s.json, "json", false, "print address and credentials as one line of JSON")
	f.BoolVar(&s.nested, "nested", false, "let groups be members of groups")
	f.StringVar(&s.version, "version", crowdtest.DefaultVersion, "`version` of Crowd to behave as")
	f.BoolVar(&s.noEmailChange, "no-email-change", false, "refuse to change e-mail addresses, as Crowd does from 4.4 on")
	f.DurationVar(&s.latency, "latency", 0, "`delay` of every answer, such as 20ms")
	f.StringVar(&s.load, "load", "", "JSON `file` with directories, users, groups and applications to start with")
	f.StringVar(&s.dump, "dump", "", "JSON `file` to write everything to at the end")
	f.StringVar(&s.faults, "faults", "", "JSON `file` with a list of faults")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if s.latency < 0 {
		return s, errors.New("--latency must not be negative")
	}
	if !regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`).MatchString(s.version) {
		return s, fmt.Errorf("--version %q is not of the form 6.3.0", s.version)
	}
	return s, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	srv, a, err := s.server()
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	a.Crowd = "http://" + reachable(l.Addr()) + "/crowd"
	if err := a.print(stdout, s.json); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := serve(ctx, srv, l); err != nil {
		return err
	}
	return s.writeDump(srv)
}

// reachable returns an address at which clients on this machine find a listener,
// which may listen at all addresses.
func reachable(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return a.String()
}

// serve answers until ctx ends, and then lets requests under way end.
func serve(ctx context.Context, h http.Handler, l net.Listener) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return server.Close()
	}
	return nil
}

// access is what a client needs to know.
type access struct {
	Crowd         string `json:"crowd"`
	Application   string `json:"application"`
	Password      string `json:"password"`
	Admin         string `json:"admin"`
	AdminPassword string `json:"admin_password"`
}

func (a access) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(a)
	}
	_, err := fmt.Fprintf(w, "Crowd at %s\napplication %s, password %s\nadministrator %s, password %s\n",
		a.Crowd, a.Application, a.Password, a.Admin, a.AdminPassword)
	return err
}

// The administrator, and the directory that nobody else is in.
const (
	adminDirectory = "Administrators"
	adminGroup     = "crowd-administrators"
	adminName      = "admin"
	adminPassword  = "crowdtest-admin"
)

// server returns the server that the flags describe.
func (s settings) server() (*crowdtest.Server, access, error) {
	srv := &crowdtest.Server{}
	srv.SetOptions(func(o *crowdtest.Options) {
		o.Version = s.version
		o.NestedGroups = s.nested
		o.AllowEmailChange, o.RefuseEmailChange = !s.noEmailChange, s.noEmailChange
		o.Latency = s.latency
		o.NoCalls = true // nobody could ask for them
	})
	if err := s.loadState(srv); err != nil {
		return nil, access{}, err
	}
	if err := s.loadFaults(srv); err != nil {
		return nil, access{}, err
	}
	addAdministrator(srv)
	return srv, access{
		Application: srv.Application, Password: srv.Password.Reveal(), Admin: adminName, AdminPassword: adminPassword,
	}, nil
}

func (s settings) loadState(srv *crowdtest.Server) error {
	if s.load == "" {
		return nil
	}
	file, err := os.Open(s.load)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := srv.Load(file); err != nil {
		return fmt.Errorf("%s: %w", s.load, err)
	}
	return nil
}

func (s settings) loadFaults(srv *crowdtest.Server) error {
	if s.faults == "" {
		return nil
	}
	file, err := os.Open(s.faults)
	if err != nil {
		return err
	}
	defer file.Close()
	faults, err := crowdtest.ReadFaults(file)
	if err != nil {
		return fmt.Errorf("%s: %w", s.faults, err)
	}
	srv.Fail(faults...)
	return nil
}

// addAdministrator adds the administrator's directory, unless a loaded state
// has one, and keeps it from the application.
func addAdministrator(srv *crowdtest.Server) {
	var seen []crowdtest.Mapping
	found := false
	for _, name := range srv.Directories() {
		if name == adminDirectory {
			found = true
			continue
		}
		seen = append(seen, crowdtest.Mapping{Directory: name})
	}
	if !found {
		srv.AddDirectory(crowdtest.Directory{Name: adminDirectory})
	}
	admins := srv.In(adminDirectory)
	if _, found := admins.User(adminName); !found {
		admins.AddUser(crowd.User{Name: adminName, DisplayName: "Administrator", Email: "admin@example.com", Active: true})
	}
	if _, found := admins.Group(adminGroup); !found {
		admins.AddGroup(crowd.Group{Name: adminGroup, Active: true})
	}
	admins.AddMember(adminGroup, adminName)
	admins.SetPassword(adminName, adminPassword)
	srv.UpdateApplication(srv.Application, func(a *crowdtest.Application) {
		if len(a.Directories) == 0 {
			a.Directories = seen
		}
	})
}

// writeDump writes the state to the file of --dump.
func (s settings) writeDump(srv *crowdtest.Server) error {
	if s.dump == "" {
		return nil
	}
	file, err := os.CreateTemp(filepath.Dir(s.dump), ".fakecrowd-*")
	if err != nil {
		return err
	}
	if err := errors.Join(srv.Dump(file), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), s.dump)
}
