// Publish makes the fixture database of the YAML files beside it, and puts it
// where a run finds it: as an artifact into a project's embedded registry, where
// it is then pulled from like a real one, or as an archive into a file.
//
//	go run ./testdata/vulndb/publish -project testdata/digits
//	go run ./testdata/vulndb/publish -out db.tar.gz
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/registry"
	"github.com/org/ai-ship/pkg/scan/vulndb"
)

func main() {
	advisories := flag.String("advisories", "testdata/vulndb", "`folder` of the YAML files")
	project := flag.String("project", "", "`folder` of the project whose embedded registry gets it")
	out := flag.String("out", "", "`file` to write the archive to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *advisories, *project, *out); err != nil {
		fmt.Fprintf(os.Stderr, "publish: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, advisories, project, out string) error {
	// Of one day, so that doing it again stores nothing new.
	archive, err := vulndb.Build(os.DirFS(advisories), time.Now().UTC().Truncate(24*time.Hour))
	if err != nil {
		return err
	}
	if out != "" {
		if err := os.WriteFile(out, archive, 0o644); err != nil {
			return err
		}
	}
	if project == "" {
		return nil
	}
	return publish(ctx, archive, filepath.Join(project, ".ai-ship", "registry"))
}

func publish(ctx context.Context, archive []byte, dir string) (err error) {
	server, err := registry.Serve(ctx, dir, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close(ctx)) }()
	ref, err := name.ParseReference(server.Addr() + "/fixtures/trivy-db:2")
	if err != nil {
		return err
	}
	digest, err := vulndb.Publish(ctx, ref, archive, vulndb.Options{})
	if err != nil {
		return err
	}
	fmt.Printf("published the fixture database as fixtures/trivy-db:2@%s, %d bytes\n", digest.DigestStr(), len(archive))
	return nil
}
