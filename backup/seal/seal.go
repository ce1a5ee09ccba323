// Package seal seals the secrets of a configuration with a passphrase, so that
// the document can leave the machine and still be complete.
//
//	passphrase, err := seal.New("correct horse battery staple")
//	sealed, needs, err := backup.Export(ctx, config, backup.ExportOptions{
//		Secrets: backup.Sealed, Sealer: passphrase,
//	})
//
// A sealed text is an age file (age-encryption.org/v1, with a scrypt recipient)
// in base64: decoded, the age program opens it as well. It is a package of its
// own because package backup does without cryptography.
package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"filippo.io/age"

	"github.com/scimcrowd/scimcrowd/crowd"
)

const (
	// leastLength keeps out passphrases that are found by trying.
	leastLength = 12
	// workFactor makes each try cost about a second, and maxWorkFactor bounds
	// what a document can make opening it cost.
	workFactor    = 18
	maxWorkFactor = 20
	maxPlain      = 64 << 10
)

// ErrPassphrase says that the passphrase is not the one that sealed.
var ErrPassphrase = errors.New("the passphrase is not the one it was sealed with")

// A Passphrase seals and opens. It is safe for concurrent use.
type Passphrase struct {
	text crowd.Secret
	work int
}

// New returns a Passphrase of at least 12 characters. Each sealing and opening
// takes about a second, on purpose: it is what guessing costs.
func New(passphrase crowd.Secret) (*Passphrase, error) {
	if utf8.RuneCountInString(passphrase.Reveal()) < leastLength {
		return nil, fmt.Errorf("seal: the passphrase is too short: it needs at least %d characters", leastLength)
	}
	return &Passphrase{text: passphrase, work: workFactor}, nil
}

// Seal encrypts plain.
func (p *Passphrase) Seal(plain []byte) (string, error) {
	if len(plain) > maxPlain {
		return "", errors.New("seal: the text is too long")
	}
	recipient, err := age.NewScryptRecipient(p.text.Reveal())
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	recipient.SetWorkFactor(p.work)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, recipient)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// Open decrypts what Seal has made. The error of a wrong passphrase matches
// [ErrPassphrase].
func (p *Passphrase) Open(sealed string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, errors.New("seal: this is no sealed text, or not the whole of it")
	}
	identity, err := age.NewScryptIdentity(p.text.Reveal())
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(data), identity)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, fmt.Errorf("seal: %w", ErrPassphrase)
	}
	if err != nil {
		return nil, errors.New("seal: this is no sealed text, or it was changed")
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxPlain+1))
	if err != nil || len(plain) > maxPlain {
		return nil, errors.New("seal: the sealed text is damaged")
	}
	return plain, nil
}
