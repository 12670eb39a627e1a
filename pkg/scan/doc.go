// Package scan holds what every scanner has in common: the Scanner interface
// and the findings it returns. Engines live in folders named after them.
//
// No engine has landed yet. A run without one reports the stage as skipped,
// and a config that gates on findings is refused before anything is built.
package scan
