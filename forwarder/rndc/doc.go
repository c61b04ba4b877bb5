// Package rndc is BIND's control protocol: what the program rndc and named say
// to each other on port 953. It carries text and knows no command.
package rndc
