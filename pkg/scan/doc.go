// Package scan holds what every scanner has in common: what it sees, the Scanner
// interface, and the findings it returns. Engines live in folders named after
// them: trivy, modelfile and leftover.
package scan
