// Package local answers for the zones that are served here: primary zones from
// their files, the built-in empty zones (RFC 6303), and the names of class CHAOS.
package local
