package backup

import (
	"context"
	"errors"
	"fmt"
)

// Secrets says what becomes of passwords in an export. Hashes of tokens are in
// each: a token of 32 random bytes cannot be found from its hash.
type Secrets int

const (
	// WithoutSecrets names an environment variable for every password, the one
	// that is named already or one after the setting and the connection, such as
	// CROWD_PASSWORD_NAME. What
	// only this machine has, such as the path of a file, is left out too.
	WithoutSecrets Secrets = iota
	// KeepReferences keeps environment variables, files and what is sealed.
	// Passwords in the document are left out as with WithoutSecrets.
	KeepReferences
	// Sealed seals every password. Whoever has the passphrase can run the
	// document as it is, or get the one that was exported back with [Unseal].
	Sealed
)

// ExportOptions says how to export.
type ExportOptions struct {
	// Secrets says what becomes of passwords. Default [WithoutSecrets].
	Secrets Secrets
	// Sealer seals them; required for [Sealed], and not used otherwise.
	Sealer Sealer
	// Resolve fetches the passwords behind references, so that they can be sealed
	// as well. Nil leaves references as they are.
	Resolve Resolver
	// Opener opens what is sealed already, under another passphrase, so that it
	// can be sealed anew. Nil leaves it as it is.
	Opener Opener
}

// A Need is something that must be supplied before a document can be run.
type Need struct {
	Connection string `json:"connection"`
	Pointer    string `json:"pointer"` // to where the document refers to it
	Text       string `json:"text"`    // what to supply, in words
}

// String names the connection and what it needs.
func (n Need) String() string { return "connection " + n.Connection + ": " + n.Text }

// Export returns a copy of c that may leave the machine, and what must be
// supplied where it is restored. Its error is of type [mapping.Faults] where c
// is not valid.
func Export(ctx context.Context, c *Config, o ExportOptions) (*Config, []Need, error) {
	if o.Secrets == Sealed && o.Sealer == nil {
		return nil, nil, errors.New("backup: export: ExportOptions.Sealer is required to seal")
	}
	out, err := c.clone()
	if err != nil {
		return nil, nil, err
	}
	all, taken := out.credentials(), map[string]bool{}
	for _, p := range all {
		taken[p.Env] = true
	}
	for _, p := range all {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		switch o.Secrets {
		case Sealed:
			err = p.seal(ctx, o)
		case KeepReferences:
			if p.Value != "" {
				p.leaveOut(taken)
			}
		default:
			p.leaveOut(taken)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("backup: export: connection %s: %s: %w", p.connection.Name, p.label(), err)
		}
	}
	return out, out.Needs(), nil
}

// Needs lists what must be supplied before c can be run.
func (c *Config) Needs() []Need {
	var needs []Need
	for _, p := range c.credentials() {
		text := ""
		switch {
		case p.Env != "":
			text = fmt.Sprintf("the environment variable %s: %s", p.Env, p.what())
		case p.File != "":
			text = fmt.Sprintf("the file %s: %s", quote(p.File), p.what())
		case p.Sealed != "":
			text = "the passphrase that opens " + p.what()
		case p.Value == "":
			text = p.what()
		default:
			continue
		}
		needs = append(needs, Need{p.connection.Name, p.pointer, text})
	}
	return needs
}

// leaveOut makes p name an environment variable, one that no other password of
// the document names.
func (p credential) leaveOut(taken map[string]bool) {
	if p.Env != "" {
		return
	}
	name := p.variable()
	for i := 2; taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", p.variable(), i)
	}
	taken[name] = true
	*p.Password = Password{Env: name}
}
