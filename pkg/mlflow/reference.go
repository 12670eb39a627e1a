package mlflow

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/org/ai-ship/pkg/hint"
)

const (
	runs, models = "runs:/", "models:/"
	maxReference = 1024 // bytes

	chooseVersion = "write models:/NAME/VERSION, or give the version an alias in MLflow and write models:/NAME@ALIAS"
)

// reference is what an entry of reports: names: a run, a logged model, or a
// version or alias of a registered model.
type reference struct {
	run, model           string // identifiers
	name, version, alias string
}

// Is reports whether an entry of the config's reports: means a run or a model of
// MLflow and no file: runs:/ID, models:/NAME/VERSION, models:/NAME@ALIAS or
// models:/m-ID. Whether it is well written, Report says.
func Is(ref string) bool {
	return strings.HasPrefix(ref, runs) || strings.HasPrefix(ref, models)
}

// MLflow's own rule for run identifiers (mlflow.utils.validation), which those
// of logged models keep to as well. Nothing of them needs an escape in a path.
func isID(s string) bool {
	return regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,255}$`).MatchString(s)
}

func parse(ref string) (reference, error) {
	if len(ref) > maxReference {
		return reference{}, fmt.Errorf("is longer than %d bytes", maxReference)
	}
	if id, ok := strings.CutPrefix(ref, runs); ok {
		if !isID(id) {
			return reference{}, errors.New("names no run; expected runs:/ID, the identifier alone")
		}
		return reference{run: id}, nil
	}
	rest, ok := strings.CutPrefix(ref, models)
	if !ok {
		return reference{}, errors.New("is neither a run nor a model; expected runs:/ID, models:/NAME/VERSION or models:/NAME@ALIAS")
	}
	return parseModel(rest)
}

// parseModel reads what follows models:/. A name may hold any character.
func parseModel(rest string) (reference, error) {
	malformed := hint.Wrap(errors.New("names no model; expected models:/NAME/VERSION, models:/NAME@ALIAS or models:/m-ID"), chooseVersion)
	slash, at := strings.LastIndexByte(rest, '/'), strings.LastIndexByte(rest, '@')
	switch {
	case at > slash:
		r := reference{name: rest[:at], alias: rest[at+1:]}
		if strings.TrimSpace(r.name) == "" || strings.HasPrefix(r.name, "/") || strings.TrimSpace(r.alias) == "" {
			return reference{}, malformed
		}
		return r, nil
	case slash < 0 && strings.HasPrefix(rest, "m-") && isID(rest):
		return reference{model: rest}, nil
	case slash < 0, strings.HasPrefix(rest, "/"), strings.TrimSpace(rest[:slash]) == "":
		return reference{}, malformed
	}
	r := reference{name: rest[:slash], version: rest[slash+1:]}
	switch {
	case r.version == "":
		return reference{}, malformed
	case strings.EqualFold(r.version, "latest"):
		return reference{}, hint.Wrap(errors.New("latest is whichever version was registered last, not one that somebody chose"), chooseVersion)
	case strings.Trim(r.version, "0123456789") != "":
		return reference{}, hint.Wrap(fmt.Errorf("%q is no version; stages are deprecated in MLflow and not read", r.version), chooseVersion)
	}
	return r, nil
}
