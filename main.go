// Command codex-design designs a system of services with its user and generates it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"codex-design/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
