package page

import (
	"embed"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

//go:embed web
var files embed.FS

// policy lets the page have nothing but its own files.
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

var retryLine = []byte("retry: " + strconv.Itoa(retryAfter) + "\n\n")

// Handler serves the page at /, and what it is made of, to whom Guard lets through.
func (p *Page) Handler() http.Handler {
	web, err := fs.Sub(files, "web")
	if err != nil { // the folder is in the binary
		panic(fmt.Sprintf("page: reading its files: %v", err))
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(web))
	mux.HandleFunc("/api/v1/status", func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, p.status().json) })
	mux.HandleFunc("/api/v1/history", func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, p.history().json) })
	mux.HandleFunc("/api/v1/events", p.serveEvents)
	return mux
}

// Profiles serves pprof at /debug/pprof/, to whom Guard lets through.
func Profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

func sendJSON(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // who does not read on does not want it
}

// Guard lets nothing but reading through, from who knows this machine by its address or
// its own name: a page of another site that has its name resolve to here (DNS rebinding)
// does not. Other machines ask for the paths of open by whatever name they have; what
// comes from this one may come from a browser, by a tunnel.
//
// It stands before whatever else looks at a path, as a ServeMux redirects some.
func Guard(next http.Handler, open ...string) http.Handler {
	return guarded(ownNames(), next, open)
}

func guarded(hosts []string, next http.Handler, open []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setPolicy(w.Header())
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this can only be read: GET or HEAD", http.StatusMethodNotAllowed)
		case !isOwn(r.Host, hosts) && !(slices.Contains(open, r.URL.Path) && isMachine(r)):
			http.Error(w, fmt.Sprintf("the Host %q is not this machine: use its address, or %s", cut(r.Host), strings.Join(hosts, " or ")), http.StatusMisdirectedRequest)
		case isForeign(r):
			http.Error(w, "a page of another site asks: open this one by itself", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func setPolicy(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// isMachine reports whether this is no browser at an operator's tunnel, which ends on this
// machine: a browser always sends a Host.
func isMachine(r *http.Request) bool { return r.Host == "" || !isLocal(r) }

// isLocal reports whether r comes from loopback, or from the address that it came to.
func isLocal(r *http.Request) bool {
	from := addrOf(r)
	to, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return from.IsLoopback() || ok && to.AddrPort().Addr().Unmap() == from
}

// isForeign reports whether a page of another site has the browser ask. It could not
// read the answer, but take the places of viewers.
func isForeign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host {
		return true
	}
	return r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

// ownNames are what this machine is called, beside its addresses.
func ownNames() []string {
	names := []string{"localhost"}
	name, err := os.Hostname()
	if err != nil || name == "" {
		return names
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	first, _, _ := strings.Cut(name, ".")
	return slices.Compact(append(names, name, first))
}

// isOwn reports whether the Host of a request (RFC 9110, 7.2) is an address, or one
// of the names.
func isOwn(host string, names []string) bool {
	name, ok := hostOnly(host)
	if !ok {
		return false
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	return slices.Contains(names, strings.ToLower(strings.TrimSuffix(name, ".")))
}

// hostOnly takes a port off, if it is one.
func hostOnly(host string) (name string, ok bool) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return host, true
	}
	return host[:i], strings.Trim(host[i+1:], "0123456789") == ""
}
