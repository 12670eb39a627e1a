package modelfile

import (
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	convertPickle  = "Ship the model in a format without code, such as ONNX, safetensors or skops, or write its numbers as JSON or .npz."
	convertWeights = "Save the weights as safetensors (safetensors.torch.save_file) and build the model from its own code."
)

// verdict is what is held of a global. Severity Unknown is an allowed one.
type verdict struct {
	rule     string
	severity scan.Severity
	why      string
	convert  string
	listed   bool // by name, so that it is no chance
}

// judge goes by exact names only for what it allows: a module that is allowed as
// a whole would allow what it imports itself.
func judge(module, name string) verdict {
	if allowed(module, name) {
		return verdict{listed: true}
	}
	class := verdict{
		rule: "pickle-class", severity: scan.Medium, convert: convertPickle, listed: true,
		why: "An object of a library's class is made, which runs that library's code, whatever version is installed.",
	}
	if isMaker(module, name) {
		return class
	}
	if why := dangerous(module, name); why != "" {
		top, _, _ := strings.Cut(module, ".")
		known := oneOf(top, runs) || oneOf(top, reaches)
		return verdict{rule: "pickle-global", severity: scan.Critical, why: why, convert: convertPickle, listed: known}
	}
	if isClassOf(module, name) {
		return class
	}
	return verdict{
		rule: "pickle-global", severity: scan.High, convert: convertPickle,
		why: "This is not known to be harmless: it is imported, and may be called, when the file is loaded.",
	}
}

// allowed are the globals that only make numbers, arrays, tensors and standard
// containers. The lists follow torch._weights_only_unpickler and what NumPy and
// joblib write; Python 2's names are those that Lib/_compat_pickle.py maps.
func allowed(module, name string) bool {
	switch module {
	case "builtins", "__builtin__":
		return oneOf(name, "bool bytearray bytes complex dict float frozenset int list long object set slice str tuple unicode range xrange Ellipsis NotImplemented")
	case "collections":
		return oneOf(name, "Counter OrderedDict defaultdict deque")
	case "copyreg", "copy_reg":
		return oneOf(name, "_reconstructor __newobj__ __newobj_ex__")
	case "_codecs":
		return name == "encode"
	case "datetime":
		return oneOf(name, "date datetime time timedelta timezone")
	case "decimal":
		return name == "Decimal"
	case "fractions":
		return name == "Fraction"
	case "array":
		return oneOf(name, "array _array_reconstructor")
	case "types":
		return name == "SimpleNamespace"
	case "argparse":
		return name == "Namespace"
	case "uuid":
		return name == "UUID"
	case "pathlib", "pathlib._local":
		return oneOf(name, "PurePath PurePosixPath PureWindowsPath PosixPath WindowsPath")
	case "joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle":
		return name == "NumpyArrayWrapper"
	}
	if module == "numpy" || strings.HasPrefix(module, "numpy.") {
		return allowedNumPy(module, name)
	}
	if module == "torch" || strings.HasPrefix(module, "torch.") {
		return allowedTorch(module, name)
	}
	return false
}

func allowedNumPy(module, name string) bool {
	switch module {
	case "numpy":
		return oneOf(name, "dtype ndarray bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 float128 "+
			"longdouble complex64 complex128 complex256 str_ bytes_ void object_ datetime64 timedelta64 intc intp uintp recarray matrix")
	case "numpy.core.multiarray", "numpy._core.multiarray":
		return oneOf(name, "_reconstruct scalar")
	case "numpy.core.numeric", "numpy._core.numeric":
		return oneOf(name, "_frombuffer")
	case "numpy.dtypes":
		return strings.HasSuffix(name, "DType") && isName(name) && !strings.Contains(name, ".")
	case "numpy.ma.core":
		return oneOf(name, "_mareconstruct MaskedArray")
	case "numpy.random._pickle":
		return oneOf(name, "__randomstate_ctor __generator_ctor __bit_generator_ctor")
	case "numpy.random._mt19937":
		return name == "MT19937"
	case "numpy.random._pcg64":
		return oneOf(name, "PCG64 PCG64DXSM")
	case "numpy.random._philox":
		return name == "Philox"
	case "numpy.random._sfc64":
		return name == "SFC64"
	case "numpy.random.bit_generator":
		return oneOf(name, "SeedSequence __pyx_unpickle_SeedSequence")
	}
	return false
}

func allowedTorch(module, name string) bool {
	const dtypes = "float16 float32 float64 bfloat16 half float double int8 int16 int32 int64 uint8 uint16 uint32 uint64 short int long bool " +
		"complex32 complex64 complex128 qint8 quint8 qint32 quint4x2 quint2x4 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz"
	const tensors = "FloatTensor DoubleTensor HalfTensor BFloat16Tensor LongTensor IntTensor ShortTensor CharTensor ByteTensor BoolTensor"
	switch module {
	case "torch":
		return oneOf(name, "Size device Tensor strided sparse_coo contiguous_format channels_last preserve_format per_tensor_affine per_channel_affine "+
			dtypes+" "+tensors) || torchDtype(name) != ""
	case "torch.cuda":
		return torchDtype(name) != "" || oneOf(name, tensors)
	case "torch.storage":
		return oneOf(name, "UntypedStorage TypedStorage _UntypedStorage _TypedStorage")
	case "torch.nn.parameter":
		return oneOf(name, "Parameter Buffer")
	case "torch.serialization":
		return name == "_get_layout"
	case "torch._tensor":
		return name == "_rebuild_from_type_v2"
	case "torch.jit._pickle":
		return oneOf(name, "build_intlist build_tensorlist build_doublelist build_boollist build_tensor_from_id restore_type_tag")
	case "torch._utils":
		return oneOf(name, "_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor "+
			"_rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_meta_tensor_no_storage _rebuild_nested_tensor _rebuild_device_tensor_from_numpy "+
			"_rebuild_device_tensor_from_cpu_tensor _rebuild_wrapper_subclass")
	}
	return false
}

// oneOf reports whether name is one of a list of words.
func oneOf(name, words string) bool {
	for word := range strings.SplitSeq(words, " ") {
		if word == name {
			return true
		}
	}
	return false
}

// The standard library's ways to run code, files, processes and the network, and
// the packages' own that were used to get past scanners.
const (
	runs = "os posix nt ntpath posixpath subprocess sys runpy pty code codeop commands importlib imp pkgutil pickle _pickle cPickle marshal " +
		"shelve dill cloudpickle bdb pdb cProfile profile _lsprof trace timeit doctest pydoc platform multiprocessing _posixsubprocess threading _thread " +
		"asyncio concurrent ctypes _ctypes cffi signal sched atexit gc inspect idlelib lib2to3 ensurepip venv distutils setuptools pip pip_internal " +
		"_pyrepl _osx_support _aix_support test unittest xdist pytest nose builtins __builtin__ zipimport zipapp site sitecustomize antigravity this " +
		"operator functools types ast symtable compileall py_compile"
	reaches = "socket _socket ssl socketserver http httplib urllib urllib2 urllib3 requests aiohttp httpx ftplib smtplib poplib imaplib nntplib telnetlib xmlrpc " +
		"webbrowser shutil tempfile io _io codecs fileinput glob linecache mmap sqlite3 dbm logging zipfile tarfile gzip bz2 lzma uuid paramiko fabric pexpect"
	calls = "system popen Popen spawn exec eval execfile compile run call check_output check_call getoutput getstatusoutput __import__ import_module " +
		"runstring runcode open FileIO getattr setattr load loads load_module resolve_name run_path run_module"
)

// dangerous says why a global is known to run code or to reach files, processes
// or the network; empty when it is not known for that. A submodule, and a name
// that a harmless module passes on, are as dangerous as the thing itself.
func dangerous(module, name string) string {
	top, _, _ := strings.Cut(module, ".")
	switch {
	case oneOf(top, runs):
		return "It runs code, starts processes, or finds whatever function it is asked for."
	case oneOf(top, reaches):
		return "It opens files or the network, or runs programs, as the user that loads the file."
	case strings.Contains(name, "."):
		return "The name walks from one object to another, a known way past lists of names."
	case hasPrefix(module, "numpy.f2py numpy.testing numpy.distutils torch.hub torch.utils torch.jit torch._dynamo torch._inductor torch.serialization "+
		"torch.testing torch.distributed torch.package torch.multiprocessing torch.storage torch.fx pandas.io pandas.core.computation joblib.numpy_pickle "+
		"joblib.externals joblib.memory scipy.weave tensorflow.python.util sklearn.externals keras.src.legacy"):
		return "This part of the library compiles, loads or runs code, or reads files."
	case strings.HasPrefix(name, "__"):
		return "The name is a part of Python's object model that leads to any code."
	}
	if oneOf(name, calls) {
		return "The name is that of a function which runs code or opens files, passed on by another module."
	}
	return ""
}

// hasPrefix reports whether module is one of words or lies below one.
func hasPrefix(module, words string) bool {
	for word := range strings.SplitSeq(words, " ") {
		if module == word || strings.HasPrefix(module, word+".") {
			return true
		}
	}
	return false
}

// libraries are those whose classes are estimators, layers and their parts. What
// loads native code by its constructor (onnxruntime) is not among them.
const libraries = "sklearn scipy pandas xgboost lightgbm catboost statsmodels torch.nn torch.optim torchvision.models " +
	"transformers.models tokenizers"

// readers are the parts of libraries that open files, and what they are called
// at the top.
const readers = "pandas.io pandas.HDFStore pandas.ExcelFile pandas.ExcelWriter scipy.io scipy.datasets sklearn.datasets statsmodels.datasets statsmodels.iolib"

// isClassOf reports whether this looks like a class of a well-known library: its
// objects cannot be made without that library's code.
func isClassOf(module, name string) bool {
	if !hasPrefix(module, libraries) || hasPrefix(module+"."+name, readers) || !isName(module) || !isName(name) || strings.Contains(name, ".") {
		return false
	}
	first := strings.TrimLeft(name, "_")
	return first != "" && first[0] >= 'A' && first[0] <= 'Z'
}

// isMaker are functions that the libraries' own pickles call to make objects;
// Cython names them __pyx_unpickle_ and the class.
func isMaker(module, name string) bool {
	if !hasPrefix(module, "sklearn scipy pandas") || !isName(module) || !isName(name) || strings.Contains(name, ".") {
		return false
	}
	return strings.HasPrefix(name, "__pyx_unpickle_") || oneOf(module+":"+name,
		"scipy.sparse._csr:csr_matrix scipy.sparse._csc:csc_matrix scipy.sparse._coo:coo_matrix scipy.sparse._csr:csr_array "+
			"scipy.sparse.csr:csr_matrix scipy.sparse.csc:csc_matrix scipy.interpolate._interpolate:interp1d "+
			"pandas._libs.internals:_unpickle_block pandas.core.indexes.base:_new_Index "+
			"sklearn.neighbors._kd_tree:newObj sklearn.neighbors._ball_tree:newObj")
}

// isName reports whether s is made of ASCII identifiers and dots.
func isName(s string) bool {
	const most = 128 // bytes of a name
	if s == "" || len(s) > most || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
