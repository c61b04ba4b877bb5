// Package config gives meaning to named.conf. One table has a row for each
// option: what may follow it, where it may stand, and whether it is honoured,
// ignored, missed, or refused.
//
// A file goes through three hands: namedconf reads its syntax into a tree, a
// checker holds the tree to the table and brings it into the normal form of
// named-checkconf -p, and a builder makes a Config of that. All errors are
// found in one run.
//
// A Config holds plain values, and knows nothing of who uses them.
package config
