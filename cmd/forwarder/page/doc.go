// Package page serves the status page of a forwarder: the page itself, the JSON
// document behind it, the last 15 minutes for its charts, and events that keep both
// up to date. README.md describes the document field by field.
//
// A Sampler looks once a second, whether anybody watches or not: that is what the
// charts and the strips of names are made of. The document is made once a second for
// all viewers, and not at all while there are none.
package page
