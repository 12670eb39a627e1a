package config

import "github.com/org/ai-ship/pkg/unit"

// Config is ai-ship.yaml after defaults.
type Config struct {
	Image      string             `yaml:"image"`      // repository without tag, such as ghcr.io/acme/digits; required
	Base       string             `yaml:"base"`       // registry reference, scratch, oci:DIR or tar:FILE; required
	App        []Copy             `yaml:"app"`        // files that make the service
	Models     []Copy             `yaml:"models"`     // weights: a string is short for {from: it, to: /models}
	Entrypoint Command            `yaml:"entrypoint"` // unset: the base's
	Command    Command            `yaml:"command"`    // unset: the base's
	Reports    []string           `yaml:"reports"`    // glob patterns (** allowed) of test reports
	Gates      Gates              `yaml:"gates"`
	Platforms  []string           `yaml:"platforms"` // os/arch[/variant]; default linux/amd64
	Preset     string             `yaml:"preset"`    // none (default), pytorch, tensorflow, onnxruntime
	User       string             `yaml:"user"`      // default aiuser (uid and gid 10001)
	Workdir    string             `yaml:"workdir"`   // default /app
	Env        map[string]string  `yaml:"env"`
	Ports      []string           `yaml:"ports"` // "8000" or "8000/udp"; plain numbers are accepted
	Labels     map[string]string  `yaml:"labels"`
	Version    Version            `yaml:"version"` // a string is short for {from: it}
	Sign       *Sign              `yaml:"sign"`
	Channels   map[string]Channel `yaml:"channels"`
	CacheFrom  []string           `yaml:"cache-from"` // further images whose layers may be reused
}

// Copy places files of the project in the image.
type Copy struct {
	From string `yaml:"from"` // file, directory or glob (models), relative to the project
	To   string `yaml:"to"`   // absolute path in the image; a directory unless From is one file and To does not end in /
}

// Command is an argument vector. In the file it is a list, or one string that
// is run by /bin/sh -c.
type Command []string

// Version says where the image's version comes from.
type Version struct {
	From   string `yaml:"from"`   // git (default) or the version itself
	Suffix string `yaml:"suffix"` // appended after a dash: v1.2.3-pytorch2.1
}

// Gates are the conditions for shipping.
type Gates struct {
	Size            SizeGate       `yaml:"size"`
	Metrics         []MetricGate   `yaml:"metrics"`
	Vulnerabilities *Vulnerability `yaml:"vulnerabilities"`
	Models          *ModelGate     `yaml:"models"`
	Secrets         string         `yaml:"secrets"` // deny
}

// SizeGate limits the image's size. A nil limit does not apply.
type SizeGate struct {
	Max      *Limit `yaml:"max"`      // compressed, as the registry stores it
	Unpacked *Limit `yaml:"unpacked"` // on the node's disk
	Growth   *Limit `yaml:"growth"`   // against what the channel points to: 10% or 50MB
}

// MetricGate limits one metric of the reports.
type MetricGate struct {
	Name       string `yaml:"name"`
	Stat       string `yaml:"stat"` // mean, median, min, max or a percentile such as p95
	Min        *Limit `yaml:"min"`
	Max        *Limit `yaml:"max"`
	Unit       string `yaml:"unit"`    // of values whose report names none: s, ms, us, ns, percent, ratio, B, MiB, …
	Report     string `yaml:"report"`  // only this report counts
	Pointer    string `yaml:"pointer"` // JSON pointer to the value
	Required   *bool  `yaml:"required"`
	Regression *Limit `yaml:"regression"`
}

// Vulnerability is the gate on what a package scanner found.
type Vulnerability struct {
	FailOn        string `yaml:"fail-on"` // low, medium, high, critical
	IgnoreUnfixed bool   `yaml:"ignore-unfixed"`
	IgnoreFile    string `yaml:"ignore-file"`
}

// ModelGate is the gate on what model files would run when loaded.
type ModelGate struct {
	Allow  []string `yaml:"allow"`
	Pickle string   `yaml:"pickle"` // deny or allow
}

// Sign says how the digest is signed.
type Sign struct {
	Keyless bool   `yaml:"keyless"`
	Key     string `yaml:"key"`
}

// Channel is a tag that promises something, such as staging or production.
type Channel struct {
	On    []string `yaml:"on"`    // branch:GLOB or tag:GLOB; the events that move it
	After string   `yaml:"after"` // the channel that a digest must have been in before
	Soak  string   `yaml:"soak"`  // how long it must have been there
}

// Limit is a quantity as the user wrote it.
type Limit struct {
	unit.Quantity
	Text string // as written, for messages
}
