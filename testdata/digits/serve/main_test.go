package main

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the test binary stand in for the command, so that signals and
// exit codes are those of a real process.
func TestMain(m *testing.M) {
	if os.Getenv("SERVE_AS_COMMAND") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestRunRefuses(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	err := run(t.Context(), environment(map[string]string{"MODEL_PATH": missing}), t.Output())
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("no model: %v", err)
	}
	err = run(t.Context(), environment(map[string]string{"MODEL_PATH": modelPath, "ADDR": "127.0.0.1:port"}), t.Output())
	if err == nil || !strings.Contains(err.Error(), `listening on ADDR "127.0.0.1:port"`) {
		t.Errorf("bad address: %v", err)
	}
	err = run(t.Context(), environment(nil), t.Output())
	if err == nil || !strings.Contains(err.Error(), "/models/digits.safetensors") {
		t.Errorf("no environment: %v, want the default model's path", err)
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	listener, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	err = serve(t.Context(), listener, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("serve: %v, want %v", err, net.ErrClosed)
	}
}

// A request that runs when the server is told to stop still gets its answer.
func TestServeLetsRequestsEnd(t *testing.T) {
	listener, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began, goOn := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-goOn
		w.WriteHeader(http.StatusTeapot)
	})
	ctx, cancel := context.WithCancel(t.Context())
	stopped, answered := make(chan error, 1), make(chan int, 1)
	go func() { stopped <- serve(ctx, listener, slow, slog.New(slog.DiscardHandler)) }()
	go func() {
		response, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			answered <- 0
			return
		}
		response.Body.Close()
		answered <- response.StatusCode
	}()
	<-began
	cancel()
	for refused := false; !refused; { // a stopping server takes no new connections
		connection, err := net.Dial("tcp", listener.Addr().String())
		if refused = err != nil; !refused {
			connection.Close()
		}
	}
	if len(stopped) != 0 {
		t.Error("serve returned before the request ended")
	}
	close(goOn)
	if status := <-answered; status != http.StatusTeapot {
		t.Errorf("status %d, want %d", status, http.StatusTeapot)
	}
	if err := <-stopped; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestCommandStopsOnSIGTERM(t *testing.T) {
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), "SERVE_AS_COMMAND=1", "MODEL_PATH="+modelPath, "ADDR=127.0.0.1:0")
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	if !lines.Scan() {
		t.Fatal("the command said nothing")
	}
	match := regexp.MustCompile(`addr=(\S+)`).FindStringSubmatch(lines.Text())
	if match == nil {
		t.Fatalf("no address in %q", lines.Text())
	}
	response, err := http.Get("http://" + match[1] + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("GET /healthz: status %d", response.StatusCode)
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // until the command closes it
	}
	if err := command.Wait(); err != nil {
		t.Errorf("the command ended with %v, want exit 0", err)
	}
}

func TestCommandFailsWithoutItsModel(t *testing.T) {
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), "SERVE_AS_COMMAND=1", "MODEL_PATH="+filepath.Join(t.TempDir(), "missing"))
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.HasPrefix(string(output), "serve: loading network") {
		t.Errorf("%v with %q, want exit 1 and the reason", err, output)
	}
}
