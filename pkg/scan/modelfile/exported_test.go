package modelfile

import (
	"encoding/json/v2"
	"testing"

	"github.com/org/ai-ship/pkg/scan"
)

// program is what torch.export.save writes, with one size and one node.
func program(t *testing.T, expression, target string) string {
	t.Helper()
	quoted := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return `{"graph_module":{"graph":{"nodes":[{"target":` + quoted(target) + `}],"tensor_values":{"x":{"sizes":[{"as_expr":{"expr_str":` + quoted(expression) + `}}]}}}},"opset_version":{"aten":10}}`
}

// TestExportedPrograms: expressions of sizes go through sympy's eval, and targets
// are looked up by name, when torch.export.load reads a program.
func TestExportedPrograms(t *testing.T) {
	const linear = "torch.ops.aten.linear.default"
	for _, tt := range []struct{ name, expression, target, want string }{
		{"ordinary", "s0", linear, ""},
		{"arithmetic", "2*s0*((s1 + 1)//2)**2 - Mod(s0, 8)", "_operator.getitem", ""},
		{"relations", "Ne(Mod(s0, 4), 0) & (s1 >= 2.5)", "torch.ops.higher_order.cond", ""},
		{"as torch 2.5 writes", "Add(Symbol('s77', positive=True, integer=True), Integer(-1))", "torch.sym_sum", ""},
		{"import", `__import__("os").system("id")`, linear, `__import__("os").system("id")`},
		{"exec", "exec(chr(49))", linear, "exec"},
		{"space before the call", "print (1)", linear, "print"},
		{"attribute", "s0.func", linear, "s0.func"},
		{"subscript", "s0[0]", linear, "s0[0]"},
		{"lambda called", "(lambda: 1)()", linear, "(lambda"},
		{"result called", "Mod(s0, 2)(1)", linear, "Mod(s0, 2)(1)"},
		{"code in a text", "Symbol('exec(1)')", linear, "Symbol('exec(1)')"},
		{"text called", "'a'(1)", linear, "'a'(1)"},
		{"sympify", "S('s')", linear, "S"},
		{"other letters", "ｅxec(1)", linear, "ｅxec"},
		{"target", "s0", "torch.hub.load", "torch.hub.load"},
		{"target by a walk", "s0", "torch.ops.__class__", "torch.ops.__class__"},
		{"target elsewhere", "s0", "os.system", "os.system"},
		{"operator's walk", "s0", "_operator.attrgetter", "_operator.attrgetter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := inspectString(t, "m.pt2", zipped(entry{name: "serialized_exported_program.json", data: program(t, tt.expression, tt.target)}))
			if tt.want != "" && !says(r, "exported-program "+tt.want) {
				t.Errorf("want %q, got %+v, unscanned %q", tt.want, r.Risks, r.Unscanned)
			}
			if tt.want == "" && (len(r.Risks) > 0 || r.Unscanned != "") {
				t.Errorf("risks %+v, unscanned %q", r.Risks, r.Unscanned)
			}
			for _, risk := range r.Risks {
				checkRisk(t, risk)
				if risk.Severity < scan.High {
					t.Errorf("severity is %v", risk.Severity)
				}
			}
		})
	}
	if r := inspectString(t, "m.pt2", zipped(entry{name: "m/data/aotinductor/model/x.so", data: "\x7fELF"})); !says(r, "native-code m/data/aotinductor/model/x.so") {
		t.Errorf("no native code: %+v", r.Risks)
	}
	if r := inspectString(t, "x.json", `{"target":"os.system","node":{"target":"x"}}`); len(r.Risks) > 0 {
		t.Errorf("a target of another JSON: %+v", r.Risks)
	}
}
