package inventory

import (
	"path"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/layer"
)

// classify says by its path alone whether a file is waste, and which place it
// belongs to. The paths are the defaults of the tools and images that make
// them:
//
//   - pip, uv, Poetry, Hugging Face and torch keep their caches in ~/.cache, or
//     in $XDG_CACHE_HOME, which images set to a .cache of their own;
//   - conda keeps packages in pkgs below its root (/opt/conda in continuumio's
//     and PyTorch's images);
//   - Debian's gcc has its passes in /usr/lib/gcc, since version 13 in
//     /usr/libexec/gcc; the official gcc, golang and rust images use /usr/local;
//   - nvidia/cuda has the toolkit in /usr/local/cuda-X.Y, with libraries in
//     targets/ARCH/lib; its devel images add nvcc, cicc and *_static.a there.
//     The nvcc and ptxas in Python packages are left alone: JAX and Triton
//     call them at run time.
func classify(k layer.Kind, file string) (kind WasteKind, place string) {
	s := strings.Split(file, "/")
	dirs, name := s[:len(s)-1], s[len(s)-1]
	upTo := func(n int) string { return strings.Join(s[:n], "/") }
	if kind, n := cache(dirs); n > 0 {
		return kind, upTo(n)
	}
	if i := slices.Index(dirs, ".git"); i >= 0 {
		return Git, upTo(i + 1)
	}
	if i := slices.Index(dirs, "__pycache__"); i >= 0 {
		return Bytecode, upTo(i + 1)
	}
	if kind, n := tests(k, dirs); n > 0 {
		return kind, upTo(n)
	}
	if toolkit(dirs, name) {
		return CUDAToolkit, file
	}
	if n := compiler(dirs, name); n > 0 {
		return Compiler, upTo(n)
	}
	return "", ""
}

// cache is the kind of cache that the directories lead into, and how many of
// them lead there.
func cache(dirs []string) (WasteKind, int) {
	for i, dir := range dirs {
		if i == 0 {
			continue
		}
		switch dirs[i-1] {
		case ".cache":
			switch dir {
			case "pip":
				return PipCache, i + 1
			case "uv":
				return UVCache, i + 1
			case "pypoetry":
				return PoetryCache, i + 1
			case "huggingface", "torch":
				return ModelCache, i + 1
			}
		case "conda", ".conda", "miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba":
			if dir == "pkgs" {
				return CondaCache, i + 1
			}
		}
	}
	for _, root := range [][]string{{"var", "cache", "apt"}, {"var", "lib", "apt", "lists"}} {
		if len(dirs) >= len(root) && slices.Equal(dirs[:len(root)], root) {
			return AptCache, len(root)
		}
	}
	return "", 0
}

// tests finds the tests of installed packages, of Python itself and of the app.
func tests(k layer.Kind, dirs []string) (WasteKind, int) {
	packages := slices.IndexFunc(dirs, func(d string) bool { return d == "site-packages" || d == "dist-packages" })
	for i, dir := range dirs {
		if dir != "tests" && dir != "test" && dir != "testdata" && dir != "test_data" {
			continue
		}
		python := i >= 2 && dir == "test" && strings.HasPrefix(dirs[i-1], "python3.") && dirs[i-2] == "lib"
		switch {
		case packages >= 0 && i > packages, python:
			return PackageTests, i + 1
		case packages < 0 && k == layer.KindApp:
			return AppTests, i + 1
		}
	}
	return "", 0
}

// toolkit says whether the file is of CUDA's compilers, profilers or static
// libraries.
func toolkit(dirs []string, name string) bool {
	at := func(i int, want string) bool { return i < len(dirs) && dirs[i] == want }
	if strings.HasSuffix(name, ".a") && strings.Contains(name, "_static") {
		return cudaLibrary(name)
	}
	if at(0, "opt") && at(1, "nvidia") && len(dirs) > 2 && strings.HasPrefix(dirs[2], "nsight-") {
		return true
	}
	if !at(0, "usr") || !at(1, "local") || len(dirs) < 3 || !strings.HasPrefix(dirs[2], "cuda") {
		return false
	}
	return at(3, "bin") || at(3, "nvvm") || at(3, "include") || path.Ext(name) == ".a" ||
		at(5, "include") || at(3, "compute-sanitizer") || len(dirs) > 3 && strings.HasPrefix(dirs[3], "nsight")
}

// compiler is how many segments lead to the place of a compiler that the file
// belongs to; all of them for a file of its own.
func compiler(dirs []string, name string) int {
	for i, dir := range dirs {
		below := func(n int, want ...string) bool { return i >= n && slices.Contains(want, dirs[i-n]) }
		switch {
		case dir == "gcc" && below(1, "lib", "lib64", "libexec"):
			return i + 1
		case dir == "toolchains" && below(1, "rustup", ".rustup"), dir == "rustlib" && below(1, "lib"),
			dir == "registry" && below(1, "cargo", ".cargo"):
			return i + 1
		case dir == "go" && i == 2 && below(1, "local"), strings.HasPrefix(dir, "go-1.") && below(1, "lib", "share"),
			dir == "mod" && below(1, "pkg") && below(2, "go"):
			return i + 1
		// libLLVM itself is also what drivers and numba's peers load.
		case strings.HasPrefix(dir, "llvm-") && below(1, "lib") && !strings.HasPrefix(name, "libLLVM"):
			return i + 1
		}
	}
	if strings.HasPrefix(name, "librustc_driver-") {
		return len(dirs) + 1
	}
	return 0
}

// cudaLibrary says whether the file name is of NVIDIA's libraries.
func cudaLibrary(name string) bool {
	for _, prefix := range []string{
		"libcublas", "libcudart", "libcudnn", "libcufft", "libcurand", "libcusolver", "libcusparse", "libcutensor",
		"libnccl", "libnpp", "libnvJitLink", "libnvrtc", "libnvinfer", "libnvjpeg", "libnvptxcompiler", "libnvshmem",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// soname is the name that programs load one of NVIDIA's libraries by:
// libcublas.so.12 for libcublas.so.12.4.5.8 of the toolkit, for libcublas.so.12
// of the wheel nvidia-cublas-cu12, and for libcublas-5d6d23a3.so.12.0, as
// auditwheel renames it. It is empty for everything else.
func soname(file string) string {
	name := path.Base(file)
	stem, version, ok := strings.Cut(name, ".so.")
	if !ok || !cudaLibrary(name) {
		return ""
	}
	if i := strings.LastIndexByte(stem, '-'); i >= 0 && len(stem)-i == 9 && strings.Trim(stem[i+1:], "0123456789abcdef") == "" {
		stem = stem[:i]
	}
	major, _, _ := strings.Cut(version, ".")
	return stem + ".so." + major
}
