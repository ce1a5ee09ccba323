// Command server runs the bridge between identity providers and Crowd in production,
// and has the commands that its administrators need:
//
//	server init --config config.json    writes a configuration, and tells what to click where
//	server check --config config.json   says what is wrong, and what to do about it
//	server serve --config config.json --listen :8080 --base-url https://bridge.example.com
//
// Its help tells of the others. It ends with status 0 where a command did what it
// was asked, 1 where a check failed or a configuration was refused, each fault on
// standard error as "POINTER: problem. remedy", and 2 where it was called wrongly.
//
// Package bridge has the server itself, for programs that need another one.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}
