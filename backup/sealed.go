package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A Sealer makes of a secret a text that only a passphrase opens. A
// *seal.Passphrase of package backup/seal is one.
type Sealer interface {
	Seal(plain []byte) (sealed string, err error)
}

// An Opener opens what a [Sealer] has made, for the same passphrase. A
// *seal.Passphrase is one. Its error must hold nothing of the secret.
type Opener interface {
	Open(sealed string) (plain []byte, err error)
}

// contents is what is sealed: where the password came from, and the password.
type contents struct {
	Env   string `json:"env,omitempty"`
	File  string `json:"file,omitempty"`
	Value string `json:"value"`
}

// seal replaces p by what only the passphrase opens.
func (p *Password) seal(ctx context.Context, o ExportOptions) error {
	inside := *p
	switch {
	case p.Sealed != "" && o.Opener == nil:
		return nil
	case p.Sealed != "":
		before, secret, err := unsealed(p.Sealed, o.Opener)
		if err != nil {
			return err
		}
		inside = before
		inside.Value = secret
	case p.Value == "" && o.Resolve == nil:
		return nil
	default:
		secret, err := p.secret(ctx, o.Resolve, nil)
		if err != nil {
			return err
		}
		inside.Value = secret
	}
	plain, err := json.Marshal(contents{inside.Env, inside.File, inside.Value.Reveal()})
	if err != nil {
		return errors.New("it cannot be sealed")
	}
	text, err := o.Sealer.Seal(plain)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	*p = Password{Sealed: text}
	return nil
}

// unsealed returns what a password was before it was sealed, and the secret.
func unsealed(sealed string, open Opener) (Password, crowd.Secret, error) {
	plain, err := open.Open(sealed)
	if err != nil {
		return Password{}, "", fmt.Errorf("it cannot be opened: %w", err)
	}
	var in contents
	if json.Unmarshal(plain, &in) != nil || in.Value == "" {
		return Password{}, "", errors.New("it was opened, but holds no password. Export the document anew")
	}
	before := Password{Env: in.Env, File: in.File}
	if before == (Password{}) {
		before.Value = crowd.Secret(in.Value)
	}
	return before, crowd.Secret(in.Value), nil
}

// Unseal returns the configuration that was exported with [Sealed]: every
// password is what it was, a reference or the secret itself. Passwords that are
// not sealed stay.
func Unseal(c *Config, open Opener) (*Config, error) {
	out, err := c.clone()
	if err != nil {
		return nil, err
	}
	for _, p := range out.credentials() {
		if p.Sealed == "" {
			continue
		}
		if *p.Password, _, err = unsealed(p.Sealed, open); err != nil {
			return nil, fmt.Errorf("backup: unseal: connection %s: %s: %w", p.connection.Name, p.label(), err)
		}
	}
	return out, nil
}
