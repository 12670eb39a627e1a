package modelfile

import (
	"encoding/binary"
	"strings"
)

// hostile is a file that must not pass, and what is said of it: a rule, with what
// is called behind a space, or with "?" before it a part of Unscanned.
type hostile struct {
	name    string // technique, or CVE
	path    string
	content string
	want    string
}

// Python's opcodes, as far as a name helps to read the tests.
const (
	evil0   = "cposix\nsystem\n(S'id'\ntR."
	evil2   = "\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R."
	evil4   = "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R."
	benign2 = "\x80\x02}X\x01\x00\x00\x00aK\x01s."
)

// le is n as a little-endian number of some bytes.
func le(n uint64, bytes int) string {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	return string(b[:bytes])
}

// named loads a global and calls it, by protocol 4.
func named(module, name string) string {
	return "\x80\x04\x8c" + le(uint64(len(module)), 1) + module + "\x8c" + le(uint64(len(name)), 1) + name + "\x93)R."
}

// hostileGlobals are names by which others got past lists of names.
func hostileGlobals() []hostile {
	var all []hostile
	for _, c := range [][3]string{
		{"CVE-2025-1716 pip.main", "pip", "main"},
		{"CVE-2025-1716 pip._internal", "pip._internal.cli.main", "main"},
		{"CVE-2025-10157 submodule of asyncio", "asyncio.unix_events", "_UnixSubprocessTransport._start"},
		{"CVE-2026-56304 logging.FileHandler", "logging", "FileHandler"},
		{"CVE-2026-56304 logging.handlers", "logging.handlers", "SocketHandler"},
		{"CVE-2026-56315 uuid", "uuid", "_get_command_stdout"},
		{"CVE-2026-56315 imaplib", "imaplib", "IMAP4_stream"},
		{"CVE-2026-56315 _pyrepl", "_pyrepl.pager", "pipe_pager"},
		{"CVE-2026-56315 _osx_support", "_osx_support", "_read_output"},
		{"universal bypass pkgutil.resolve_name", "pkgutil", "resolve_name"},
		{"importlib.import_module", "importlib", "import_module"},
		{"dotted name of protocol 4", "sklearn.datasets._base", "os.system"},
		{"name passed on by a harmless module", "transformers.utils.import_utils", "import_module"},
		{"Popen passed on as a class", "scipy._lib.anything", "Popen"},
		{"__globals__ of a class", "sklearn.base", "BaseEstimator.__init__.__globals__"},
		{"__builtins__ of a module", "collections", "__builtins__"},
		{"class that opens a file", "pandas", "HDFStore"},
		{"class that opens a file, where it is defined", "pandas.io.pytables", "HDFStore"},
		{"class that loads native code", "onnxruntime.capi.onnxruntime_inference_collection", "InferenceSession"},
		{"torch.hub", "torch.hub", "load"},
		{"torch.load CVE-2025-32434", "torch", "load"},
		{"torch storage bytes", "torch.storage", "_load_from_bytes"},
		{"torch.utils.collect_env", "torch.utils.collect_env", "run"},
		{"torch.jit unsupported", "torch.jit.unsupported_tensor_ops", "execWrapper"},
		{"numpy.testing runstring", "numpy.testing._private.utils", "runstring"},
		{"numpy.f2py", "numpy.f2py.crackfortran", "getlincoef"},
		{"timeit", "timeit", "timeit"},
		{"cProfile", "cProfile", "run"},
		{"lib2to3", "lib2to3.pgen2.grammar", "Grammar.loadGrammar"},
		{"idlelib", "idlelib.run", "Executive.runcode"},
		{"idlelib debugger", "idlelib.debugobj", "ObjectTreeItem.SetText"},
		{"doctest", "doctest", "debug_script"},
		{"ensurepip", "ensurepip", "_run_pip"},
		{"trace", "trace", "Trace.runctx"},
		{"code", "code", "InteractiveInterpreter.runcode"},
		{"bdb", "bdb", "Bdb.run"},
		{"pty", "pty", "spawn"},
		{"runpy", "runpy", "run_path"},
		{"venv", "venv", "create"},
		{"test.support", "test.support.script_helper", "assert_python_ok"},
		{"distutils.file_util", "distutils.file_util", "write_file"},
		{"multiprocessing", "multiprocessing.util", "spawnv_passfds"},
		{"ctypes", "ctypes", "CDLL"},
		{"functools.partial", "functools", "partial"},
		{"operator.attrgetter", "operator", "attrgetter"},
		{"types.CodeType", "types", "CodeType"},
		{"builtins.getattr", "builtins", "getattr"},
		{"Python 2 builtins", "__builtin__", "apply"},
		{"marshal", "marshal", "loads"},
		{"Windows nt", "nt", "system"},
		{"shutil", "shutil", "rmtree"},
		{"socket", "socket", "create_connection"},
		{"webbrowser", "webbrowser", "open"},
		{"requests", "requests.api", "get"},
		{"io", "io", "FileIO"},
		{"joblib.load", "joblib", "load"},
		{"pandas.read_pickle", "pandas.io.pickle", "read_pickle"},
		{"pickle in pickle", "_pickle", "loads"},
		{"dill", "dill._dill", "_create_function"},
		{"cloudpickle", "cloudpickle.cloudpickle", "_make_function"},
	} {
		all = append(all, hostile{c[0], "m.pkl", named(c[1], c[2]), "pickle-global " + c[1] + "." + c[2]})
	}
	return append(all,
		hostile{"unknown package", "m.pkl", named("acme.models", "make"), "pickle-global acme.models.make"},
		hostile{"module with a space, like an allowed name", "m.pkl", named("collections OrderedDict", "x"), "pickle-global"},
		hostile{"Cyrillic letter in an allowed name", "m.pkl", named("соllections", "OrderedDict"), "pickle-global"},
		hostile{"class of the main program", "m.pkl", named("__main__", "Model"), "pickle-global __main__.Model"},
	)
}

// hostilePickles are ways to hide a call, or to break what looks for it.
func hostilePickles() []hostile {
	const system = "pickle-global posix.system"
	return []hostile{
		{"protocol 0", "m.pkl", evil0, system},
		{"protocol 1", "m.pkl", "cposix\nsystem\nU\x02id\x85R.", system},
		{"protocol 2", "m.pkl", evil2, system},
		{"protocol 3", "m.pkl", "\x80\x03cposix\nsystem\nC\x02id\x85R.", system},
		{"protocol 4", "m.pkl", evil4, system},
		{"protocol 5", "m.pkl", "\x80\x05\x95" + le(uint64(len(evil4)-2), 8) + evil4[2:], system},
		{"CVE-2025-1889 another extension", "config.p.txt", evil4, system},
		{"CVE-2025-10155 pickle named as PyTorch's zip", "model.pt", evil2, system},
		{"no extension", "model", evil0, system},
		{"lines that end in CR LF", "m.pkl", "cposix\r\nsystem\r\n)R.", system},
		{"INST", "m.pkl", "(S'id'\niposix\nsystem\n.", system},
		{"OBJ", "m.pkl", "(cposix\nsystem\nS'id'\no.", system},
		{"NEWOBJ", "m.pkl", "\x80\x02cposix\nsystem\n)\x81.", system},
		{"NEWOBJ_EX", "m.pkl", "\x80\x04cposix\nsystem\n)}\x92.", system},
		{"STACK_GLOBAL by the memo", "m.pkl", "\x80\x04\x8c\x06system\x94\x8c\x05posix\x940\x30h\x01h\x00\x93)R.", system},
		{"STACK_GLOBAL by a put and a far slot", "m.pkl", "\x80\x04\x8c\x06systemr\xff\xff\xff\x7f\x8c\x05posixq\x000\x30h\x00j\xff\xff\xff\x7f\x93)R.", system},
		{"STACK_GLOBAL by DUP and POP", "m.pkl", "\x80\x04\x8c\x05posix2N0\x8c\x06system\x93)R.", system},
		{"STACK_GLOBAL with the memo overwritten", "m.pkl", "\x80\x04\x8c\x03abcq\x000\x8c\x05posixq\x000h\x00\x8c\x06system\x93)R.", system},
		{"STACK_GLOBAL of escaped UNICODE", "m.pkl", "\x80\x04V\\u0070osix\nVsyste\\u006d\n\x93)R.", system},
		{"STACK_GLOBAL of an escaped STRING", "m.pkl", "\x80\x04S'p\\x6fsix'\nS\"s\\171stem\"\n\x93)R.", system},
		{"STACK_GLOBAL of a computed name", "m.pkl", "\x80\x04\x8c\x05posixcbuiltins\nstr\n\x8c\x06system\x85R\x93)R.", "pickle-global a name that cannot be followed"},
		{"STACK_GLOBAL of a name too long to keep", "m.pkl", "\x80\x04X" + le(2000, 4) + strings.Repeat("a", 2000) + "\x8c\x01b\x93)R.", "pickle-global a name"},
		{"EXT1", "m.pkl", "\x80\x02\x82\x01)R.", "pickle-extension copyreg extension 1"},
		{"EXT2", "m.pkl", "\x80\x02\x83\x01\x02)R.", "pickle-extension"},
		{"EXT4", "m.pkl", "\x80\x02\x84\x01\x02\x03\x00)R.", "pickle-extension"},
		{"PERSID", "m.pkl", "Pmemory:1\n.", "pickle-persistent-id"},
		{"BINPERSID", "m.pkl", "\x80\x02X\x01\x00\x00\x00aQ.", "pickle-persistent-id"},
		{"BINPERSID like PyTorch's with another class", "m.pkl", "\x80\x02(X\x07\x00\x00\x00storagecposix\nsystem\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ.", system},
		{"BUILD of a class", "m.pkl", "\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00aK\x01sb.", "pickle-call collections.OrderedDict"},
		{"BUILD with __setstate__", "m.pkl", "\x80\x02cargparse\nNamespace\n)\x81}X\x0c\x00\x00\x00__setstate__cbuiltins\nlist\nsbK\x01b.", "pickle-call argparse.Namespace"},
		{"BUILD with __setstate__ of os.system", "m.pkl", "\x80\x02cargparse\nNamespace\n)\x81}X\x0c\x00\x00\x00__setstate__cposix\nsystem\nsbX\x02\x00\x00\x00idb.", system},
		{"call of what a call returned", "m.pkl", "\x80\x02cbuiltins\nset\n)R)R.", "pickle-call builtins.set"},
		{"call of a value", "m.pkl", "\x80\x02X\x01\x00\x00\x00a)R.", "pickle-call"},
		{"items put into a class", "m.pkl", "\x80\x02cbuiltins\ndict\nK\x01K\x02s.", "pickle-call builtins.dict"},
		{"second pickle after STOP", "m.pkl", benign2 + evil2, system},
		{"tenth pickle after STOP", "m.pkl", strings.Repeat(benign2, 9) + evil0, system},
		{"payload behind data after STOP", "m.pkl", benign2 + "\x00\x01\x02junk" + evil4, system},
		{"data after STOP", "m.pkl", benign2 + "\x00\x01\x02junk", "trailing-data"},
		{"nullifAI: stream broken after the payload", "m.pkl", evil4[:len(evil4)-1] + "\xff\xff\xff", system},
		{"nullifAI: the break is reported", "m.pkl", evil4[:len(evil4)-1] + "\xff\xff\xff", "?cannot be read on"},
		{"nullifAI without a name that is known", "model.bin", evil4[:len(evil4)-1] + "\xff\xff\xff", system},
		{"payload behind a broken tail", "m.pkl", "\x80\x04K\x01\xff\xff\xff" + evil4, system},
		{"text payload behind a broken tail", "m.pkl", "\x80\x04K\x01\xff\xff\xff" + evil0, "pickle-hidden posix.system"},
		{"payload behind thousands of opcodes", "model", strings.Repeat("N0", 5000) + evil0, system},
		{"pickle in bytes", "m.pkl", "\x80\x04C" + le(uint64(len(evil4)), 1) + evil4 + ".", system},
		{"pickle of protocol 0 in bytes", "m.pkl", "\x80\x04C" + le(uint64(len(evil0)), 1) + evil0 + ".", system},
		{"pickle in a bytearray", "m.pkl", "\x80\x05\x96" + le(uint64(len(evil4)), 8) + evil4 + ".", system},
		{"pickle in a STRING", "m.pkl", "S'" + strings.ReplaceAll(evil0[:len(evil0)-9], "\n", "\\n") + "N\\x85R.'\n.", system},
		{"pickle in a Latin-1 text", "m.pkl", "\x80\x02c_codecs\nencode\n" + str(latin1(evil2)) + "X\x06\x00\x00\x00latin1\x86R.", system},
		{"pickles within pickles", "m.pkl", nestedPickle(evil4, 5), system},
		{"pickles within pickles without end", "m.pkl", nestedPickle(evil4, 20), "?nested deeper"},
		{"protocol 6", "m.pkl", "\x80\x06K\x01.", "?protocol 6"},
		{"unknown opcode", "m.pkl", "\x80\x04K\x01\xfe.", "?no opcode 0xfe"},
		{"cut", "m.pkl", benign2[:len(benign2)-1], "?ends before its STOP"},
		{"cut within an opcode", "m.pkl", "\x80\x04J\x01", "?ends within an opcode"},
		{"huge slot of the memo", "m.pkl", "\x80\x02K\x01r\xff\xff\xff\xff.", "pickle-bomb slot 4294967295"},
		{"huge slot of the memo as text", "m.pkl", "K\x01p99999999999\n.", "pickle-bomb"},
		{"slot of the memo that is no number", "m.pkl", "K\x01pxx\n.", "?expected a number"},
		{"slot of the memo that is empty", "m.pkl", "\x80\x02h\x05.", "?no value in slot 5"},
		{"MARK bomb", "m.pkl", "\x80\x02" + strings.Repeat("(", 100_000) + ".", "?MARKs"},
		{"MARKs that are never closed", "m.pkl", "\x80\x02K\x01((.", "?STOP with nothing"},
		{"stack bomb", "m.pkl", "\x80\x02" + strings.Repeat("N", maxStack+1) + ".", "?values on the stack"},
		{"STOP on an empty stack", "m.pkl", "\x80\x02.", "?STOP with nothing"},
		{"POP of nothing", "m.pkl", "\x80\x020.", "?empty stack"},
		{"TUPLE without MARK", "m.pkl", "\x80\x02K\x01t.", "?no MARK"},
		{"LONG4 longer than the file", "m.pkl", "\x80\x02\x8b\xff\xff\xff\x7fabc.", "?a string of 2147483647 bytes"},
		{"LONG4 of negative length", "m.pkl", "\x80\x02\x8b\xff\xff\xff\xff.", "?a string of 4294967295 bytes"},
		{"LONG4 of a great length", "m.pkl", "\x80\x02\x8b" + le(100_000, 4) + strings.Repeat("\x7f", 100_000) + ".", "pickle-bomb an integer of 100000 bytes"},
		{"LONG of many digits", "m.pkl", "L" + strings.Repeat("9", 5000) + "L\n.", "pickle-bomb an integer of"},
		{"BINBYTES8 of 2⁶³ bytes", "m.pkl", "\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", "?a string of"},
		{"BINUNICODE8 of 2⁶⁴-1 bytes", "m.pkl", "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "?a string of"},
		{"frame longer than the file", "m.pkl", "\x80\x04\x95\xff\xff\x00\x00\x00\x00\x00\x00K\x01.", "?a frame of 65535 bytes"},
		{"frame that ends within an opcode", "m.pkl", "\x80\x04\x95" + le(3, 8) + "J\x01\x02\x03\x04.", "?frame"},
		{"frame in a frame", "m.pkl", "\x80\x04\x95" + le(11, 8) + "\x95" + le(1, 8) + "N.", "?frame"},
		{"frame behind STOP", "m.pkl", "\x80\x04\x95" + le(5, 8) + "N.aaa", "?frame"},
		{"buffer from outside", "m.pkl", "\x80\x05\x97\x98.", "?a buffer from outside"},
		{"line without end", "m.pkl", "c" + strings.Repeat("a", 100_000), "?no end of line"},
		{"STRING without quotes", "m.pkl", "Sabc\n.", "?without quotes"},
		{"nothing of what its name says", "m.pkl", "hello", "?cannot be read on"},
		{"more opcodes than the limit", "m.pkl", "\x80\x02" + strings.Repeat("N0", 3<<20) + "N.", "?limit for one file"},
		{"more risks than the limit", "m.pkl", manyGlobals(1500), "?more risks"},
		{"PyTorch legacy", "m.pt", legacyTorch(evil2), system},
		{"PyTorch legacy in its system info", "m.pt", legacyMagic + "\x80\x02M\xe9\x03." + evil2, system},
	}
}

const legacyMagic = "\x80\x02\x8a\x0a" + torchMagic + "."

func legacyTorch(object string) string {
	return legacyMagic + "\x80\x02M\xe9\x03." + benign2 + object + "\x80\x02]." + strings.Repeat("\x00\x01", 40)
}

func nestedPickle(content string, depth int) string {
	for range depth {
		content = "\x80\x04B" + le(uint64(len(content)), 4) + content + "."
	}
	return content
}

func manyGlobals(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("cacme\nf" + strings.Repeat("x", i%100) + string(rune('a'+i/100)) + "\n0")
	}
	return b.String() + "N."
}

// latin1 is bytes as Python writes them below protocol 3.
func latin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}
