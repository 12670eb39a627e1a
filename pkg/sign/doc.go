// Package sign holds what every signing engine has in common: it signs a
// digest, never a tag, and hands back a Proof. Only a Proof lets the release
// stage move a tag, so the types keep the order of the pipeline.
//
// No engine has landed yet. A run without one gets its Proof from Unsigned,
// which says so wherever it is printed; a config that asks for signing is
// refused before anything is built.
package sign
