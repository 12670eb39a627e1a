package modelfile

import (
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// judgeKeras reports what an object of a description makes its loader do.
func judgeKeras(in *input, o kerasObject, at int64) {
	if judgeLambda(in, o, at) {
		return
	}
	judgePaths(in, o, at)
	module, class := o.text("module"), o.text("class_name")
	for _, name := range kerasNames(o) {
		if r := judgeKerasName(module, class, name); r.Rule != "" {
			r.Offset, r.Convert = at, convertKeras
			in.risk(r)
		}
	}
}

// kerasNames are the names that an object wants imported: of a class or a function.
func kerasNames(o kerasObject) []string {
	names := []string{}
	if class := o.text("class_name"); class != "" && class != "function" {
		names = append(names, class)
	}
	if o.text("class_name") == "function" {
		names = append(names, o.text("config"))
	}
	for _, key := range []string{"fn_name", "registered_name"} {
		name := o.text(key)
		if name != "" && name != "function" && (len(names) == 0 || names[0] != name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 && o.text("module") != "" {
		names = append(names, "")
	}
	return names
}

// judgeKerasName returns no risk for what Keras itself brings and is harmless.
func judgeKerasName(module, class, name string) Risk {
	calls := strings.TrimSuffix(module+"."+name, ".")
	if module == "" {
		calls = name
	}
	top, _, _ := strings.Cut(module, ".")
	plain := name[strings.LastIndexByte(name, '.')+1:]
	reserved := strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__")
	// A name is resolved in its module first of all; what is nested in a name counts as well.
	switch {
	case !reserved && unsafeKeras(plain):
		return Risk{Rule: "keras-unsafe", Severity: scan.High, Calls: calls,
			Why: "A function or layer of Keras itself that fetches files or loads other models gets around safe mode (CVE-2025-8747)."}
	case module == "" || module == "__main__":
		return judgeCustom(name, calls)
	case oneOf(top, "keras tf_keras keras_core keras_hub keras_nlp keras_cv"):
		return judgeOwn(module, class, name, calls)
	case module == "builtins" || module == "__builtin__":
		return judgeBuiltin(class, name, calls)
	case class == "__typespec__" && hasPrefix(module, "tensorflow"):
		return Risk{}
	case dangerous(module, name) != "" || dangerous(module, "") != "":
		return Risk{Rule: "keras-module", Severity: scan.Critical, Calls: calls,
			Why: "Loading imports this and calls it with values of the file (CVE-2025-1550)."}
	case name == "" && class == "":
		return Risk{} // a key called module that no loader imports
	case strings.Contains(name, ">") && !hasPrefix(module, "numpy torch tensorflow jax"):
		return customRisk(calls)
	}
	return Risk{Rule: "keras-module", Severity: scan.High, Calls: calls,
		Why: "Loading imports a module that is not part of Keras, and calls what the file names (CVE-2025-1550)."}
}

func customRisk(calls string) Risk {
	return Risk{Rule: "keras-custom", Severity: scan.Medium, Calls: calls,
		Why: "The model needs a class or function of its own, whose code is not in the file."}
}

// judgeCustom is for names without a module: those of Keras 2 descriptions, where
// Keras' own classes look the same as others, and registered ones.
func judgeCustom(name, calls string) Risk {
	if strings.Contains(name, ">") {
		return customRisk(calls)
	}
	return Risk{}
}

// judgeOwn is for modules of Keras. Its classes begin with a capital letter; other
// names are the functions and modules that one of its modules imported.
func judgeOwn(module, class, name, calls string) Risk {
	if strings.Contains(name, ">") {
		return customRisk(calls)
	}
	if class == "function" && name != "" && !kerasFunction(name) {
		return judgeFunction(module, calls)
	}
	reserved := strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__")
	if class == "function" || name == "" || reserved || name[0] >= 'A' && name[0] <= 'Z' {
		return Risk{}
	}
	return Risk{Rule: "keras-module", Severity: scan.High, Calls: calls,
		Why: "What is named is no class of Keras but something that one of its modules imports, called with values of the file."}
}

// judgeFunction is for functions in modules of Keras that are not the usual ones.
func judgeFunction(module, calls string) Risk {
	for part := range strings.SplitSeq("activations losses metrics initializers regularizers constraints ops random layers", " ") {
		if hasPrefix(module, "keras."+part+" keras.src."+part+" tf_keras."+part+" tf_keras.src."+part+" keras_core."+part) {
			return Risk{}
		}
	}
	if hasPrefix(module, "keras_hub keras_nlp keras_cv") {
		return customRisk(calls)
	}
	return Risk{Rule: "keras-module", Severity: scan.High, Calls: calls,
		Why: "The model names a function of Keras that is no part of a model, or one that Keras imports (CVE-2025-8747)."}
}

// judgeBuiltin is for Python's own module, where Keras also files functions.
func judgeBuiltin(class, name, calls string) Risk {
	reserved := strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__")
	switch {
	case name == "" || reserved && !oneOf(name, "__import__ __build_class__ __loader__"):
		return Risk{}
	case oneOf(name, "dict list tuple set str int float bool complex bytes slice NoneType ellipsis"):
		return Risk{}
	case dangerous("builtins", name) != "" && oneOf(name, "eval exec compile open getattr setattr delattr breakpoint input __import__ __build_class__ __loader__ globals vars"):
		return Risk{Rule: "keras-module", Severity: scan.Critical, Calls: calls,
			Why: "Loading calls one of Python's own functions that run or reach anything (CVE-2025-1550)."}
	case class == "function":
		if kerasFunction(name) {
			return Risk{}
		}
		return customRisk(calls)
	case strings.Contains(name, ">"):
		return customRisk(calls)
	}
	return Risk{Rule: "keras-module", Severity: scan.High, Calls: calls,
		Why: "Loading calls a function of Python itself that no model needs."}
}

// kerasFunction are Keras' own functions as they are named in descriptions.
func kerasFunction(name string) bool {
	return oneOf(name, "relu relu6 leaky_relu elu selu gelu silu swish sigmoid hard_sigmoid tanh softmax log_softmax softplus softsign "+
		"exponential linear mish mse mae mape msle mean_squared_error mean_absolute_error mean_absolute_percentage_error "+
		"mean_squared_logarithmic_error binary_crossentropy categorical_crossentropy sparse_categorical_crossentropy "+
		"hinge squared_hinge categorical_hinge kl_divergence poisson log_cosh huber cosine_similarity accuracy "+
		"binary_accuracy categorical_accuracy sparse_categorical_accuracy top_k_categorical_accuracy")
}

// unsafeKeras are names in Keras that reach files, the network or other loaders.
func unsafeKeras(name string) bool {
	return oneOf(name, "get_file enable_unsafe_deserialization TorchModuleWrapper TFSMLayer load_model load_weights "+
		"load_img save_img save_model save_weights model_from_json deserialize_keras_object "+
		"image_dataset_from_directory text_dataset_from_directory audio_dataset_from_directory pip_build "+
		"extract_archive _extract_archive func_load func_dump python_utils")
}

// judgeLambda reports functions that the file brings as code, or names.
func judgeLambda(in *input, o kerasObject, at int64) bool {
	r := Risk{Rule: "keras-lambda", Severity: scan.Critical, Offset: at, Convert: convertKeras,
		Why: "The model holds a function as Python bytecode, which runs when it is loaded or used (CVE-2024-3660)."}
	class := o.text("class_name")
	if class == "__lambda__" || o.text("registered_name") == "__lambda__" {
		r.Calls = "__lambda__"
		in.risk(r)
		return true
	}
	name := class[strings.LastIndexAny(class, ".>")+1:]
	config := o["config"].object
	switch name {
	case "TFOpLambda":
		return judgeTFOp(in, config.text("function"), at)
	case "ClassMethod":
		return judgeTFOp(in, config.text("cls_symbol"), at)
	}
	if name != "Lambda" && o.text("registered_name") != "Lambda" {
		return false
	}
	function := config["function"]
	r.Calls = "Lambda " + function.text
	switch {
	case function.object.text("class_name") == "__lambda__": // was reported
		return true
	case function.list || config.text("function_type") == "lambda":
		in.risk(r)
		return true
	case function.object != nil:
		r.Calls = "Lambda " + function.object.text("config")
	}
	r.Severity = scan.High
	r.Why = "A Lambda layer calls a function by its name, whatever that is where the model is loaded (CVE-2024-3660)."
	in.risk(r)
	return false
}

// judgeTFOp is for layers of Keras 2 that call a function of TensorFlow by its
// public name, with values of the file.
func judgeTFOp(in *input, function string, at int64) bool {
	function = "." + function
	for part := range strings.FieldsSeq("file load_ .load save py_func PyFunc numpy_function print dump heckpoint restore erver rpc Rpc library " +
		".debugging.experimental. .data. .distribute. .saved_model. .python. .lookup. .train. .utils. .config. .autograph. .io. .profiler. .sysconfig. .summary. File Save") {
		if strings.Contains(function, part) {
			in.risk(Risk{Rule: "keras-lambda", Severity: scan.High, Offset: at, Calls: "tensorflow" + function, Convert: convertKeras,
				Why: "A layer calls a function of TensorFlow that reaches files or runs Python."})
			break
		}
	}
	return true
}

// judgePaths reports files that a layer reads when it is made.
func judgePaths(in *input, o kerasObject, at int64) {
	for _, key := range []string{"vocabulary", "idf_weights", "merges"} {
		file := o.text(key)
		if file == "" {
			continue
		}
		r := Risk{Rule: "keras-path", Severity: scan.Medium, Offset: at, Calls: key + " " + file,
			Why:     "A layer reads a file that the model names when it is made (CVE-2025-12058).",
			Convert: "Save the model with the vocabulary in it."}
		if escapes(file) {
			r.Severity = scan.High
		}
		in.risk(r)
	}
}

// escapes reports whether a path leads, or may lead, out of the model's folder.
func escapes(file string) bool {
	for part := range strings.SplitSeq(file, "/") {
		if part == ".." {
			return true
		}
	}
	return strings.HasPrefix(file, "/") || strings.HasPrefix(file, "~") || strings.ContainsAny(file, "\\\x00\r\n") || strings.Contains(file, ":")
}
