package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A Password says where a password is. Exactly one field is set.
type Password struct {
	// Env is the name of an environment variable that holds it.
	Env string `json:"env,omitempty"`
	// File is the path of a file that holds it.
	File string `json:"file,omitempty"`
	// Value is the password itself. [Write] writes it out, [Export] never does.
	Value crowd.Secret `json:"value,omitempty"`
	// Sealed is the password under a passphrase, as [Export] seals it.
	Sealed string `json:"sealed,omitempty"`
}

// String says where the password is, and never what it is.
func (p Password) String() string {
	switch {
	case p.Env != "":
		return "environment variable " + p.Env
	case p.File != "":
		return "file " + p.File
	case p.Sealed != "":
		return "sealed in the document"
	case p.Value != "":
		return "written in the document"
	}
	return "not given"
}

// A Resolver fetches the secret that a [Password] refers to. It is called for
// environment variables and files only; its error must not hold the secret.
// [References] makes the usual one.
type Resolver func(ctx context.Context, p Password) (crowd.Secret, error)

// References returns a Resolver over a function that looks up environment
// variables, such as [os.LookupEnv], and one that reads files, such as
// [os.ReadFile]. One line break at the end of a file is not part of the
// password.
func References(env func(name string) (value string, found bool), file func(path string) ([]byte, error)) Resolver {
	return func(_ context.Context, p Password) (crowd.Secret, error) {
		if p.Env != "" {
			value, found := env(p.Env)
			if !found || value == "" {
				return "", fmt.Errorf("the environment variable %s is not set. Set it to the password", p.Env)
			}
			return crowd.Secret(value), nil
		}
		data, err := file(p.File)
		if err != nil {
			return "", fmt.Errorf("the file cannot be read. Put the password there, or name another file: %w", err)
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
		if text == "" {
			return "", fmt.Errorf("the file %s is empty. Put the password there", p.File)
		}
		return crowd.Secret(text), nil
	}
}

// secret returns the password, by whatever way p says.
func (p Password) secret(ctx context.Context, resolve Resolver, open Opener) (crowd.Secret, error) {
	switch {
	case p.Value != "":
		return p.Value, nil
	case p.Sealed != "":
		if open == nil {
			return "", errors.New("it is sealed. Give the passphrase it was sealed with")
		}
		_, secret, err := unsealed(p.Sealed, open)
		return secret, err
	case p.Env == "" && p.File == "":
		return "", errors.New(`it is missing. Write for example {"env": "CROWD_PASSWORD"}`)
	case resolve == nil:
		return "", fmt.Errorf("it is a reference (%s), and nothing was given to resolve references with", p)
	}
	secret, err := resolve(ctx, p)
	if err == nil && secret == "" {
		err = fmt.Errorf("%s is empty. Put the password there", p)
	}
	return secret, err
}
