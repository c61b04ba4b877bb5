package statistics

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"vpcdns/forwarder"
)

// Options are where figures come from.
type Options struct {
	Server *forwarder.Server
	Stats  func() forwarder.Stats // the server's, with what its process adds
}

// Handler serves the documents. Requests may come at once.
type Handler struct {
	o      Options
	cached setCounts
}

// New returns a Handler. What clients send and get is 0 until the server counts it
// (CountClients).
func New(o Options) *Handler { return &Handler{o: o} }

// formats are the documents by the beginning of their paths, as in BIND: what has no
// version is the newest.
var formats = []struct {
	path        string
	contentType string
	write       func(*bytes.Buffer, *figures) error
}{
	{"/json/v1", "application/json", writeJSON},
	{"/json", "application/json", writeJSON},
	{"/xml/v3", "text/xml", writeXML},
	{"/xml", "text/xml", writeXML},
	{"", "text/xml", writeXML},
}

// partsAt are what stands at the ends of paths.
var partsAt = map[string]parts{
	"":         all,
	"/":        0,
	"/status":  0,
	"/server":  server,
	"/zones":   zones,
	"/net":     sockets,
	"/mem":     memory,
	"/tasks":   tasks,
	"/traffic": traffic,
}

// ServeHTTP answers GET and HEAD. As in BIND the name by which it is called does not
// matter: who may ask is said by `allow`.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Statistics are only read.", http.StatusMethodNotAllowed)
		return
	}
	path := r.URL.Path
	if path == "/" {
		path = ""
	}
	for _, f := range formats {
		end, ok := strings.CutPrefix(path, f.path)
		p, known := partsAt[end]
		if !ok || !known || end != "" && !strings.Contains(f.path, "/v") {
			continue
		}
		var b bytes.Buffer
		if err := f.write(&b, h.figures(p)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		send(w, f.contentType, &b)
		return
	}
	http.Error(w, "No such URL. There are /json/v1 and /xml/v3, and below them status, server, zones, net, mem, tasks and traffic.", http.StatusNotFound)
}

func send(w http.ResponseWriter, contentType string, b *bytes.Buffer) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Length", strconv.Itoa(b.Len()))
	w.Write(b.Bytes())
}

// writeJSON writes as BIND does, with two blanks a level.
func writeJSON(b *bytes.Buffer, f *figures) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(jsonOf(f))
}
