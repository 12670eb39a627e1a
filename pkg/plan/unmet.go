package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/hint"
)

// unmet refuses what the config demands and no stage can do yet. Going on
// without it would ship what the user wanted stopped.
func unmet(c *config.Config) error {
	var errs demands
	errs.add(c.Sign != nil, "sign", "cannot sign")
	for _, n := range slices.Sorted(maps.Keys(c.Channels)) {
		errs.add(c.Channels[n].After != "", "channels."+n+".after", "cannot promote in order")
		errs.add(c.Channels[n].Soak != "", "channels."+n+".soak", "cannot wait for a soak")
	}
	return errors.Join(errs...)
}

type demands []error

func (d *demands) add(asked bool, path, what string) {
	if asked {
		*d = append(*d, hint.Wrap(fmt.Errorf("%s: this version of ai-ship %s", path, what), "take the key out to ship without it"))
	}
}
