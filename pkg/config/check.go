package config

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/google/go-containerregistry/pkg/name"
)

var (
	platform = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9_.]+)?$`)
	user     = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_.-]*|[0-9]{1,9})(:([A-Za-z_][A-Za-z0-9_.-]*|[0-9]{1,9}))?$`)
	port     = regexp.MustCompile(`^([1-9][0-9]{0,4})(/(tcp|udp|sctp))?$`)
	tagPart  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)
	word     = regexp.MustCompile(`^\S+$`)
)

// checker judges the values that decoding accepted. A path that already has an
// error is left alone.
type checker struct {
	*document
	config    *Config
	gatesOnly bool // nothing is built, so nothing is needed for it
}

// check records every value of c that is out of its range.
func check(d *document, c *Config, gatesOnly bool) {
	k := checker{d, c, gatesOnly}
	k.references()
	k.copies("app", c.App)
	k.copies("models", c.Models)
	k.someCopies()
	k.runtime()
	k.env()
	k.ports()
	k.version()
	k.scan()
	k.sign()
	k.verify()
	k.patterns("reports", c.Reports)
	k.gates()
	k.channels()
}

func (k *checker) references() {
	if !k.gatesOnly {
		k.need("image", "the repository to publish to, such as ghcr.io/acme/digits")
		k.need("base", "the image to build on, such as python:3.11-slim")
	}
	if k.ok("image") {
		k.repository("image", k.config.Image)
	}
	if k.ok("base") && k.config.Base != "scratch" {
		k.base("base", k.config.Base)
	}
	for i, ref := range k.config.CacheFrom {
		if at := item("cache-from", i); k.ok(at) {
			k.reference(at, ref)
		}
	}
}

func (k *checker) repository(at, repository string) {
	_, err := name.NewRepository(repository)
	last := repository[strings.LastIndexByte(repository, '/')+1:]
	message := fmt.Sprintf("expected a repository, found %q", clip(repository))
	switch {
	case strings.Contains(repository, "://"):
		k.fail(at, message, "leave out the scheme, as in ghcr.io/acme/digits")
	case strings.Contains(repository, "@"):
		k.fail(at, message+", which has a digest", "leave out the @ and what follows; each run publishes its own digest")
	case strings.Contains(last, ":"):
		k.fail(at, message+", which has a tag", "leave out the : and what follows; tags come from version and channels")
	case repository != strings.ToLower(repository):
		k.fail(at, message, "write it in lower case")
	case err != nil:
		k.fail(at, fmt.Sprintf("%s: %v", message, err), "write it as registry/name, as in ghcr.io/acme/digits")
	}
}

func (k *checker) base(at, base string) {
	for _, scheme := range []string{"oci:", "tar:"} {
		if file, ok := strings.CutPrefix(base, scheme); ok {
			if file == "" {
				k.fail(at, fmt.Sprintf("expected a path after %s", scheme), "")
			}
			return
		}
	}
	k.reference(at, base)
}

func (k *checker) reference(at, ref string) {
	if _, err := name.ParseReference(ref); err != nil {
		k.fail(at, fmt.Sprintf("expected an image reference, found %q", clip(ref)), "write it as registry/name:tag, as in docker.io/library/python:3.11-slim")
	}
}

func (k *checker) copies(list string, copies []Copy) {
	for i, c := range copies {
		at := item(list, i)
		k.need(child(at, "from"), "a path in the project")
		from := c.From
		if list == "app" {
			// The build fills these in for each platform.
			from = strings.NewReplacer("${TARGETOS}", "os", "${TARGETARCH}", "arch").Replace(from)
		}
		k.inside(child(at, "from"), from, c.From)
		k.absolute(child(at, "to"), c.To)
	}
}

func (k *checker) someCopies() {
	if k.gatesOnly || k.bad["app"] || k.bad["models"] || len(k.config.App)+len(k.config.Models) > 0 {
		return
	}
	at := "app"
	if !k.has(at) && k.has("models") {
		at = "models"
	}
	k.fail(at, "nothing to put in the image; expected at least one item in app or models", "add app: [{from: src, to: /app}]")
}

func (k *checker) runtime() {
	if k.ok("platforms") && len(k.config.Platforms) == 0 {
		k.fail("platforms", "expected at least one platform, found an empty list", "remove the key to build for linux/amd64")
	}
	for i, p := range k.config.Platforms {
		at := item("platforms", i)
		k.match(at, p, platform, "os/arch or os/arch/variant", "such as linux/amd64")
		if first := slices.Index(k.config.Platforms, p); k.ok(at) && first < i {
			k.fail(at, fmt.Sprintf("duplicate platform %q", p), fmt.Sprintf("keep platforms[%d] only", first))
		}
	}
	k.oneOf("preset", k.config.Preset, "none", "onnxruntime", "pytorch", "tensorflow")
	k.match("user", k.config.User, user, "a name, uid or uid:gid", "such as aiuser or 10001:10001")
	k.absolute("workdir", k.config.Workdir)
}

func (k *checker) env() {
	for _, key := range slices.Sorted(maps.Keys(k.config.Env)) {
		at := child("env", key)
		if !variable.MatchString(key) {
			k.failKey(at, fmt.Sprintf("expected a variable name of letters, digits and _, found %q", clip(key)), "")
		}
		if k.ok(at) && strings.Contains(k.config.Env[key], "${") {
			k.fail(at, "${…} is not expanded here", "write the value out, or set the variable when the container is started")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(k.config.Labels)) {
		if key == "" || strings.ContainsAny(key, " \t\n\x00") {
			k.failKey(child("labels", key), fmt.Sprintf("expected a label name without spaces, found %q", clip(key)), "")
		}
	}
}

func (k *checker) ports() {
	for i, p := range k.config.Ports {
		at := item("ports", i)
		groups := port.FindStringSubmatch(p)
		number := 0
		if groups != nil {
			number, _ = strconv.Atoi(groups[1]) // five digits at most
		}
		if k.ok(at) && (number < 1 || number > 65535) {
			k.fail(at, fmt.Sprintf("expected a port from 1 to 65535, found %q", clip(p)), "such as 8000 or 8000/udp; the protocol is tcp, udp or sctp")
		}
	}
}

func (k *checker) version() {
	k.match("version.from", k.config.Version.From, word, "git or a version without spaces", "")
	k.match("version.suffix", k.config.Version.Suffix, tagPart, "at most 100 letters, digits, dots, dashes and underscores", "")
}

func (k *checker) scan() {
	s := k.config.Scan
	if at := "scan.max-age"; k.ok(at) {
		if age, err := time.ParseDuration(s.MaxAge); err != nil || age <= 0 {
			k.fail(at, fmt.Sprintf("expected a time above zero, found %q", clip(s.MaxAge)), "such as 48h")
		}
	}
	for i, id := range s.Accept {
		k.match(item("scan.accept", i), id, identifier, "an identifier as verdicts print it", "such as no-advisories-debian")
	}
}

func (k *checker) patterns(list string, patterns []string) {
	for i, p := range patterns {
		at := item(list, i)
		k.inside(at, p, p)
		if k.ok(at) && !doublestar.ValidatePattern(p) {
			k.fail(at, fmt.Sprintf("expected a glob pattern, found %q", clip(p)), "close each [ and {")
		}
	}
}

// need records that a required key is missing; what says what it is for.
func (k *checker) need(at, what string) {
	dot := strings.LastIndexByte(at, '.')
	parent, key := at[:max(0, dot)], at[dot+1:]
	if !k.has(at) && !k.bad[at] && !k.bad[parent] {
		k.fail(at, fmt.Sprintf("required key %q is missing", key), fmt.Sprintf("add %s: %s", key, what))
	}
}

// inside records a path that does not stay inside the project. The text is
// what the user wrote.
func (k *checker) inside(at, p, text string) {
	if !k.ok(at) {
		return
	}
	switch {
	case strings.Contains(p, "${"):
		k.fail(at, fmt.Sprintf("only ${TARGETOS} and ${TARGETARCH} in app are replaced in paths, found %q", clip(text)), "write the path out")
	case path.IsAbs(p):
		k.fail(at, fmt.Sprintf("expected a path relative to the project, found %q", clip(text)), "")
	case slices.Contains(strings.Split(p, "/"), ".."):
		k.fail(at, fmt.Sprintf("the path %q contains .., which leads out of the project", clip(text)), "move the file into the project")
	}
}

// absolute records a path in the image that is not absolute.
func (k *checker) absolute(at, p string) {
	if !k.ok(at) {
		return
	}
	switch {
	case strings.Contains(p, "${"):
		k.fail(at, "${…} is not expanded here", "write the path out")
	case !path.IsAbs(p):
		k.fail(at, fmt.Sprintf("expected an absolute path in the image, found %q", clip(p)), fmt.Sprintf("write %q", clip("/"+p)))
	case slices.Contains(strings.Split(p, "/"), ".."):
		k.fail(at, fmt.Sprintf("the path %q contains ..", clip(p)), "write the path without it")
	}
}

// match records a value that has not the shape of pattern.
func (k *checker) match(at, value string, pattern *regexp.Regexp, expected, hint string) {
	if k.ok(at) && !pattern.MatchString(value) {
		k.fail(at, fmt.Sprintf("expected %s, found %q", expected, clip(value)), hint)
	}
}

// oneOf records a value that is none of choices, which are sorted.
func (k *checker) oneOf(at, value string, choices ...string) {
	if k.ok(at) && !slices.Contains(choices, value) {
		k.fail(at, fmt.Sprintf("unknown value %q; expected one of %s", clip(value), strings.Join(choices, ", ")), didYouMean(clip(value), choices))
	}
}
