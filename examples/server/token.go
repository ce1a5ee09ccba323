package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/scim"
)

func (a *app) tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Make, list, replace and withdraw bearer tokens",
		Long: `Make, list, replace and withdraw the bearer tokens of a connection. A token is shown
once, when it is made; the configuration has its hash. A server that runs on the
configuration takes changes up by itself.`,
	}
	c.AddCommand(a.tokenNewCommand(), a.tokenListCommand(), a.tokenRevokeCommand(), a.tokenRotateCommand())
	return c
}

// issued is a token that was made.
type issued struct {
	Connection string    `json:"connection"`
	ID         string    `json:"id"`
	Token      string    `json:"token"`
	NotAfter   time.Time `json:"notAfter,omitzero"`
	// Ending are the tokens that it replaces, by id, and when each ends.
	Ending map[string]time.Time `json:"ending,omitempty"`
}

func (i issued) text(w io.Writer) {
	fmt.Fprintf(w, "token %s of connection %s, shown this once:\n%s\n", i.ID, i.Connection, i.Token)
	if !i.NotAfter.IsZero() {
		fmt.Fprintln(w, "it expires on", i.NotAfter.Format(time.RFC3339))
	}
	for id, at := range i.Ending {
		fmt.Fprintf(w, "token %s ends at %s: give the new one to the identity provider before\n", id, at.Format(time.RFC3339))
	}
}

type newToken struct {
	connection, id string
	lasts          time.Duration
	overlap        time.Duration
	readOnly       bool
}

func (n *newToken) flags(c *cobra.Command) {
	c.Flags().StringVar(&n.connection, "connection", "", "the `NAME` of the connection (default: the only one)")
	c.Flags().StringVar(&n.id, "id", "", "the `NAME` of the token in logs and lists (default: made of its hash)")
	c.Flags().DurationVar(&n.lasts, "expires", 0, "how long the token is accepted, such as 8760h; 0 for ever")
}

// lasting refuses what a token cannot last.
func lasting(d time.Duration) error {
	if d < 0 {
		return usage("--expires %s is in the past; give how long the token is accepted, or 0 for ever", d)
	}
	return nil
}

// issue adds a token to a connection of the document.
func (n newToken) issue(c *backup.Config) (issued, *backup.Connection, error) {
	if err := lasting(n.lasts); err != nil {
		return issued{}, nil, err
	}
	i, err := chosen(c, n.connection)
	if err != nil {
		return issued{}, nil, err
	}
	connection := &c.Connections[i]
	secret, token := scim.NewToken()
	if n.id != "" {
		token.ID = n.id
	}
	if slices.ContainsFunc(connection.Tokens, func(t scim.Token) bool { return t.ID == token.ID }) {
		return issued{}, nil, usage("the connection has a token %q already", token.ID)
	}
	if n.lasts > 0 {
		token.NotAfter = time.Now().Add(n.lasts).UTC().Truncate(time.Second)
	}
	token.ReadOnly = n.readOnly
	connection.Tokens = append(connection.Tokens, token)
	return issued{Connection: connection.Name, ID: token.ID, Token: secret.Reveal(), NotAfter: token.NotAfter}, connection, nil
}

func (a *app) tokenNewCommand() *cobra.Command {
	var n newToken
	c := &cobra.Command{
		Use: "new", Short: "Make a token and show it once",
		Example: "  server token new --config config.json --connection okta --id 2027-01 --expires 8760h",
		RunE: func(*cobra.Command, []string) error {
			var made issued
			err := a.change(func(c *backup.Config) (err error) {
				made, _, err = n.issue(c)
				return err
			})
			if err != nil {
				return err
			}
			return a.tell(made, made.text)
		},
	}
	n.flags(c)
	c.Flags().BoolVar(&n.readOnly, "read-only", false, "refuse requests with the token that would change anything")
	return c
}

func (a *app) tokenRotateCommand() *cobra.Command {
	var n newToken
	c := &cobra.Command{
		Use: "rotate", Short: "Make a token, and have those before it end after a while",
		Long: `Make a token and show it once. The tokens before it are accepted until --overlap has
passed, time to give the new one to the identity provider.`,
		Example: "  server token rotate --config config.json --connection okta --overlap 168h --expires 8760h",
		RunE: func(*cobra.Command, []string) error {
			var made issued
			err := a.change(func(c *backup.Config) error {
				var connection *backup.Connection
				var err error
				if made, connection, err = n.issue(c); err != nil {
					return err
				}
				made.Ending = endAll(connection.Tokens[:len(connection.Tokens)-1], time.Now().Add(n.overlap).UTC().Truncate(time.Second))
				return nil
			})
			if err != nil {
				return err
			}
			return a.tell(made, made.text)
		},
	}
	n.flags(c)
	c.Flags().DurationVar(&n.overlap, "overlap", 7*24*time.Hour, "how long the tokens before it are still accepted")
	return c
}

// endAll has tokens end, unless they end before that anyway.
func endAll(tokens []scim.Token, at time.Time) map[string]time.Time {
	ending := map[string]time.Time{}
	for i := range tokens {
		if tokens[i].ReadOnly {
			continue // given to monitoring, not to the identity provider
		}
		if tokens[i].NotAfter.IsZero() || tokens[i].NotAfter.After(at) {
			tokens[i].NotAfter = at
		}
		ending[tokens[i].ID] = tokens[i].NotAfter
	}
	return ending
}

// listed is a token in a list.
type listed struct {
	Connection string    `json:"connection"`
	ID         string    `json:"id"`
	NotAfter   time.Time `json:"notAfter,omitzero"`
	ReadOnly   bool      `json:"readOnly,omitempty"`
	Expired    bool      `json:"expired,omitempty"`
}

func (a *app) tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tokens and when they expire",
		Example: "  server token list --config config.json",
		RunE: func(*cobra.Command, []string) error {
			c, err := a.read(a.config)
			if err != nil {
				return err
			}
			all := []listed{}
			for _, connection := range c.Connections {
				for _, t := range connection.Tokens {
					all = append(all, listed{connection.Name, t.ID, t.NotAfter, t.ReadOnly, !t.NotAfter.IsZero() && time.Now().After(t.NotAfter)})
				}
			}
			return a.tell(all, func(w io.Writer) {
				rows := [][]string{{"CONNECTION", "TOKEN", "EXPIRES", ""}}
				for _, t := range all {
					rows = append(rows, t.row())
				}
				table(w, rows)
			})
		},
	}
}

func (t listed) row() []string {
	end, notes := "never", []string{}
	if !t.NotAfter.IsZero() {
		end = t.NotAfter.UTC().Format(time.RFC3339)
	}
	if t.Expired {
		notes = append(notes, "expired")
	}
	if t.ReadOnly {
		notes = append(notes, "read only")
	}
	return []string{t.Connection, t.ID, end, strings.Join(notes, ", ")}
}

func (a *app) tokenRevokeCommand() *cobra.Command {
	var name, id string
	c := &cobra.Command{
		Use: "revoke", Short: "Withdraw a token at once",
		Example: "  server token revoke --config config.json --connection okta --id 2026-11",
		RunE: func(*cobra.Command, []string) error {
			if id == "" {
				return usage("--id NAME is required")
			}
			var from string
			err := a.change(func(c *backup.Config) error {
				i, err := chosen(c, name)
				if err != nil {
					return err
				}
				connection := &c.Connections[i]
				before := len(connection.Tokens)
				connection.Tokens = slices.DeleteFunc(connection.Tokens, func(t scim.Token) bool { return t.ID == id })
				if from = connection.Name; len(connection.Tokens) == before {
					return fmt.Errorf("connection %s has no token %q. See: token list", from, id)
				}
				if len(connection.Tokens) == 0 && len(connection.Access.Issuers) == 0 {
					return fmt.Errorf("%q is the only token of connection %s. Make another first with token rotate, or pause the connection with \"paused\": true", id, from)
				}
				return nil
			})
			if err != nil {
				return err
			}
			return a.tell(map[string]string{"connection": from, "revoked": id}, func(w io.Writer) {
				fmt.Fprintf(w, "token %s of connection %s is withdrawn\n", id, from)
			})
		},
	}
	c.Flags().StringVar(&name, "connection", "", "the `NAME` of the connection (default: the only one)")
	c.Flags().StringVar(&id, "id", "", "the `NAME` of the token (required)")
	return c
}
