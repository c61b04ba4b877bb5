package config

import (
	"errors"
	"io/fs"
	"path/filepath"

	"vpcdns/forwarder/local"
)

// rfc1912Zones are the zones of Red Hat's named.rfc1912.zones. They may be
// missing with the package that brought them: then the built-in empty zones
// and the forwarders answer in their place.
var rfc1912Zones = map[string]bool{
	"localhost.":              true,
	"localhost.localdomain.":  true,
	"0.in-addr.arpa.":         true,
	"127.in-addr.arpa.":       true,
	"1.0.0.127.in-addr.arpa.": true,
	"0.0.127.in-addr.arpa.":   true,
	"255.in-addr.arpa.":       true,
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.": true,
}

func (b *builder) addPrimaryZone(z *zoneDraft) {
	if z.file.Text == "" {
		if !b.broken {
			b.errorf(z.pos, "zone '%s': missing 'file' entry", z.shown)
		}
		return
	}
	b.primary[z.name] = true
	records, err := local.ReadFile(b.path(z.file.Text), z.name)
	switch {
	case err == nil:
		b.cfg.Local = append(b.cfg.Local, LocalZone{Name: z.name, Records: records, AllowQuery: z.allowQuery})
	case errors.Is(err, fs.ErrNotExist) && rfc1912Zones[z.name]:
		delete(b.primary, z.name)
		b.warnf(z.file.Pos, "zone '%s' is left out: %v", z.shown, err)
	default:
		b.errorf(z.file.Pos, "zone '%s': %v", z.shown, err)
	}
}

// path returns a file's path as seen from the configured directory.
func (b *builder) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(b.cfg.Directory, file)
}
