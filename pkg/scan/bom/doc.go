// Package bom lists models in a CycloneDX SBOM, as components of the type
// machine-learning-model beside the packages that the package scanner has found,
// and adds to their model cards what a run learns of them after the scan.
package bom
