package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/examples/server/bridge"
)

type serveFlags struct {
	cfg            bridge.Config
	proxies        []string
	audit          string
	level, logging string
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the connections of the configuration",
		Long: `Serve the connections of the configuration at their paths, with /healthz, /readyz
(Crowd answers) and /metrics beside them or, with --admin-listen, at an address of
their own.

The configuration, password files and the certificate are read again when they
change, and on SIGHUP. A configuration that is not valid is refused, and the one in
use stays. On SIGTERM requests under way get their answers first.`,
		Example: `  server serve --config config.json --listen :8080 --admin-listen 127.0.0.1:9090 \
    --base-url https://bridge.example.com --trusted-proxy 10.0.0.0/8
  server serve --config config.json --listen :8443 --tls-cert tls.crt --tls-key tls.key`,
		RunE: func(c *cobra.Command, _ []string) error { return a.serve(c.Context(), f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.cfg.Listen, "listen", "", "the `ADDRESS` to listen on, such as :8080; port 0 takes a free one (required)")
	flags.StringVar(&f.cfg.AdminListen, "admin-listen", "", "the `ADDRESS` of /healthz, /readyz and /metrics (default: they are at --listen)")
	flags.StringVar(&f.cfg.BaseURL, "base-url", "", "the `URL` at which identity providers reach the server (default: where it listens)")
	flags.StringVar(&f.cfg.Certificate, "tls-cert", "", "the PEM `FILE` of the certificate; without it the server speaks plain HTTP, for a proxy that encrypts")
	flags.StringVar(&f.cfg.Key, "tls-key", "", "the PEM `FILE` of its key")
	flags.StringSliceVar(&f.proxies, "trusted-proxy", nil, "an address or `NETWORK` of proxies whose X-Forwarded-For header is believed; repeat it for more")
	flags.DurationVar(&f.cfg.Reconcile, "reconcile", time.Hour, "how often Crowd is compared with what was said and mended, at the start too; 0 for never")
	flags.StringVar(&f.audit, "audit", "", "append every change to this `FILE`, as undo reads it")
	flags.DurationVar(&f.cfg.Drain, "drain", 5*time.Second, "how long to go on serving after SIGTERM, with /readyz failing, until load balancers have noticed")
	flags.DurationVar(&f.cfg.Grace, "grace", time.Minute, "how long requests under way may take after that")
	flags.StringVar(&f.level, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&f.logging, "log-format", "json", "json or text")
	return c
}

func (a *app) serve(ctx context.Context, f serveFlags) error {
	var err error
	if f.cfg.Logger, err = logger(a.err, f.level, f.logging); err != nil {
		return err
	}
	if err := f.complete(); err != nil {
		return err
	}
	f.cfg.File, f.cfg.Resolve, f.cfg.Opener = a.config, resolver(), lazyOpener{a}
	if f.audit != "" {
		log, err := openAudit(f.audit, f.cfg.Logger)
		if err != nil {
			return err
		}
		defer log.Close()
		f.cfg.Observer = log.Observe
	}
	server, err := bridge.New(ctx, f.cfg)
	if err != nil {
		return a.refusal(ctx, err)
	}
	at := listening{Listen: server.Addr(), Admin: server.AdminAddr()}
	if err := a.tell(at, at.text); err != nil {
		return err
	}
	defer onHangUp(func() { _ = server.Reload(ctx) })()
	return server.Run(ctx)
}

// listening is what serve says when it begins.
type listening struct {
	Listen string `json:"listen"`
	Admin  string `json:"admin"`
}

func (l listening) text(w io.Writer) {
	fmt.Fprintf(w, "listening on %s; /healthz, /readyz and /metrics on %s\n", l.Listen, l.Admin)
}

// complete checks the flags and fills in what follows from them.
func (f *serveFlags) complete() error {
	if f.cfg.Listen == "" {
		return usage("--listen ADDRESS is required")
	}
	if (f.cfg.Certificate == "") != (f.cfg.Key == "") {
		return usage("--tls-cert and --tls-key go together")
	}
	for _, text := range f.proxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, failed := netip.ParseAddr(text)
			if failed != nil {
				return usage("--trusted-proxy %s is neither an address nor a network", text)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		f.cfg.TrustedProxies = append(f.cfg.TrustedProxies, p)
	}
	return nil
}

func logger(w io.Writer, level, format string) (*slog.Logger, error) {
	var o slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("--log-level %s is none of debug, info, warn and error", level)
	}
	o.Level = l
	switch strings.ToLower(format) {
	case "json":
		return slog.New(slog.NewJSONHandler(w, &o)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, &o)), nil
	}
	return nil, usage("--log-format %s is neither json nor text", format)
}

// onHangUp calls f at each SIGHUP, and returns what ends that.
func onHangUp(f func()) (end func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range signals {
			f()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}
