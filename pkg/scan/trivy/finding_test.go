package trivy

import (
	"testing"

	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/types"
)

func TestLocation(t *testing.T) {
	tests := map[string]struct {
		class types.ResultClass
		kind  ftypes.TargetType
		path  string // of the package
		want  string
	}{
		"program":         {types.ClassLangPkg, ftypes.GoBinary, "", "the target"},
		"of its own":      {types.ClassLangPkg, ftypes.PythonPkg, "a/METADATA", "a/METADATA"},
		"of many":         {types.ClassLangPkg, ftypes.PythonPkg, "", ""},
		"of distribution": {types.ClassOSPkg, ftypes.Debian, "", ""},
	}
	for name, test := range tests {
		got := location(types.DetectedVulnerability{PkgPath: test.path}, types.Result{Class: test.class, Type: test.kind, Target: "the target"})
		if got != test.want {
			t.Errorf("%s: the location is %q, want %q", name, got, test.want)
		}
	}
}
