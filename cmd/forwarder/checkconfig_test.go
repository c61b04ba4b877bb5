package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckConfig(t *testing.T) {
	const servers = "forward only; forwarders { 10.79.0.2; };"
	dir := t.TempDir()
	path := filepath.Join(dir, "named.conf")
	for _, test := range []struct {
		name, conf string
		print      bool
		code       int
		want       string
	}{
		{
			name: "good", conf: "options { recursion yes; " + servers + " };",
			code: 0, want: "",
		},
		{
			name: "printed", conf: "options { recursion 1; " + servers + " };",
			print: true, code: 0, want: "options {\n\trecursion yes;\n\tforward only;\n\tforwarders {\n\t\t10.79.0.2;\n\t};\n};\n",
		},
		{
			name: "warning", conf: "options { notify yes; " + servers + " };",
			code: 0, want: path + ":1:11: warning: option 'notify' is ignored: there are no secondaries to notify\n",
		},
		{
			name: "zone without its file", conf: "options { " + servers + " };\n" + `zone "a.test" { type primary; file "` + dir + `/none"; };`,
			print: true, code: 1,
			want: path + ":2:36: zone 'a.test' is not loaded: its names are answered SERVFAIL, or, after a reload, as before. Mend the file, and reload\n" +
				dir + "/none: zone 'a.test': no such file or directory\n",
		},
		{
			name: "errors hide the normal form", conf: "options { notify yes; frob yes; " + servers + " };",
			print: true, code: 1,
			want: path + ":1:11: warning: option 'notify' is ignored: there are no secondaries to notify\n" +
				path + ":1:23: unknown option 'frob'\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(test.conf), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if code := checkConfig(&out, path, test.print); code != test.code || out.String() != test.want {
				t.Errorf("checkConfig(%q) = %d with %q, want %d with %q", test.conf, code, &out, test.code, test.want)
			}
		})
	}
}

func TestCheckConfigMissingFile(t *testing.T) {
	var out strings.Builder
	if code := checkConfig(&out, filepath.Join(t.TempDir(), "none"), true); code != 1 || out.Len() == 0 {
		t.Errorf("checkConfig(missing file) = %d with %q, want 1 with a reason", code, &out)
	}
}
