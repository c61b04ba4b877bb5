package workbench

import "os"

// told are the variables by which a service manager tells a program what it has for it.
var told = []string{
	"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "INVOCATION_ID", "JOURNAL_STREAM",
	"STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "MAINPID",
}

// ForgetManager makes this process, and those that it starts, none of a service manager's:
// tests may be run by one. It is called before tests begin.
func ForgetManager() {
	for _, name := range append(told, "GOMEMLIMIT") { // which an operator may set for the forwarder
		_ = os.Unsetenv(name)
	}
}
