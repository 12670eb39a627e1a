package survey

import (
	"context"
	"debug/elf"
	"path"
	"regexp"
	"strings"
)

const maxBinaries = 200 // files without an ending that are looked at

var (
	packageMain = regexp.MustCompile(`(?m)^package main\b`)
	goListens   = regexp.MustCompile(`ListenAndServe|http\.Serve\(|http\.Server\{|grpc\.NewServer\(`)
)

// goServers are the main packages that listen.
func (l *looker) goServers() []Server {
	type found struct{ main, listens bool }
	packages := make(map[string]found)
	var order []string
	for _, f := range l.named(".go") {
		if isTest(f) {
			continue
		}
		dir, text := path.Dir(f), l.text(f)
		p, seen := packages[dir]
		if !seen {
			order = append(order, dir)
		}
		p.main = p.main || packageMain.MatchString(text)
		p.listens = p.listens || goListens.MatchString(text)
		packages[dir] = p
	}
	var servers []Server
	for _, dir := range order {
		if packages[dir] == (found{true, true}) {
			servers = append(servers, Server{Kind: Go, Path: dir})
		}
	}
	return servers
}

// binaries are Linux executables that need no other file: no interpreter, so no
// libraries.
func (l *looker) binaries(ctx context.Context) []string {
	var static []string
	looked := 0
	for _, f := range l.files {
		if ctx.Err() != nil || looked == maxBinaries {
			break
		}
		if path.Ext(f.path) != "" || f.size < 64 || strings.Contains("/"+f.path, "/.") {
			continue
		}
		if looked++; l.static(f.path) {
			static = append(static, f.path)
		}
	}
	return static
}

func (l *looker) static(name string) bool {
	f, err := l.root.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, len(elf.ELFMAG))
	if _, err := f.ReadAt(magic, 0); err != nil || string(magic) != elf.ELFMAG {
		return false
	}
	binary, err := elf.NewFile(f)
	if err != nil || binary.Type != elf.ET_EXEC && binary.Type != elf.ET_DYN || binary.Entry == 0 {
		return false
	}
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP {
			return false
		}
	}
	return true
}
