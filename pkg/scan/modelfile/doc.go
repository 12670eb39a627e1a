// Package modelfile says what would run when a model file is loaded, and what
// the file is. It goes by content and never by name, reads within named limits,
// and executes nothing.
//
// A Scanner also holds files of one folder against each other, as the loaders of
// model folders do.
//
// It does not detect malware: it lists what a file calls and lets pass what is
// known to do nothing but make numbers. What it cannot read to its end it says,
// and a policy refuses that.
package modelfile
