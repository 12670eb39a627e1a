// Command serve answers which digit is on an image, over HTTP.
//
// The environment says what to serve: MODEL_PATH is the safetensors file
// (default /models/digits.safetensors), ADDR the address to listen on
// (default :8000). SIGTERM lets the running requests end.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/org/ai-ship/testdata/digits/network"
)

// A prediction takes microseconds: these are for slow clients.
const (
	readTimeout  = 15 * time.Second
	writeTimeout = 15 * time.Second
	idleTimeout  = time.Minute
	graceTimeout = 8 * time.Second // Docker kills 10 s after SIGTERM
	maxHeaders   = 16 << 10        // bytes
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "serve: %v\n", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. A model that cannot be read is an error before
// the port is opened.
func run(ctx context.Context, getenv func(string) string, stderr io.Writer) error {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	model := orDefault(getenv("MODEL_PATH"), "/models/digits.safetensors")
	net, err := network.Load(model)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, orDefault(getenv("ADDR"), ":8000"))
	if err != nil {
		return err
	}
	log.Info("serving", "addr", listener.Addr().String(), "model", model, "sha256", net.SHA256(), "parameters", net.Parameters())
	return serve(ctx, listener, newHandler(net), log)
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening on ADDR %q: %w", addr, err)
	}
	return listener, nil
}

// serve owns the listener and closes it. When ctx ends it takes no new
// requests and waits graceTimeout for those that run.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:        handler,
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaders,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	log.Info("stopping")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceTimeout)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("stopping: %w", err), server.Close())
	}
	return nil
}
