// Package tcp serves DNS over TCP (RFC 7766): it listens, keeps as many
// connections of clients as are allowed, cuts what they send into messages and
// writes the responses, those that come at once and those that come later.
//
// What a message means is a Handler's business. Neither many connections nor
// slow ones, nor clients that do not read, cost more than a bounded amount of
// memory and descriptors, or keep other clients out.
package tcp
