// Package faultproxy stands between an HTTP client and a server, for tests: it
// passes requests on, breaks those that a script names, and logs them all.
package faultproxy
