package modelfile

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/scan"
)

func hostileGraphs() []hostile {
	all := append(hostileKeras(), hostileHDF5()...)
	all = append(all, hostileONNX()...)
	all = append(all, hostileSaved()...)
	return append(all, hostileTFLite()...)
}

func TestHostileGraphs(t *testing.T) {
	names := map[string]bool{}
	for _, h := range hostileGraphs() {
		if names[h.name] {
			t.Errorf("two cases are called %q", h.name)
		}
		names[h.name] = true
		t.Run(h.name, func(t *testing.T) {
			r := inspectString(t, h.path, h.content)
			if len(r.Risks) == 0 && r.Unscanned == "" || !says(r, h.want) {
				t.Errorf("want %q, got risks %+v, unscanned %q", h.want, r.Risks, r.Unscanned)
			}
			for _, risk := range r.Risks {
				checkRisk(t, risk)
			}
		})
	}
}

// TestOrdinaryGraphs: what real packages write has no risk of high or above, and
// is read to its end.
func TestOrdinaryGraphs(t *testing.T) {
	lite, _ := tflite("", 3)
	compiled := `{"module":"keras","class_name":"Functional","config":{"layers":[` + dense + `,NaN],"x":{"class_name":"__tuple__","items":[1]}},` +
		`"compile_config":{"optimizer":{"module":"keras.optimizers","class_name":"Adam","config":{},"registered_name":null},"loss":"mse",` +
		`"metrics":[{"module":"builtins","class_name":"function","config":"relu","registered_name":"function"}]},"registered_name":"Functional"}`
	function := pb(25, pb(1, "Gelu"), pb(10, "pkg.onnxscript"), pb(7, pb(4, "Erf")))
	tests := []struct {
		name, path, content string
		card                Card
	}{
		{"keras", "m.keras", kerasZip(dense), Card{Format: Keras, Framework: "keras", Version: "3.8.0", Architecture: "Sequential"}},
		{"keras, compiled", "m.keras", kerasFile(compiled), Card{Format: Keras, Framework: "keras", Version: "3.8.0", Architecture: "Functional"}},
		{"hdf5 of Keras 2", "m.h5", vlenHDF5("model_config", `{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 1}}]}}`),
			Card{Format: HDF5, Framework: "keras", Architecture: "Sequential"}},
		{"hdf5 of something else", "m.h5", vlenHDF5("temperature", `{"unit": "K", "module": "sensor 12"}`), Card{Format: HDF5}},
		{"onnx", "m.onnx", onnxModel(pb(5, pn(1, 2), pn(1, 3), pn(2, 1), pb(9, strings.Repeat("\x00", 24))) + pb(5, pb(1, "\x02\x02"), pn(2, 7))),
			Card{Format: ONNX, Framework: "onnx", Version: "IR 9, pytorch, opset 17", Dtypes: []string{"float32", "int64"}, Parameters: 10}},
		{"onnx with a function", "m.onnx", onnxModel(pb(1, pb(4, "Gelu"), pb(7, "pkg.onnxscript")), function),
			Card{Format: ONNX, Framework: "onnx", Version: "IR 9, pytorch, opset 17"}},
		{"onnx with data beside it", "m.onnx", onnxModel(pb(5, outsideTensor("location", "m.onnx.data", "offset", "0", "length", "8"))),
			Card{Format: ONNX, Framework: "onnx", Version: "IR 9, pytorch, opset 17", Dtypes: []string{"float32"}, Parameters: 2}},
		{"saved model", "saved_model.pb", savedModel(tfNode("Placeholder") + tfNode("SaveV2", pb(3, "n")) + tfNode("MatMul")),
			Card{Format: SavedModel, Framework: "tensorflow", Version: "2.15.0"}},
		{"fingerprint", "fingerprint.pb", pn(1, 99) + pn(2, 98) + pn(3, 1), Card{Format: SavedModel, Framework: "tensorflow"}},
		{"tflite", "m.tflite", lite, Card{Format: TFLite, Framework: "tensorflow-lite", Version: "3", Dtypes: []string{"float32"}, Parameters: 6}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := inspectString(t, tt.path, tt.content)
			for _, risk := range r.Risks {
				if risk.Severity != scan.Low {
					t.Errorf("risk %+v", risk)
				}
			}
			if r.Unscanned != "" {
				t.Errorf("unscanned: %s", r.Unscanned)
			}
			if diff := cmp.Diff(tt.card, r.Card); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzGraphs reads content as every one of the formats, by its name, and as what it is.
func FuzzGraphs(f *testing.F) {
	for _, h := range hostileGraphs() {
		if len(h.content) < 64<<10 {
			f.Add(h.path, []byte(h.content))
		}
	}
	f.Fuzz(func(t *testing.T, path string, content []byte) {
		left := budget{inflated: 1 << 20, opcodes: 1 << 16, members: 64, depth: 4, risks: 50}
		inspectors := []func(context.Context, *input){inspectHDF5, inspectONNX, inspectSavedModel, inspectTFLite,
			func(_ context.Context, in *input) { kerasConfig(in, content) }}
		for _, inspect := range inspectors {
			in := newInput(sourceOf(path, string(content)), left)
			inspect(t.Context(), in)
			for _, risk := range in.risks {
				checkRisk(t, risk)
			}
			if in.err != nil {
				t.Fatal(in.err)
			}
		}
	})
}
