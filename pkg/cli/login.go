package cli

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/hint"
)

// The credentials that come from the environment, as a CI's secrets do. They
// are no flags, which every user of a machine can read.
const (
	usernameVar = "AI_SHIP_REGISTRY_USERNAME"
	passwordVar = "AI_SHIP_REGISTRY_PASSWORD"
	tokenVar    = "AI_SHIP_GITHUB_TOKEN"
)

// packages of a GitHub repository's owner are below this registry.
const githubPackages = "ghcr.io"

// keychain finds credentials in the environment, then in Docker's config. The
// login of the environment is for one registry: the one that --registry names,
// or else that of the first image. No other registry, such as a base image's,
// is ever told it. Nothing is written to a file.
func (p Process) keychain(registry string, images ...string) (authn.Keychain, error) {
	chain := []authn.Keychain{authn.DefaultKeychain}
	user, password := p.Getenv(usernameVar), p.Getenv(passwordVar)
	if (user == "") != (password == "") {
		return nil, misuse(hint.Wrap(fmt.Errorf("reading the registry's login: only one of %s and %s is set", usernameVar, passwordVar),
			"the action's inputs username and password are given together or not at all"))
	}
	if host := loginHost(registry, images); user != "" && host != "" {
		chain = []authn.Keychain{login{where: host, user: user, password: password}, authn.DefaultKeychain}
	}
	owner, token := strings.ToLower(p.Getenv("GITHUB_REPOSITORY_OWNER")), p.Getenv(tokenVar)
	if token != "" && owner != "" {
		// As ghcr.io documents it, any name does beside a token.
		chain = append(chain, login{where: githubPackages + "/" + owner, user: owner, password: token})
	}
	return authn.NewMultiKeychain(chain...), nil
}

// loginHost is the registry that a login is for, spelled as references spell it;
// "" when nothing names one.
func loginHost(registry string, images []string) string {
	if registry != "" && registry != embedded {
		parsed, err := name.NewRegistry(registry)
		if err != nil {
			return "" // who uses it reports it
		}
		return parsed.RegistryStr()
	}
	for _, image := range images {
		if image == "" {
			continue
		}
		parsed, err := name.ParseReference(image)
		if err != nil {
			return ""
		}
		return parsed.Context().RegistryStr()
	}
	return ""
}

// login is a user's at one registry, or for what is below one path of it.
type login struct {
	where          string // host, or host and path
	user, password string
}

// Resolve implements [authn.Keychain]. Elsewhere it knows nobody.
func (l login) Resolve(target authn.Resource) (authn.Authenticator, error) {
	if target.RegistryStr() != l.where && !strings.HasPrefix(target.String(), l.where+"/") {
		return authn.Anonymous, nil
	}
	return &authn.Basic{Username: l.user, Password: l.password}, nil
}
