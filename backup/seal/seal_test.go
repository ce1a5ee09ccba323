package seal_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/backup/seal"
	"github.com/scimcrowd/scimcrowd/crowd"
)

var (
	_ backup.Sealer = (*seal.Passphrase)(nil)
	_ backup.Opener = (*seal.Passphrase)(nil)
)

const phrase = "correct horse battery staple"

func passphrase(t *testing.T, text crowd.Secret) *seal.Passphrase {
	t.Helper()
	p, err := seal.New(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSealOpen(t *testing.T) {
	p := passphrase(t, phrase)
	p.SetWork(10)
	for _, plain := range []string{"hunter2", "", strings.Repeat("\x00\xff", 1000)} {
		sealed, err := p.Seal([]byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Open(sealed)
		if err != nil || string(got) != plain {
			t.Errorf("Open(Seal(%.10q)) = %.10q, %v", plain, got, err)
		}
	}
}

func TestSealIsAnAgeFile(t *testing.T) {
	sealed, err := passphrase(t, phrase).Seal([]byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := age.NewScryptIdentity(phrase)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(data), identity)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(r); err != nil || string(plain) != "hunter2" {
		t.Errorf("age opens %q, %v", plain, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	p := passphrase(t, phrase)
	p.SetWork(10)
	sealed, err := p.Seal([]byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := passphrase(t, "another passphrase").Open(sealed); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("error under another passphrase = %v, want ErrPassphrase", err)
	}
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	for name, text := range map[string]string{
		"empty":      "",
		"not base64": "hunter2!",
		"not age":    base64.StdEncoding.EncodeToString([]byte("hunter2")),
		"cut off":    sealed[:len(sealed)/2],
		"changed":    base64.StdEncoding.EncodeToString(data),
		"too costly": costly(t),
	} {
		plain, err := p.Open(text)
		if err == nil || plain != nil {
			t.Errorf("%s: Open = %q, %v", name, plain, err)
			continue
		}
		if !strings.HasPrefix(err.Error(), "seal: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: Open error = %v", name, err)
		}
	}
}

// costly returns an age file that claims to need 2^30 steps of scrypt.
func costly(t *testing.T) string {
	t.Helper()
	const header = "age-encryption.org/v1\n-> scrypt 8gPyjHSAtKxEqPRAFCUAGg 30\nQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE\n--- QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE\n0123456789abcdef"
	return base64.StdEncoding.EncodeToString([]byte(header))
}

func TestNewRefusesShortPassphrases(t *testing.T) {
	if _, err := seal.New("short"); err == nil || strings.Contains(err.Error(), "short\"") {
		t.Errorf("New error = %v", err)
	}
	if _, err := seal.New("zwölf zeiche"); err != nil {
		t.Errorf("New of 12 characters: %v", err)
	}
}

func TestSealRefusesWhatIsTooLong(t *testing.T) {
	if _, err := passphrase(t, phrase).Seal(make([]byte, 65<<10)); err == nil {
		t.Error("Seal took 65 KiB")
	}
}
