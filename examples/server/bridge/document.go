package bridge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim/oidc"
)

// A digest tells whether anything has changed that a document and its secrets say.
type digest [sha256.Size]byte

// ReadDocument reads the document in a file and fetches its passwords, to tell of
// all that is missing at once. An error of type [mapping.Faults] has every fault.
func ReadDocument(ctx context.Context, file string, resolve backup.Resolver) (*backup.Config, error) {
	c, _, err := readDocument(ctx, file, resolve)
	return c, err
}

func readDocument(ctx context.Context, file string, resolve backup.Resolver) (*backup.Config, digest, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, digest{}, fmt.Errorf("the configuration cannot be read. Name another file with --config, or make one with init: %w", err)
	}
	c, err := backup.Read(bytes.NewReader(data))
	if err != nil {
		return nil, digest{}, err
	}
	sum := sha256.New()
	sum.Write(data)
	var faults mapping.Faults
	for _, p := range passwords(c) {
		if p.Env == "" && p.File == "" || resolve == nil {
			continue
		}
		secret, err := resolve(ctx, p.Password)
		if err != nil {
			faults = append(faults, mapping.Fault{
				Pointer: p.pointer, Problem: "the secret is not to be had from " + p.String(),
				Remedy: "Put it there, or say where else it is: " + err.Error(),
			})
		}
		_, _ = io.WriteString(sum, secret.Reveal()+"\x00")
	}
	if len(faults) > 0 {
		return nil, digest{}, faults
	}
	return c, digest(sum.Sum(nil)), nil
}

// A password is one of a document, and where it stands there.
type password struct {
	backup.Password
	pointer string
}

func passwords(c *backup.Config) []password {
	var all []password
	for i, connection := range c.Connections {
		at := fmt.Sprintf("/connections/%d", i)
		all = append(
			all, password{connection.Crowd.Password, at + "/crowd/password"},
			password{connection.Jira.Token, at + "/jira/token"}, password{connection.Webhook.Secret, at + "/webhook/secret"},
		)
	}
	return all
}

// A document is a configuration in use. It never changes; another takes its place.
type document struct {
	config *backup.Config
	sites  []*site
	digest digest
}

// A site is a connection that is served.
type site struct {
	*backup.Running
	gate gate
}

func (d *document) names() []string {
	var names []string
	for _, at := range d.sites {
		names = append(names, at.Name)
	}
	return names
}

// active returns the connection of a name, nil if it is paused or there is none.
func (d *document) active(name string) *site {
	for _, at := range d.sites {
		if at.Name == name && !at.Paused {
			return at
		}
	}
	return nil
}

// build makes what serves a document, and refuses one that does not have all
// connections whose records are in its directories.
func (s *Server) build(ctx context.Context, c *backup.Config, d digest) (*document, error) {
	all, err := backup.BuildAll(ctx, c, backup.BuildOptions{
		BaseURL: s.base, Resolve: s.cfg.Resolve, Opener: s.cfg.Opener, HTTPClient: s.client,
		Issuers: oidc.Accept, Locks: s.locks, Findings: s.metrics.finding, Observer: s.observe, Logger: s.logger,
	})
	if err != nil {
		return nil, err
	}
	next := &document{config: c, digest: d}
	for _, r := range all {
		next.sites = append(next.sites, &site{Running: r})
	}
	return next, s.strangers(ctx, next.sites)
}

// observe is told every event.
func (s *Server) observe(ctx context.Context, e groupsync.Event) {
	s.metrics.event(ctx, e)
	if s.cfg.Observer != nil {
		s.cfg.Observer(ctx, e)
	}
}

// start puts the first document into use.
func (s *Server) start(ctx context.Context) error {
	c, d, err := readDocument(ctx, s.cfg.File, s.cfg.Resolve)
	if err != nil {
		return err
	}
	first, err := s.build(ctx, c, d)
	if err != nil {
		return err
	}
	s.now.Store(first)
	s.metrics.reloaded(nil)
	s.metrics.watchDocument(&s.now)
	return nil
}

// Reload reads the document, the passwords and the certificate again, and puts them
// into use if they have changed. If anything is wrong with the document or a password,
// the document in use stays; a certificate that is broken does not keep it from being
// replaced, so that a token that is revoked ends.
func (s *Server) Reload(ctx context.Context) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	certErr := s.reloadCertificate()
	if certErr != nil {
		s.logger.ErrorContext(ctx, "the certificate is refused, the one in use stays", "error", certErr)
	}
	changed, docErr := s.reload(ctx)
	err := errors.Join(certErr, docErr)
	s.metrics.reloaded(err)
	if faults, ok := errors.AsType[mapping.Faults](docErr); ok {
		for _, f := range faults {
			s.logger.ErrorContext(ctx, "the configuration is refused, the one in use stays", "fault", f.String())
		}
	} else if docErr != nil {
		s.logger.ErrorContext(ctx, "the configuration is refused, the one in use stays", "error", docErr)
	}
	if changed {
		s.logger.InfoContext(ctx, "the configuration was replaced")
		select {
		case s.changed <- struct{}{}:
		default: // a reconcile is due already
		}
	}
	return err
}

func (s *Server) reloadCertificate() error {
	if s.certs == nil {
		return nil
	}
	return s.certs.reload()
}

func (s *Server) reload(ctx context.Context) (changed bool, err error) {
	c, d, err := readDocument(ctx, s.cfg.File, s.cfg.Resolve)
	if err != nil || d == s.now.Load().digest {
		return false, err
	}
	next, err := s.build(ctx, c, d)
	if err != nil {
		return false, err
	}
	s.pass.use(&s.now, next)
	return true, nil
}
