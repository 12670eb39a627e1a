package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/daemon"

	"github.com/org/ai-ship/pkg/hint"
)

// Load puts img into the Docker daemon under the tag ref. The daemon is the
// one that the docker command would use (DOCKER_HOST and its relatives). An
// image that the daemon has is only tagged.
func Load(ctx context.Context, ref name.Tag, img v1.Image) error {
	answer, err := daemon.Write(ref, img, daemon.WithContext(ctx))
	if ctx.Err() != nil {
		return fmt.Errorf("loading %q into Docker: %w", ref, context.Cause(ctx))
	}
	if err != nil {
		return hint.Wrap(fmt.Errorf("loading %q into Docker: %w", ref, err), "is the Docker daemon running? docker info tells")
	}
	if err := loadError(answer); err != nil {
		return fmt.Errorf("loading %q into Docker: %w", ref, err)
	}
	return nil
}

// loadError finds the failure in the daemon's answer, a stream of JSON
// documents that comes with status 200 whatever happened.
func loadError(answer string) error {
	stream := json.NewDecoder(strings.NewReader(answer))
	for {
		var message struct {
			Error string `json:"error"`
		}
		err := stream.Decode(&message)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return nil // plain text, as older daemons answer
		}
		if message.Error != "" {
			return errors.New(quote(message.Error))
		}
	}
}
