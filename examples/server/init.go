package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/idp"
)

// An initial is what init is told of a connection.
type initial struct {
	name, provider, path, baseURL     string
	crowdURL, application, directory  string
	passwordEnv, passwordFile, groups string
	expires                           time.Duration
	create                            bool
	admin                             administrator
}

func (a *app) initCommand() *cobra.Command {
	var i initial
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a configuration, or add a connection to it, and tell what to click at the identity provider",
		Long: `Write a configuration with one connection, or add a connection to the one that is
there, and print what the identity provider asks for: base URL, token, and what to
click. What no flag says is asked for where there is a terminal.

The password of the application in Crowd is not written into the configuration, only
where it is: in an environment variable, or in a file, which init writes if it is
not there and somebody is at the terminal to type it.

With --directory and --admin the directory is found or, with --create-directory, made,
the application gets it and the permissions it needs, and that is tried out; without
them these are clicks in Crowd's console.`,
		Example: `  server init --config config.json --provider okta --crowd-url https://crowd.example.com/crowd \
    --application scim-okta --password-env CROWD_PASSWORD_OKTA --base-url https://bridge.example.com
  server init --config config.json --provider entra --crowd-url https://crowd.example.com/crowd \
    --application scim-entra --password-file /etc/scimcrowd/entra.password --base-url https://bridge.example.com`,
		RunE: func(c *cobra.Command, _ []string) error { return a.initialise(c.Context(), i) },
	}
	f := c.Flags()
	f.StringVar(&i.provider, "provider", "", "the identity provider: "+join(scim.Providers()))
	f.StringVar(&i.name, "connection", "", "the `NAME` of the connection (default: that of the provider)")
	f.StringVar(&i.path, "path", "", "the `PATH` it is served at (default /scim/NAME/v2)")
	f.StringVar(&i.baseURL, "base-url", "", "the `URL` at which identity providers reach the server, such as https://bridge.example.com")
	f.StringVar(&i.crowdURL, "crowd-url", "", "the address of Crowd, such as https://crowd.example.com/crowd")
	f.StringVar(&i.application, "application", "", "the `NAME` of the application in Crowd")
	f.StringVar(&i.passwordEnv, "password-env", "", "the environment `VARIABLE` that holds its password")
	f.StringVar(&i.passwordFile, "password-file", "", "the `FILE` that holds its password")
	f.StringVar(&i.directory, "directory", "", "the `NAME` of the directory in Crowd; with --admin it is mapped to the application, with all permissions that are needed")
	f.BoolVar(&i.create, "create-directory", false, "create the directory where it is missing, which needs the ConfAPI plugin in Crowd")
	i.admin.flags(c)
	f.StringVar(&i.groups, "groups", string(mapping.OnTheFlyMapping), "group mapping: on-the-fly or manual")
	f.DurationVar(&i.expires, "expires", 0, "how long the token is accepted, such as 8760h; 0 for ever")
	return c
}

func join[T ~string](words []T) string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	return strings.Join(all, ", ")
}

func (a *app) initialise(ctx context.Context, i initial) error {
	if err := lasting(i.expires); err != nil {
		return err
	}
	config := &backup.Config{}
	switch c, err := a.read(a.config); {
	case err == nil:
		config = c
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := a.ask(&i); err != nil {
		return err
	}
	if slices.ContainsFunc(config.Connections, func(c backup.Connection) bool { return c.Name == i.name }) {
		return usage("the configuration has a connection %q already; name another with --connection", i.name)
	}
	secret, token := scim.NewToken()
	if i.expires > 0 {
		token.NotAfter = time.Now().Add(i.expires).UTC().Truncate(time.Second)
	}
	connection := i.connection(token)
	config.Connections = append(config.Connections, connection)
	if err := config.Validate(); err != nil {
		return err
	}
	ensured, err := a.ensure(ctx, &backup.Config{Connections: []backup.Connection{connection}}, i.admin)
	if err != nil {
		return err
	}
	if err := writeFile(a.config, func(w io.Writer) error { return backup.Write(w, config) }); err != nil {
		return err
	}
	made := setUp{
		Directories: ensured, Connection: i.name, Provider: i.provider, BaseURL: strings.TrimRight(i.baseURL, "/") + connection.Path,
		Token: secret.Reveal(), Needs: config.Needs(), config: a.config, base: i.baseURL,
	}
	return a.tell(made, made.text)
}

// connection returns the connection that the answers describe. It takes over users
// whom Crowd has, and keeps no more of users than what is mapped.
func (i initial) connection(token scim.Token) backup.Connection {
	c := backup.Connection{
		Name: i.name, Provider: scim.Provider(i.provider), Path: i.path, Tokens: []scim.Token{token},
		Crowd: backup.Crowd{
			URL: i.crowdURL, Application: i.application,
			Password: backup.Password{Env: i.passwordEnv, File: i.passwordFile},
		},
	}
	if i.directory != "" {
		c.Crowd.Directory = backup.Directory{Name: i.directory, Create: i.create}
	}
	c.Users.Existing, c.Users.Keep = "link", scim.Keep{Mapped: true}
	c.Groups.Mapping = mapping.Mode(i.groups)
	c.Groups.Protected = mapping.DefaultProtected()
	return c
}

// setUp is what the administrator of the identity provider needs.
type setUp struct {
	Connection string        `json:"connection"`
	Provider   string        `json:"provider"`
	BaseURL    string        `json:"baseURL"`
	Token      string        `json:"token"`
	Needs      []backup.Need `json:"needs"`
	// Directories is what was done about the directory in Crowd, where there was an
	// administrator to do it as.
	Directories []backup.EnsuredDirectory `json:"directories,omitempty"`

	config, base string
}

func (s setUp) text(w io.Writer) {
	fmt.Fprintf(w, `Base URL: %s
Token:    %s

The token is shown this once; the configuration has its hash. Make another with
  %s token new --config %s --connection %s

`, s.BaseURL, s.Token, program(), s.config, s.Connection)
	tellEnsured(w, s.Directories)
	for _, n := range s.Needs {
		fmt.Fprintln(w, "To be supplied before it runs:", n)
	}
	fmt.Fprintf(w, `
Then check and serve:
  %[1]s check --config %[2]s
  %[1]s serve --config %[2]s --listen :8080 --admin-listen 127.0.0.1:9090 --base-url %[3]s

%[4]s`, program(), s.config, s.base, clicks(scim.Provider(s.Provider)))
}

// clicks returns what a provider's page says is to be done there.
func clicks(p scim.Provider) string {
	page := idp.Page(p)
	title, rest, _ := strings.Cut(page, "\n")
	_, there, found := strings.Cut(rest, "\n## There\n")
	if !found {
		return page
	}
	return strings.TrimPrefix(title, "# ") + ", what to do there:\n" + there
}

// ask asks for what no flag said.
func (a *app) ask(i *initial) error {
	questions := []struct {
		flag, question string
		value          *string
		standard       func() string
	}{
		{"--provider", "Identity provider (" + join(scim.Providers()) + ")", &i.provider, nil},
		{"--connection", "Name of the connection", &i.name, func() string { return i.provider }},
		{"--path", "Path it is served at", &i.path, func() string { return "/scim/" + i.name + "/v2" }},
		{"--base-url", "URL at which identity providers reach the server, such as https://bridge.example.com", &i.baseURL, nil},
		{"--crowd-url", "Address of Crowd, such as https://crowd.example.com/crowd", &i.crowdURL, nil},
		{"--application", "Name of the application in Crowd", &i.application, func() string { return "scim-" + i.name }},
	}
	in := bufio.NewReader(a.in)
	for _, q := range questions {
		if *q.value != "" {
			continue
		}
		standard := ""
		if q.standard != nil {
			standard = q.standard()
		}
		if !a.terminal() {
			if *q.value = standard; standard == "" {
				return usage("%s is required where there is no terminal", q.flag)
			}
			continue
		}
		answer, err := a.question(in, q.question, standard)
		if err != nil {
			return err
		}
		*q.value = answer
	}
	return a.askPassword(i)
}

// terminal reports whether somebody can be asked.
func (a *app) terminal() bool {
	file, ok := a.in.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func (a *app) question(in *bufio.Reader, text, standard string) (string, error) {
	if standard != "" {
		text += " [" + standard + "]"
	}
	for {
		fmt.Fprint(a.err, text+": ")
		line, err := in.ReadString('\n')
		if line = strings.TrimSpace(line); line == "" {
			line = standard
		}
		if line != "" || err != nil {
			return line, err
		}
	}
}

// askPassword sees to it that it is said where the password is, and has it typed
// where the file is missing.
func (a *app) askPassword(i *initial) error {
	if i.passwordEnv != "" && i.passwordFile != "" {
		return usage("the password is in an environment variable or in a file: give one of --password-env and --password-file")
	}
	if i.passwordEnv == "" && i.passwordFile == "" {
		i.passwordEnv = "CROWD_PASSWORD_" + strings.ToUpper(strings.ReplaceAll(i.name, "-", "_"))
	}
	if i.passwordFile == "" || !a.terminal() {
		return nil
	}
	if _, err := os.Stat(i.passwordFile); err == nil {
		return nil
	}
	fmt.Fprintf(a.err, "Password of the application %s, to be written to %s: ", i.application, i.passwordFile)
	password, err := term.ReadPassword(int(a.in.(*os.File).Fd()))
	fmt.Fprintln(a.err)
	if err != nil {
		return err
	}
	return writeFile(i.passwordFile, func(w io.Writer) error {
		_, err := w.Write(append(password, '\n'))
		return err
	})
}
