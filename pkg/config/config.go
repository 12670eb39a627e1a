package config

import "github.com/org/ai-ship/pkg/unit"

// Config is ai-ship.yaml after defaults.
//
// The yaml tags are the only place where a key is named. Their options are
// read by the decoder: number (a number stands for its text), scalar (so does
// a boolean, and the text may be empty), expand (${NAME} is replaced from the
// environment), short (a scalar in place of the mapping sets this field) and auto
// (a limit may also be the word Auto).
// The descriptions are the fields' documentation, here and in the schema.
type Config struct {
	Image      string             `yaml:"image,expand" jsonschema:"required,example=ghcr.io/acme/digits" jsonschema_description:"Repository to publish to, without tag or digest."`
	Base       string             `yaml:"base,expand" jsonschema:"required,example=python:3.11-slim" jsonschema_description:"Image to build on: a registry reference, scratch, oci:DIR or tar:FILE."`
	App        []Copy             `yaml:"app" jsonschema:"anyof_required=app" jsonschema_description:"Files that make the service. A string is short for {from: it, to: /app}."`
	Models     []Copy             `yaml:"models" jsonschema:"anyof_required=models" jsonschema_description:"Weights. A string is short for {from: it, to: /models}."`
	Entrypoint Command            `yaml:"entrypoint" jsonschema_description:"Entry point; unset: the base's."`
	Command    Command            `yaml:"command" jsonschema_description:"Arguments of the entry point; unset: the base's."`
	Reports    []string           `yaml:"reports" jsonschema_description:"Glob patterns (** allowed) of test reports, relative to the project."`
	Gates      Gates              `yaml:"gates" jsonschema_description:"Conditions for shipping."`
	Platforms  []string           `yaml:"platforms" jsonschema:"minItems=1,uniqueItems=true" jsonschema_description:"Platforms to build for, as os/arch or os/arch/variant. Default: linux/amd64."`
	Preset     string             `yaml:"preset" jsonschema:"enum=none,enum=pytorch,enum=tensorflow,enum=onnxruntime,default=none" jsonschema_description:"Tuned environment of a framework."`
	User       string             `yaml:"user,number" jsonschema_description:"User that the image runs as: a name, uid or uid:gid. Default: aiuser, uid and gid 10001."`
	Workdir    string             `yaml:"workdir" jsonschema:"pattern=^/,default=/app" jsonschema_description:"Working directory in the image, absolute."`
	Env        map[string]string  `yaml:"env,scalar" jsonschema_description:"Environment of the image, taken literally."`
	Ports      []string           `yaml:"ports,number" jsonschema_description:"Ports that the service listens on, such as 8000 or 8000/udp."`
	Labels     map[string]string  `yaml:"labels,scalar,expand" jsonschema_description:"Labels of the image."`
	Version    Version            `yaml:"version" jsonschema_description:"Where the image's version comes from. A string is short for {from: it}."`
	Scan       Scan               `yaml:"scan" jsonschema_description:"How the image is scanned."`
	Sign       *Sign              `yaml:"sign" jsonschema_description:"How the digest is signed: exactly one of keyless and key."`
	Verify     *Verify            `yaml:"verify" jsonschema_description:"Whose signatures and statements count: a key, or an identity with its issuer."`
	Channels   map[string]Channel `yaml:"channels" jsonschema_description:"Tags that promise something. Default: staging on branch:develop, production on tag:v*."`
	CacheFrom  []string           `yaml:"cache-from" jsonschema_description:"Further images whose layers may be reused."`
}

// Copy places files of the project in the image.
type Copy struct {
	From string `yaml:"from,short" jsonschema:"required" jsonschema_description:"File, directory or glob (models), relative to the project. In app, ${TARGETOS} and ${TARGETARCH} stand for the platform being built."`
	To   string `yaml:"to" jsonschema:"pattern=^/" jsonschema_description:"Absolute path in the image; a directory unless from is one file and to does not end in /. Default: /app for app, /models for models."`
}

// Command is an argument vector. In the file it is a list, or one string that
// is run by /bin/sh -c.
type Command []string

// Version says where the image's version comes from.
type Version struct {
	From   string `yaml:"from,short,number,expand" jsonschema_description:"git, or the version itself. Default: git."`
	Suffix string `yaml:"suffix,number,expand" jsonschema_description:"Appended after a dash, as in v1.2.3-pytorch2.1; auto takes it from the preset."`
}

// Gates are the conditions for shipping.
type Gates struct {
	Size            SizeGate       `yaml:"size" jsonschema_description:"Limits of the image's size."`
	Metrics         []MetricGate   `yaml:"metrics" jsonschema_description:"Limits of the metrics in the reports."`
	Rules           []RuleGate     `yaml:"rules" jsonschema_description:"Expressions over everything that was measured."`
	Baseline        string         `yaml:"baseline" jsonschema_description:"report.json of an earlier run, relative to the project, to compare with while the channel points to no image."`
	Vulnerabilities *Vulnerability `yaml:"vulnerabilities" jsonschema_description:"Limit of what a package scanner may find."`
	Models          *ModelGate     `yaml:"models" jsonschema_description:"What model files may run when they are loaded."`
	Secrets         string         `yaml:"secrets" jsonschema:"enum=deny,enum=warn,enum=allow,default=deny" jsonschema_description:"What a secret in the image's own files, environment or history does."`
	Licenses        *LicenseGate   `yaml:"licenses" jsonschema_description:"Licences that packages and models may not have."`
}

// SizeGate limits the image's size. A nil limit does not apply.
type SizeGate struct {
	Max      *Limit `yaml:"max" jsonschema_description:"Compressed size, as the registry stores it, such as 1.1GB."`
	Warn     *Limit `yaml:"warn" jsonschema_description:"Compressed size from which on one within max is warned about."`
	Unpacked *Limit `yaml:"unpacked" jsonschema_description:"Size on the node's disk, such as 4GB."`
	Growth   *Limit `yaml:"growth" jsonschema_description:"Growth against what the channel points to, such as 10% or 50MB."`
}

// MetricGate limits one metric of the reports. Required is not nil after
// defaults.
type MetricGate struct {
	Name        string            `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the metric in the reports, as ai-ship gate --list prints it."`
	Stat        string            `yaml:"stat" jsonschema:"pattern=^(mean|median|min|max|p[1-9][0-9]?([.][0-9]+)?)$" jsonschema_description:"Statistic: mean, median, min, max or a percentile such as p95."`
	Where       map[string]string `yaml:"where,scalar" jsonschema_description:"Labels that the metric must have; an empty value asks for metrics without the label."`
	Min         *Limit            `yaml:"min" jsonschema:"anyof_required=min" jsonschema_description:"Smallest value that passes."`
	Max         *Limit            `yaml:"max" jsonschema:"anyof_required=max" jsonschema_description:"Largest value that passes."`
	Equals      *Limit            `yaml:"equals" jsonschema:"anyof_required=equals" jsonschema_description:"The one value that passes."`
	Warn        *Limit            `yaml:"warn" jsonschema_description:"Level within min or max from which on a value is warned about."`
	Regression  *Limit            `yaml:"regression,auto" jsonschema:"anyof_required=regression" jsonschema_description:"How much worse than the baseline the value may be: a share of it such as 1%, an amount such as 5ms, or auto for 10%."`
	Improvement *Limit            `yaml:"improvement" jsonschema:"anyof_required=improvement" jsonschema_description:"How much better than the baseline the value must be, such as 1% or 5ms."`
	Slack       *Limit            `yaml:"slack" jsonschema_description:"Difference to the baseline, as an amount such as 5ms, that never counts."`
	Better      string            `yaml:"better" jsonschema:"enum=lower,enum=higher" jsonschema_description:"Direction in which the metric improves. Default: by min or max, the name and the unit."`
	Samples     int               `yaml:"samples" jsonschema:"minimum=0" jsonschema_description:"Measurements that the value must be made of at least."`
	Runs        int               `yaml:"runs" jsonschema:"minimum=0" jsonschema_description:"Reports that must have the value at least; the median of all counts. Default: all reports must agree on one value."`
	Unit        string            `yaml:"unit" jsonschema_description:"Unit of values whose report names none: s, ms, us, ns, percent, ratio, B, MiB and so on."`
	Report      string            `yaml:"report" jsonschema_description:"Only this report counts; a path relative to the project."`
	Pointer     string            `yaml:"pointer" jsonschema:"pattern=^(/|[a-z]+(\\[[0-9]+\\])?/)" jsonschema_description:"JSON pointer (RFC 6901) to the value in the report, or a place in XML as verdicts print it."`
	Required    *bool             `yaml:"required" jsonschema:"default=true" jsonschema_description:"Whether a missing metric refuses the image."`
	Level       string            `yaml:"level" jsonschema:"enum=refuse,enum=warn,default=refuse" jsonschema_description:"warn makes a warning of whatever would refuse the image."`
}

// RuleGate is an expression that must hold.
type RuleGate struct {
	Name  string `yaml:"name" jsonschema:"required" jsonschema_description:"What verdicts call the rule."`
	Rule  string `yaml:"rule" jsonschema:"required" jsonschema_description:"Expression over metrics, size, baseline and tests, such as metrics.accuracy >= 0.95 && size.growth < 0.1."`
	Level string `yaml:"level" jsonschema:"enum=refuse,enum=warn,default=refuse" jsonschema_description:"warn makes a warning of a rule that does not hold."`
}

// Vulnerability is the gate on what a package scanner found.
type Vulnerability struct {
	FailOn        string   `yaml:"fail-on" jsonschema:"required,enum=low,enum=medium,enum=high,enum=critical" jsonschema_description:"Lowest severity that refuses the image."`
	Unknown       string   `yaml:"unknown" jsonschema:"enum=refuse,enum=warn,enum=allow,default=warn" jsonschema_description:"What a vulnerability of unknown severity does."`
	IgnoreUnfixed bool     `yaml:"ignore-unfixed" jsonschema:"default=false" jsonschema_description:"Whether findings that have no fix yet pass."`
	IgnoreFile    string   `yaml:"ignore-file" jsonschema_description:"File of findings to ignore, in the format of .trivyignore.yaml, relative to the project."`
	OnlyNew       bool     `yaml:"only-new" jsonschema:"default=false" jsonschema_description:"Whether findings pass that the image the channel points to has already."`
	VEX           []string `yaml:"vex" jsonschema_description:"VEX documents (OpenVEX or CSAF), relative to the project."`
}

// ModelGate is the gate on what model files may run when loaded. It holds
// without being written too: pickles are denied.
type ModelGate struct {
	Allow  []string `yaml:"allow" jsonschema_description:"Formats that may be in the image, such as safetensors, onnx or gguf. Default: all."`
	Pickle string   `yaml:"pickle" jsonschema:"enum=deny,enum=allow,default=deny" jsonschema_description:"Whether a pickle, which can run code when loaded, may be in the image when it is not known to call anything."`
	FailOn string   `yaml:"fail-on" jsonschema:"enum=low,enum=medium,enum=high,enum=critical,default=high" jsonschema_description:"Lowest severity of what loading a file may do that refuses the image."`
}

// LicenseGate is the gate on the licences of packages and models.
type LicenseGate struct {
	Deny []string `yaml:"deny" jsonschema:"required" jsonschema_description:"SPDX identifiers, such as AGPL-3.0-only, and categories: forbidden, restricted, reciprocal, notice, permissive, unencumbered or unknown."`
}

// Scan says how the image is scanned.
type Scan struct {
	DB     string   `yaml:"db,expand" jsonschema_description:"Vulnerability database: a registry reference with its tag, or a folder or db.tar.gz relative to the project. Default: Trivy's public one."`
	JavaDB string   `yaml:"java-db,expand" jsonschema_description:"Database that names Java archives, brought when the image has some: a registry reference with its tag, or a folder or javadb.tar.gz relative to the project. Default: Trivy's public one."`
	MaxAge string   `yaml:"max-age" jsonschema:"default=48h" jsonschema_description:"How old the database may be, such as 48h. The Java database may be 14 days old, or as old as this if that is more."`
	Accept []string `yaml:"accept" jsonschema_description:"What may stay unlooked at, by the identifiers that verdicts print, such as no-advisories-debian."`
}

// Sign says how the digest is signed.
type Sign struct {
	Keyless     bool   `yaml:"keyless" jsonschema_description:"Sign with the CI job's identity."`
	Key         string `yaml:"key" jsonschema_description:"Key to sign with: a file, env://NAME or a key service: awskms://, gcpkms://, azurekms:// or hashivault://. The password is read from COSIGN_PASSWORD."`
	Format      string `yaml:"format" jsonschema:"enum=bundle,enum=legacy,enum=both,default=bundle" jsonschema_description:"bundle: Sigstore bundles as OCI referrers. legacy: cosign's .sig and .att tags, for old clients."`
	Fulcio      string `yaml:"fulcio" jsonschema:"pattern=^https?://" jsonschema_description:"Certificate authority of keyless signing. Default: the public one."`
	Rekor       string `yaml:"rekor" jsonschema_description:"Transparency log, or none. Default: the public one when keyless, none with a key."`
	RekorV1     bool   `yaml:"rekor-v1" jsonschema:"default=false" jsonschema_description:"Whether the log named in rekor speaks version 1 of the protocol."`
	Timestamp   string `yaml:"timestamp" jsonschema:"pattern=^https?://" jsonschema_description:"Timestamp authority (RFC 3161). Default: the public one when keyless, none with a key."`
	TrustedRoot string `yaml:"trusted-root" jsonschema_description:"File with the roots of fulcio, rekor and timestamp, relative to the project. Default: the public ones."`
}

// Verify says whose signatures and statements count.
type Verify struct {
	Key            string   `yaml:"key" jsonschema_description:"Public key: a file, or the key service of sign.key. Default: that of sign.key."`
	Identity       string   `yaml:"identity" jsonschema_description:"Subject of the signer's certificate, such as https://github.com/acme/digits/.github/workflows/ship.yml@refs/heads/main."`
	IdentityRegexp string   `yaml:"identity-regexp" jsonschema_description:"Pattern that the whole subject must match, in place of identity."`
	Issuer         string   `yaml:"issuer" jsonschema_description:"Who vouches for the identity, such as https://token.actions.githubusercontent.com."`
	TrustedRoot    string   `yaml:"trusted-root" jsonschema_description:"File with the roots to verify with, relative to the project. Default: that of sign, or the public ones."`
	AnyRepository  bool     `yaml:"any-repository" jsonschema:"default=false" jsonschema_description:"Whether statements made for the same digest in another repository count, as after mirroring."`
	Require        []string `yaml:"require" jsonschema_description:"Statements that an image must have, by predicate type or short name: verdict, test-result, sbom, provenance, vulnerabilities, models. Default: verdict."`
}

// Channel is a tag that promises something, such as staging or production.
type Channel struct {
	On         []string `yaml:"on" jsonschema:"pattern=^(branch|tag):." jsonschema_description:"Events that move the tag: branch:GLOB or tag:GLOB."`
	After      string   `yaml:"after" jsonschema_description:"Channel that a digest must have been in before."`
	Soak       string   `yaml:"soak" jsonschema_description:"How long it must have been there, such as 1h."`
	ScanMaxAge string   `yaml:"scan-max-age" jsonschema_description:"How old the attested scan may be when the channel is moved by promote, such as 24h; an older image is scanned again from its SBOM and held to gates.vulnerabilities, which must be set."`
}

// Auto is the text of a limit that leaves the figure to ai-ship.
const Auto = "auto"

// Limit is a quantity as the user wrote it.
type Limit struct {
	unit.Quantity
	Text string // as written, for messages; Auto: the quantity is zero
}
