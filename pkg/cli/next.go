package cli

import (
	"fmt"
	"path/filepath"

	"github.com/org/ai-ship/pkg/pipeline"
)

// next are the commands that a person tries after a run that went well.
func next(f runFlags, to destination, o pipeline.Outcome) []string {
	if f.dryRun {
		return []string{"ai-ship run -c " + f.config}
	}
	switch to.kind {
	case toTarball:
		return []string{"docker load -i " + to.path}
	case toLayout:
		return []string{fmt.Sprintf("skopeo inspect oci:%s:%s", to.path, o.Plan.Release.Version)}
	case toDaemon:
		return []string{"docker run --rm " + o.Plan.Target.Tag(o.Plan.Release.Version).Name()}
	}
	if o.Published.Digest == nil { // withheld
		return nil
	}
	image := o.Plan.Target.Name() + "@" + o.Published.Digest.DigestStr()
	if names := o.Plan.Release.Names(); len(names) > 0 {
		image = o.Plan.Target.Tag(names[len(names)-1]).Name()
	}
	run := "docker run --rm " + image
	if ports := o.Plan.Build.Config.Ports; len(ports) > 0 {
		var port int
		if n, _ := fmt.Sscanf(ports[0], "%d", &port); n == 1 {
			run = fmt.Sprintf("docker run --rm -p %d:%d %s", port, port, image)
		}
	}
	if f.registry == embedded {
		return []string{fmt.Sprintf("ai-ship registry -c %s   # serves %s", f.config, registryDir(filepath.Dir(f.config))), "docker pull " + image, run}
	}
	return []string{"docker pull " + image, run}
}
