package build

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// DefaultUser is the unprivileged user that every base can run as: its numbers
// stand in the image's config, since the base's passwd file does not know it.
const DefaultUser = "aiuser"

const (
	defaultUID  = 10001
	defaultHome = "/home/" + DefaultUser
)

// over is the base's config with ours on top.
func (c Config) over(base *v1.ConfigFile, p v1.Platform, created time.Time) v1.ConfigFile {
	file := *base.DeepCopy()
	file.OS, file.Architecture, file.Variant = p.OS, p.Architecture, p.Variant
	if file.Variant == "" {
		file.Variant = base.Variant
	}
	if created.IsZero() {
		created = time.Unix(0, 0)
	}
	file.Created = v1.Time{Time: created.UTC()}
	// What Docker left there about the container that the base was made in.
	file.Author, file.Container = "", ""
	file.Config.Image, file.Config.Hostname, file.Config.Domainname = "", "", ""

	if len(c.Entrypoint) > 0 {
		// As in a Dockerfile, a new entrypoint does not want the old command.
		file.Config.Entrypoint, file.Config.Cmd = c.Entrypoint, nil
	}
	if len(c.Command) > 0 {
		file.Config.Cmd = c.Command
	}
	env := maps.Clone(c.Env)
	if env == nil {
		env = make(map[string]string)
	}
	if c.User == DefaultUser {
		file.Config.User = fmt.Sprintf("%d:%d", defaultUID, defaultUID)
		// Python's getpass and expanduser read these where the user has no
		// passwd entry; without them PyTorch fails to find its cache.
		setDefault(env, "HOME", defaultHome)
		setDefault(env, "USER", DefaultUser)
	} else if c.User != "" {
		file.Config.User = c.User
	}
	if c.Workdir != "" {
		file.Config.WorkingDir = c.Workdir
	}
	file.Config.Env = merge(file.Config.Env, env)
	for _, port := range c.Ports {
		if file.Config.ExposedPorts == nil {
			file.Config.ExposedPorts = make(map[string]struct{})
		}
		file.Config.ExposedPorts[port] = struct{}{}
	}
	for k, v := range c.Labels {
		if file.Config.Labels == nil {
			file.Config.Labels = make(map[string]string)
		}
		file.Config.Labels[k] = v
	}
	return file
}

func setDefault(m map[string]string, key, value string) {
	if _, ok := m[key]; !ok {
		m[key] = value
	}
}

// merge keeps the base's order, replaces in place, and appends what is new by
// name.
func merge(base []string, env map[string]string) []string {
	out := make([]string, 0, len(base)+len(env))
	done := make(map[string]bool)
	for _, kv := range base {
		k, _, _ := strings.Cut(kv, "=")
		if v, ok := env[k]; ok {
			kv = k + "=" + v
		}
		done[k] = true
		out = append(out, kv)
	}
	for _, k := range slices.Sorted(maps.Keys(env)) {
		if !done[k] {
			out = append(out, k+"="+env[k])
		}
	}
	return out
}
