package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/docker/cli/cli/config"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/hint"
)

// Docker is where credentials come from.
type Docker struct {
	Folder   string                               // of config.json
	LookPath func(program string) (string, error) // finds credential helpers
	Keychain authn.Keychain
}

// Config reads Docker's config, and looks for the credential helpers in it.
func (d Docker) Config(context.Context) (Finding, error) {
	file, err := config.Load(d.Folder)
	if err != nil {
		return Finding{}, hint.Wrap(fmt.Errorf("reading Docker's config: %w", err), "repair the file, or name another folder with DOCKER_CONFIG")
	}
	helpers := make(map[string]string) // by name, whose it is
	for _, host := range slices.Sorted(maps.Keys(file.CredentialHelpers)) {
		helpers[file.CredentialHelpers[host]] = "credHelpers of " + host
	}
	if file.CredentialsStore != "" {
		helpers[file.CredentialsStore] = "credsStore"
	}
	for _, helper := range slices.Sorted(maps.Keys(helpers)) {
		program := "docker-credential-" + helper
		if _, err := d.LookPath(program); err != nil {
			return Finding{}, hint.Wrap(fmt.Errorf("%s of %q names the helper %s, which is not installed: %w", helpers[helper], file.Filename, program, err),
				"install "+program+", or take the line out of config.json and log in again")
		}
	}
	return Finding{Found: fmt.Sprintf("%d logins and %d helpers in %s", len(file.AuthConfigs), len(helpers), file.Filename)}, nil
}

// Login says as whom a registry is asked.
func (d Docker) Login(registry name.Registry) func(context.Context) (Finding, error) {
	return func(ctx context.Context) (Finding, error) {
		auth, err := authn.Resolve(ctx, d.Keychain, registry)
		if err != nil {
			return Finding{}, hint.Wrap(fmt.Errorf("looking for credentials of %s: %w", registry, err), "log in again with docker login "+registry.RegistryStr())
		}
		who, err := authn.Authorization(ctx, auth)
		if err != nil {
			return Finding{}, fmt.Errorf("looking for credentials of %s: %w", registry, err)
		}
		switch {
		case auth == authn.Anonymous || *who == authn.AuthConfig{}:
			return Finding{Found: fmt.Sprintf("none for %s: it is asked anonymously", registry)}, nil
		case who.Username == "":
			return Finding{Found: fmt.Sprintf("a token for %s", registry)}, nil
		}
		return Finding{Found: fmt.Sprintf("%s at %s", who.Username, registry)}, nil
	}
}
