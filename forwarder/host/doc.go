// Package host tells what the machine allows, has and is: memory, changes of
// its addresses, the time that it slept, and what its network interfaces lost. It
// knows where files may be written although other users own directories of the
// path. What differs by operating system is here. No privileges are needed.
package host
