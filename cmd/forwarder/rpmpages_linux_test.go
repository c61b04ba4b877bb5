package main

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a packaged page links to is in its package too, where the link leads.
func (p *packages) testPages(t *testing.T) {
	docs := []struct{ name, first string }{{"forwarder", "README.md"}, {"forwarder-failover", "deploy/hooks/README.md"}}
	for i, built := range p.built(rpmArchitecture) {
		name, first := docs[i].name, docs[i].first
		list, err := p.rpm("-qpl", built).Output()
		if err != nil {
			t.Fatal(err)
		}
		folder := "/usr/share/doc/" + name + "/"
		var files []string
		for line := range strings.Lines(string(list)) {
			if file, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), folder); ok {
				files = append(files, file)
			}
		}
		if !slices.Contains(files, first) {
			t.Errorf("package %s has no page %s", name, first)
		}
		for _, page := range files {
			if strings.HasSuffix(page, ".md") {
				holdLinks(t, page, files)
			}
		}
	}
}

// holdLinks wants each file that a page links to among files, or a folder of such.
func holdLinks(t *testing.T, page string, files []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot, page))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range markdownLink.FindAllStringSubmatch(string(text), -1) {
		file, _, _ := strings.Cut(m[1], "#")
		if file == "" || strings.Contains(file, "://") {
			continue
		}
		to := path.Join(path.Dir(page), file)
		if !slices.ContainsFunc(files, func(f string) bool { return f == to || strings.HasPrefix(f, to+"/") }) {
			t.Errorf("%s links to %s, which the package lacks", page, m[1])
		}
	}
}
