package modelfile

import "strings"

// kerasZip is a Keras 3 archive with one layer.
func kerasZip(layer string) string {
	config := `{"module":"keras","class_name":"Sequential","config":{"name":"m","layers":[` + layer + `]},"registered_name":null}`
	return kerasFile(config)
}

func kerasFile(config string) string {
	return zipped(entry{name: "metadata.json", data: `{"keras_version":"3.8.0","date_saved":"2025-01-01@00:00:00"}`},
		entry{name: "config.json", data: config})
}

const dense = `{"module":"keras.layers","class_name":"Dense","config":{"units":2,"activation":"relu","kernel_initializer":` +
	`{"module":"keras.initializers","class_name":"GlorotUniform","config":{"seed":null},"registered_name":null},` +
	`"dtype":{"module":"keras","class_name":"DTypePolicy","config":{"name":"float32"},"registered_name":null}},"registered_name":null}`

func lambdaLayer(function string) string {
	return `{"module":"keras.layers","class_name":"Lambda","config":{"name":"l","function":` + function + `},"registered_name":null}`
}

func hostileKeras() []hostile {
	at := func(name, layer, want string) hostile {
		return hostile{"keras: " + name, "m.keras", kerasZip(layer), want}
	}
	file := func(name, config, want string) hostile {
		return hostile{"keras: " + name, "m.keras", kerasFile(config), want}
	}
	return []hostile{
		at("CVE-2024-3660, Lambda with bytecode", lambdaLayer(`{"class_name":"__lambda__","config":{"code":"4wEA"}}`), "keras-lambda __lambda__"),
		at("Lambda of Keras 2", `{"class_name":"Lambda","config":{"function":["4wEA",null,null],"function_type":"lambda","module":"__main__"}}`, "keras-lambda Lambda 4wEA"),
		at("Lambda by name", lambdaLayer(`{"module":"builtins","class_name":"function","config":"f","registered_name":"function"}`), "keras-lambda Lambda f"),
		at("CVE-2025-1550, os.system", `{"module":"os","class_name":"function","config":"system","registered_name":"system"}`, "keras-module os.system"),
		at("CVE-2025-1550, a class of subprocess", `{"module":"subprocess","class_name":"Popen","config":{},"registered_name":"Popen"}`, "keras-module subprocess.Popen"),
		at("module without a class", `{"module":"os","config":{}}`, "keras-module os"),
		at("fn_name", `{"module":"importlib","fn_name":"import_module"}`, "keras-module importlib.import_module"),
		at("builtins.eval", `{"module":"builtins","class_name":"function","config":"eval","registered_name":"function"}`, "keras-module builtins.eval"),
		at("a class of builtins", `{"module":"builtins","class_name":"open","config":{}}`, "keras-module builtins.open"),
		at("numpy function", `{"module":"numpy","class_name":"function","config":"fromfile"}`, "keras-module numpy.fromfile"),
		at("a module that looks like keras", `{"module":"keras_evil.layers","class_name":"Dense","config":{}}`, "keras-module keras_evil"),
		at("a dangerous module as registered", `{"module":"os","class_name":"A","config":{},"registered_name":"a>A"}`, "keras-module os.A"),
		at("CVE-2025-8747, get_file", lambdaLayer(`{"module":"keras.utils","class_name":"function","config":"get_file"}`), "keras-unsafe keras.utils.get_file"),
		at("enable_unsafe_deserialization", `{"module":"keras.config","class_name":"function","config":"enable_unsafe_deserialization"}`, "keras-unsafe keras.config.enable_unsafe"),
		at("TorchModuleWrapper", `{"module":"keras.layers","class_name":"TorchModuleWrapper","config":{"module":"x"}}`, "keras-unsafe keras.layers.Torch"),
		at("TFSMLayer", `{"module":"keras.layers","class_name":"TFSMLayer","config":{"filepath":"/tmp/x"}}`, "keras-unsafe keras.layers.TFSM"),
		at("an import of a keras module", `{"module":"keras.src.utils.file_utils","class_name":"shutil","config":{}}`, "keras-module keras.src.utils.file_utils.shutil"),
		at("a function that keras imports", `{"module":"keras.src.utils.file_utils","class_name":"function","config":"urlretrieve"}`, "keras-module keras.src.utils.file_utils.urlretrieve"),
		at("CVE-2025-12058, vocabulary", `{"module":"keras.layers","class_name":"StringLookup","config":{"vocabulary":"/etc/passwd"}}`, "keras-path vocabulary /etc/passwd"),
		at("vocabulary from the network", `{"module":"keras.layers","class_name":"StringLookup","config":{"vocabulary":"https://169.254.169.254/"}}`, "keras-path vocabulary https"),
		at("custom class", `{"module":null,"class_name":"A","config":{},"registered_name":"mine>A"}`, "keras-custom mine>A"),
		at("custom function", `{"module":"builtins","class_name":"function","config":"my_loss","registered_name":"function"}`, "keras-custom builtins.my_loss"),
		at("duplicate module", `{"module":"os","class_name":"function","config":"system","module":"keras"}`, "keras-duplicate module"),
		at("escaped key", `{"mod\u0075le":"os","class_name":"function","config":"system"}`, "keras-module os.system"),
		at("TFOpLambda", `{"class_name":"TFOpLambda","config":{"function":"io.write_file"}}`, "keras-lambda tensorflow.io.write_file"),
		at("behind NaN", `NaN,{"module":"os","class_name":"function","config":"system"},-Infinity`, "keras-module os.system"),
		file("a broken end", `{"config":[{"module":"os","class_name":"function","config":"system"}`, "keras-module os.system"),
		file("no JSON", `{"config":`, "?not readable as JSON"),
		file("two values", `{}{"module":"os"}`, "?more follows"),
		file("nested", strings.Repeat(`{"a":`, 5000), "?nested too deep"),
		file("UTF-16", "\xff\xfe{\x00}\x00", "?not readable as JSON"),
	}
}

// vlenHDF5 is a superblock of version 0, with what the tests look for behind it.
func vlenHDF5(parts ...string) string {
	body := strings.Join(parts, strings.Repeat("\x00", 16))
	head := hdf5Magic + "\x00\x00\x00\x00\x00\x08\x08\x00" + le(4, 2) + le(16, 2) + le(0, 4) + le(0, 8) + le(^uint64(0), 8)
	return head + le(uint64(96+len(body)), 8) + le(^uint64(0), 8) + strings.Repeat("\x00", 40) + body
}

// externalLink is a link message that leads to another file.
func externalLink(flags byte, more, file string) string {
	info := "\x00" + file + "\x00/weights\x00"
	return "\x01" + string(rune(flags)) + "\x40" + more + "\x04data" + le(uint64(len(info)), 2) + info
}

func hostileHDF5() []hostile {
	at := func(name, content, want string) hostile { return hostile{"hdf5: " + name, "m.h5", content, want} }
	model := func(layer string) string {
		return `{"class_name": "Sequential", "config": {"layers": [` + layer + `]}}`
	}
	system := model(`{"module":"os","class_name":"function","config":"system"}`)
	efl := "\x07\x00\x28\x00\x00\x00\x00\x00" + "\x01\x00\x00\x00" + le(1, 2) + le(1, 2) + le(96+64, 8) + le(8, 8) + le(0, 8) + le(64, 8)
	heap := strings.Repeat("\x00", 64-len(efl)) + "HEAP\x00\x00\x00\x00" + le(32, 8) + le(0, 8) + le(96+64+32, 8) + strings.Repeat("\x00", 8) + "/etc/passwd\x00"
	return []hostile{
		at("CVE-2025-9905, Lambda", vlenHDF5("model_config", model(`{"class_name":"Lambda","config":{"function":["4wEA",null,null],"function_type":"lambda","module":"__main__"}}`)), "keras-lambda Lambda"),
		at("os.system", vlenHDF5("model_config", system), "keras-module os.system"),
		at("behind a decoy", vlenHDF5("model_config", model(dense), system), "keras-module os.system"),
		at("behind an open brace", vlenHDF5("model_config", `{"x":`+system), "keras-module os.system"),
		at("with NaN", vlenHDF5("model_config", model(`NaN,{"module":"os","class_name":"function","config":"system"}`)), "keras-module os.system"),
		at("in training_config", vlenHDF5("training_config", `{"loss": {"class_name":"function","module":"os","config":"system"}}`), "keras-module os.system"),
		at("across pieces", vlenHDF5(strings.Repeat("\x00", 1<<20-96-20), system), "keras-module os.system"),
		at("behind a user block", strings.Repeat("\x00", 512)+vlenHDF5("model_config", system), "keras-module os.system"),
		at("escaped class_name", vlenHDF5(`{"mod\u0075le": "os", "cl\u0061ss_name": "function", "config": "system"}`), "keras-module os.system"),
		at("a long description", vlenHDF5(model(`"`+strings.Repeat("x", 100_000)+`",`+lambdaLayer(`{"class_name":"__lambda__"}`))), "keras-lambda __lambda__"),
		at("no JSON", vlenHDF5("model_config", "\x01\x02\x03\x04"), "?not its JSON"),
		at("cut JSON", vlenHDF5("model_config", `{"class_name": "Sequential", "config": {`), "?not readable as JSON"),
		at("unknown version", hdf5Magic+strings.Repeat("\x09", 100), "?unknown version"),
		at("truncated", vlenHDF5(strings.Repeat("x", 500))[:300], "?ends before where it says"),
		at("nothing but a signature", hdf5Magic, "?ends early"),
		at("no signature", "nothing of that kind", "?signature is missing"),
		at("address size", hdf5Magic+"\x00\x00\x00\x00\x00\x07\x08\x00"+strings.Repeat("\x00", 90), "?neither 4 nor 8"),
		at("external link", vlenHDF5(externalLink(8, "", "/etc/passwd")), "hdf5-external /etc/passwd:/weights"),
		at("external link with all fields", vlenHDF5(externalLink(0x1c, strings.Repeat("\x02", 8)+"\x01", "../other.h5")), "hdf5-external ../other.h5"),
		at("external dataset", vlenHDF5(efl+heap), "hdf5-external /etc/passwd"),
	}
}
