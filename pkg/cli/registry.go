package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/registry"
)

const (
	// embedded is the registry that ai-ship itself serves.
	embedded = "embedded"
	// embeddedAddr is where it listens, so that a reference printed by one run
	// is good for the next; when the port is taken, any other one does.
	embeddedAddr = "127.0.0.1:5555"
	// closeTime is how long requests under way may take to end.
	closeTime = 5 * time.Second
)

func registryDir(project string) string { return filepath.Join(project, stateDir, "registry") }

// embed serves the embedded registry, and has the plan go there. What is not
// pushed, and a dry run before the first real one, needs none and makes none.
func (f runFlags) embed(ctx context.Context, project *project, ask *plan.Ask) (stop func() error, err error) {
	dir := registryDir(project.dir)
	_, err = os.Stat(dir)
	if ask.Offline || f.dryRun && errors.Is(err, fs.ErrNotExist) {
		ask.Registry, ask.Offline = embeddedAddr, true
		return func() error { return nil }, nil
	}
	ask.Registry, stop, err = serve(ctx, project)
	return stop, err
}

// serve starts the project's embedded registry.
func serve(ctx context.Context, project *project) (addr string, stop func() error, err error) {
	dir := registryDir(project.dir)
	server, err := registry.Serve(ctx, dir, embeddedAddr)
	if err != nil && !errors.Is(err, registry.ErrLocked) {
		server, err = registry.Serve(ctx, dir, "")
	}
	if err != nil {
		return "", nil, hint.Wrap(err, "stop the ai-ship registry that serves it, or use that with --registry "+embeddedAddr)
	}
	return server.Addr(), func() error { return shut(ctx, server) }, nil
}

// shut closes a server even when ctx has ended. Connections that our own
// clients have dialed and not used are closed first: the server would wait for
// their request.
func shut(ctx context.Context, server *registry.Server) error {
	if t, ok := remote.DefaultTransport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	patience := closeTime
	if ctx.Err() != nil { // a CI does not wait as long
		patience = closeTime * 2 / 5
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return server.Close(ctx)
}

func (p Process) registry() *cobra.Command {
	var config, addr string
	cmd := &cobra.Command{
		Use:   "registry",
		Short: "Serve the project's embedded registry until interrupted",
		Long: `registry serves what runs with --registry embedded have pushed, on loopback, so
that docker pull and other clients can read it. It has no authentication and no
encryption: it is for this machine only.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := registry.Serve(cmd.Context(), registryDir(filepath.Dir(config)), addr)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.Out, "serving %s on %s, until interrupted\n", registryDir(filepath.Dir(config)), server.Addr())
			<-cmd.Context().Done()
			return shut(cmd.Context(), server)
		},
	}
	cmd.Flags().StringVarP(&config, "config", "c", "ai-ship.yaml", "config `file` of the project")
	cmd.Flags().StringVar(&addr, "addr", embeddedAddr, "`address` to listen on")
	return cmd
}
