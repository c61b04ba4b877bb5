// Package top shows a running forwarder in a terminal, from the JSON of its status page.
// What it shows is text that others have said: nothing but printable ASCII reaches the
// terminal.
package top
