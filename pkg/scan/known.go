package scan

// Except takes out of the gate the vulnerabilities that known has too: of the
// same advisory in the same version of the same package, wherever it stands.
// They stay in the findings, with why. Those that are ignored already keep
// their reason.
func (f *Findings) Except(known []Finding, why Ignored) {
	type same struct{ id, pkg, version string }
	had := make(map[same]bool, len(known))
	for _, k := range known {
		had[same{k.ID, k.Package, k.Version}] = true
	}
	for i := range f.Vulnerabilities {
		v := &f.Vulnerabilities[i]
		if v.Ignored == nil && had[same{v.ID, v.Package, v.Version}] {
			v.Ignored = &why
		}
	}
}
