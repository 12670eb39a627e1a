package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
	"github.com/olareg/olareg/types"
)

const (
	defaultAddr = "127.0.0.1:0"
	// forever is the grace period of a garbage collection that must not
	// happen: the store also collects on Close, everything older than this.
	forever = 100 * 365 * 24 * time.Hour
	// headerTime is how long a client may take for a request's header.
	headerTime = 10 * time.Second
)

// Option changes how Serve works.
type Option func(*options)

type options struct {
	log *slog.Logger
}

// WithLog sends the registry's log to l; without it there is none.
func WithLog(l *slog.Logger) Option {
	return func(o *options) { o.log = l }
}

// Server is a registry that runs. Close ends it.
type Server struct {
	addr  string
	http  *http.Server
	store *olareg.Server
	lock  *lock
	ended chan error // the outcome of serving, once

	// busy is read-locked by every request, because the store must not be
	// closed under one whose connection was cut.
	busy   sync.RWMutex
	closed bool
	// writing is held while a manifest is stored: the store puts what refers to an
	// image into a list of its own, and of two at once it may keep one.
	writing sync.Mutex
}

// maxManifest is what registries must take at least (distribution-spec, "Pushing
// manifests"), four times.
const maxManifest = 16 << 20 // bytes

// Serve makes dir, which is created if needed, a registry at addr, or at a
// free port of 127.0.0.1 when addr is "". It returns when connections are
// accepted. The end of ctx ends the requests under way, but only Close
// releases dir.
//
// A dir has one server: Serve fails with ErrLocked while another process, or
// another server of this one, has it.
func Serve(ctx context.Context, dir, addr string, opts ...Option) (*Server, error) {
	o := options{log: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		opt(&o)
	}
	if addr == "" {
		addr = defaultAddr
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("serving registry %q: %w", dir, err)
	}
	held, err := acquire(dir)
	if err != nil {
		return nil, fmt.Errorf("serving registry %q: %w", dir, err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serving registry %q: %w", dir, err), held.release())
	}
	store := olareg.New(configure(dir, o.log))
	s := &Server{
		addr: listener.Addr().String(), store: store, lock: held, ended: make(chan error, 1),
		http: &http.Server{
			ReadHeaderTimeout: headerTime,
			BaseContext:       func(net.Listener) context.Context { return ctx },
			ErrorLog:          slog.NewLogLogger(o.log.Handler(), slog.LevelWarn),
		},
	}
	s.http.Handler = http.HandlerFunc(s.handle)
	go func() { s.ended <- s.http.Serve(listener) }()
	return s, nil
}

func configure(dir string, log *slog.Logger) config.Config {
	yes, no := true, false
	return config.Config{
		Storage: config.ConfigStorage{
			StoreType: config.StoreDir,
			RootDir:   dir,
			GC: config.ConfigGC{
				Frequency: -1, GracePeriod: forever,
				Untagged: &no, EmptyRepo: &no, ReferrersDangling: &no, ReferrersWithSubj: &no,
			},
		},
		API: config.ConfigAPI{
			PushEnabled: &yes, DeleteEnabled: &no,
			Blob:     config.ConfigAPIBlob{DeleteEnabled: &no},
			Referrer: config.ConfigAPIReferrer{Enabled: &yes},
		},
		Log: log,
	}
}

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	s.busy.RLock()
	defer s.busy.RUnlock()
	if s.closed {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
		// Nobody waits for a slow client: what it sends is read before.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxManifest))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.writing.Lock()
		defer s.writing.Unlock()
	}
	s.store.ServeHTTP(w, r)
}

// pushed leaves out that a repository has no index: it was asked for, and nothing
// was ever pushed to it.
func pushed(err error) error {
	all, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // the store joins them itself
	if !ok {
		if errors.Is(err, types.ErrNotFound) {
			return nil
		}
		return err
	}
	var left []error
	for _, e := range all.Unwrap() {
		if !errors.Is(e, types.ErrNotFound) {
			left = append(left, e)
		}
	}
	return errors.Join(left...)
}

// Addr is the host and port that the registry listens on.
func (s *Server) Addr() string { return s.addr }

// Close stops accepting, waits for the requests under way until ctx ends, and
// releases the folder. Uploads that were not finished are dropped. It must be
// called once.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	s.busy.Lock()
	defer s.busy.Unlock()
	s.closed = true
	err = errors.Join(err, pushed(s.store.Close()), s.lock.release())
	if err != nil {
		return fmt.Errorf("closing registry at %s: %w", s.addr, err)
	}
	return nil
}
