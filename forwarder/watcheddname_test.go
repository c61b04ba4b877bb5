package forwarder

import "testing"

// That a name is watched, or overridden, says nothing of the names below it: its DNAME
// renames them as ever, with a CNAME of upstream's beside it and without.
func TestWatchedDNAME(t *testing.T) {
	const (
		dname = "old.corp.test. 60 IN DNAME corp.test."
		made  = "app.old.corp.test. 60 IN CNAME app.corp.test."
	)
	for name, said := range map[string][]string{
		"with its CNAME":    {dname, made, oldA},
		"without its CNAME": {dname},
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, watchedConfig(), Options{Watch: []string{"old.corp.test"}}, func(t *testing.T, s *theatre) {
				s.has("app.old.corp.test. A", said...)
				for range 2 { // asked for, and from the cache
					s.wants("app.old.corp.test. A", dname, made, oldA)
				}
				s.override("old.corp.test", "A", "10.0.0.9")
				s.wants("app.old.corp.test. A", dname, made, oldA)
				s.override("app.corp.test", "A", "10.0.0.8")
				s.wants("app.old.corp.test. A", "old.corp.test. 0 IN DNAME corp.test.",
					"app.old.corp.test. 0 IN CNAME app.corp.test.", "app.corp.test. 0 IN A 10.0.0.8", "EDE 4")
			})
		})
	}
}
