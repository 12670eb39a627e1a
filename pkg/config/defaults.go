package config

// applyDefaults fills in what the file leaves out, and changes nothing that it
// gives:
//
//	app[].to                  /app
//	models[].to               /models
//	platforms                 [linux/amd64]
//	preset                    none
//	user                      aiuser
//	workdir                   /app
//	version.from              git
//	gates.metrics[].required  true
//	gates.models              {pickle: deny, fail-on: high}
//	gates.secrets             deny
//	gates.vulnerabilities     unknown: warn, where the gate is set
//	scan.max-age              48h
//	sign.format               bundle
//	verify.require            [verdict]
//	channels                  staging on branch:develop, production on tag:v*
func applyDefaults(c *Config) {
	copyTo := func(copies []Copy, to string) {
		for i := range copies {
			fallback(&copies[i].To, to)
		}
	}
	copyTo(c.App, "/app")
	copyTo(c.Models, "/models")
	if len(c.Platforms) == 0 {
		c.Platforms = []string{"linux/amd64"}
	}
	fallback(&c.Preset, "none")
	fallback(&c.User, "aiuser")
	fallback(&c.Workdir, "/app")
	fallback(&c.Version.From, "git")
	for i := range c.Gates.Metrics {
		if c.Gates.Metrics[i].Required == nil {
			c.Gates.Metrics[i].Required = new(true)
		}
	}
	if c.Gates.Models == nil {
		c.Gates.Models = &ModelGate{}
	}
	fallback(&c.Gates.Models.Pickle, "deny")
	fallback(&c.Gates.Models.FailOn, "high")
	fallback(&c.Gates.Secrets, "deny")
	if c.Gates.Vulnerabilities != nil {
		fallback(&c.Gates.Vulnerabilities.Unknown, "warn")
	}
	fallback(&c.Scan.MaxAge, "48h")
	if c.Sign != nil {
		fallback(&c.Sign.Format, "bundle")
	}
	if c.Verify != nil && c.Verify.Require == nil {
		c.Verify.Require = []string{"verdict"}
	}
	if c.Channels == nil {
		c.Channels = map[string]Channel{
			"staging":    {On: []string{"branch:develop"}},
			"production": {On: []string{"tag:v*"}},
		}
	}
}

func fallback(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
