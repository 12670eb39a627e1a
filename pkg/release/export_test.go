package release

// ParseClaim is for the fuzzer.
func ParseClaim(channel, tag string) (Claim, bool) { return parseClaim(channel, tag) }
