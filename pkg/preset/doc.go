// Package preset holds the environment that a framework runs best in, inside a
// container, with the reason for every variable.
//
// A preset sets only what is safe for any service: it decides nothing about
// threads or precision, which depend on the machine. A value in the config
// wins over the preset's, the preset's over the base's.
package preset
