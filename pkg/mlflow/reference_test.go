package mlflow

import (
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/hint"
)

func TestIs(t *testing.T) {
	for ref, want := range map[string]bool{
		"runs:/0a1b": true, "models:/digits/3": true, "models:/digits@champion": true, "models:/m-0a1b": true, "models:/": true,
		"reports/a.json": false, "runs/a.json": false, "models/*.json": false, "": false, "RUNS:/a": false,
	} {
		if Is(ref) != want {
			t.Errorf("Is(%q) = %t", ref, !want)
		}
	}
}

func TestParse(t *testing.T) {
	for ref, want := range map[string]reference{
		"runs:/217811daafe547b5a2078ea3c3ff1e9a":     {run: "217811daafe547b5a2078ea3c3ff1e9a"},
		"models:/m-3a3e2a981e9746079bbe53e36dfcbfa9": {model: "m-3a3e2a981e9746079bbe53e36dfcbfa9"},
		"models:/digits/3":                           {name: "digits", version: "3"},
		"models:/digits@champion":                    {name: "digits", alias: "champion"},
		"models:/Größe der Ziffern@été":              {name: "Größe der Ziffern", alias: "été"},
		"models:/acme/digits/12":                     {name: "acme/digits", version: "12"},
		"models:/acme/digits@champion":               {name: "acme/digits", alias: "champion"},
		"models:/ops@acme/1":                         {name: "ops@acme", version: "1"},
		"models:/main.eval.a b&c=d#e?%2F@x":          {name: "main.eval.a b&c=d#e?%2F", alias: "x"},
	} {
		if got, err := parse(ref); err != nil || got != want {
			t.Errorf("parse(%q) = %+v, %v, want %+v", ref, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const (
		noModel = "names no model; expected models:/NAME/VERSION, models:/NAME@ALIAS or models:/m-ID"
		noRun   = "names no run; expected runs:/ID, the identifier alone"
	)
	for _, tc := range []struct{ ref, want, hint string }{
		{"runs:/", noRun, ""},
		{"runs:/0a1b/model", noRun, ""},
		{"runs:/../experiments", noRun, ""},
		{"runs:/a?run_id=b", noRun, ""},
		{"reports/a.json", "is neither a run nor a model; expected runs:/ID, models:/NAME/VERSION or models:/NAME@ALIAS", ""},
		{"models:/", noModel, chooseVersion},
		{"models:/digits", noModel, chooseVersion},
		{"models:/digits/", noModel, chooseVersion},
		{"models:/digits@", noModel, chooseVersion},
		{"models:/@champion", noModel, chooseVersion},
		{"models:/ /3", noModel, chooseVersion},
		{"models://profile@databricks/digits/3", noModel, chooseVersion},
		{"models:/m-a.b", noModel, chooseVersion},
		{"models:/digits/Latest", "latest is whichever version was registered last, not one that somebody chose", chooseVersion},
		{"models:/digits/Production", `"Production" is no version; stages are deprecated in MLflow and not read`, chooseVersion},
		{"models:/digits/-1", `"-1" is no version; stages are deprecated in MLflow and not read`, chooseVersion},
		{"models:/" + strings.Repeat("a", 1020) + "/1", "is longer than 1024 bytes", ""},
	} {
		got, err := parse(tc.ref)
		if err == nil || err.Error() != tc.want {
			t.Errorf("parse(%q) = %+v, %v, want error %s", tc.ref, got, err, tc.want)
		}
		if hints := strings.Join(hint.Of(err), "\n"); hints != tc.hint {
			t.Errorf("parse(%q): hint %q, want %q", tc.ref, hints, tc.hint)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("runs:/a")
	f.Add("models:/a b/c@d/7")
	f.Fuzz(func(t *testing.T, ref string) {
		r, err := parse(ref)
		switch {
		case err != nil:
			if r != (reference{}) {
				t.Fatalf("%+v beside %v", r, err)
			}
		case !Is(ref):
			t.Fatalf("%q is read as %+v", ref, r)
		case r.run != "":
			if !isID(r.run) || "runs:/"+r.run != ref {
				t.Fatalf("%q is read as %+v", ref, r)
			}
		case r.model != "" && isID(r.model) && "models:/"+r.model == ref:
		case "models:/"+r.name+"/"+r.version != ref && "models:/"+r.name+"@"+r.alias != ref:
			t.Fatalf("%q is read as %+v", ref, r)
		}
	})
}
