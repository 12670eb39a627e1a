package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

func TestKeychain(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	login := map[string]string{usernameVar: "robot", passwordVar: "secret"}
	job := map[string]string{tokenVar: "ghs_1", "GITHUB_REPOSITORY_OWNER": "Acme"}
	both := map[string]string{usernameVar: "robot", passwordVar: "secret", tokenVar: "ghs_1", "GITHUB_REPOSITORY_OWNER": "acme"}
	for _, test := range []struct {
		name     string
		env      map[string]string
		registry string
		images   []string
		target   string
		want     string // user:password, "" for nobody
	}{
		{"the image's registry", login, "", []string{"example.com:5000/acme/digits"}, "example.com:5000/acme/digits", "robot:secret"},
		{"another repository there", login, "", []string{"example.com/acme/digits"}, "example.com/fixtures/trivy-db", "robot:secret"},
		{"a base elsewhere", login, "", []string{"example.com/acme/digits"}, "python", ""},
		{"another port", login, "", []string{"example.com/acme/digits"}, "example.com:5000/acme/digits", ""},
		{"the registry wins", login, "example.com", []string{"ghcr.io/acme/digits"}, "example.com/acme/digits", "robot:secret"},
		{"the registry wins alone", login, "example.com", []string{"ghcr.io/acme/digits"}, "ghcr.io/acme/digits", ""},
		{"embedded is no host", login, embedded, []string{"example.com/acme/digits"}, "example.com/acme/digits", "robot:secret"},
		{"the first image", login, "", []string{"", "example.com/acme/digits:1"}, "example.com/acme/digits", "robot:secret"},
		{"Docker's own", login, "docker.io", nil, "acme/digits", "robot:secret"},
		{"no image", login, "", nil, "example.com/acme/digits", ""},
		{"no image that can be read", login, "", []string{"A B"}, "example.com/acme/digits", ""},
		{"no registry that can be read", login, "a b", []string{"example.com/acme/digits"}, "example.com/acme/digits", ""},
		{"the owner's package", job, "", nil, "ghcr.io/acme/digits", "acme:ghs_1"},
		{"another owner's package", job, "", nil, "ghcr.io/aquasecurity/trivy-db", ""},
		{"an owner with a longer name", job, "", nil, "ghcr.io/acme2/digits", ""},
		{"another registry's acme", job, "", nil, "example.com/acme/digits", ""},
		{"a token without an owner", map[string]string{tokenVar: "ghs_1"}, "", nil, "ghcr.io/acme/digits", ""},
		{"a login before the token", both, "ghcr.io", nil, "ghcr.io/acme/digits", "robot:secret"},
		{"a token beside a login", both, "example.com", nil, "ghcr.io/acme/digits", "acme:ghs_1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Process{Getenv: func(name string) string { return test.env[name] }}
			keys, err := p.keychain(test.registry, test.images...)
			if err != nil {
				t.Fatal(err)
			}
			target, err := name.NewRepository(test.target)
			if err != nil {
				t.Fatal(err)
			}
			found, err := authn.Resolve(t.Context(), keys, target)
			if err != nil {
				t.Fatal(err)
			}
			config, err := found.Authorization()
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Trim(config.Username+":"+config.Password, ":"); got != test.want {
				t.Errorf("%s gets %q, want %q", test.target, got, test.want)
			}
		})
	}
}

func TestHalfALogin(t *testing.T) {
	for _, only := range []string{usernameVar, passwordVar} {
		p := Process{Getenv: func(name string) string {
			if name == only {
				return "secret"
			}
			return ""
		}}
		var wrong exitError
		if _, err := p.keychain("example.com"); !errors.As(err, &wrong) || wrong.code != exitUsage || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s alone: %v, want a usage error without its value", only, err)
		}
	}
}
