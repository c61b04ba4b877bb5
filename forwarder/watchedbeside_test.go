package forwarder

import "testing"

// The addresses of a watched host do not stand beside the data of others, where they
// would be kept for longer; once it has changed, those that are given do. Others' do.
func TestWatchedBeside(t *testing.T) {
	for qtype, record := range map[string]string{
		"MX":  "x.corp.test. 60 IN MX 1 app.corp.test.",
		"SRV": "x.corp.test. 60 IN SRV 0 0 80 app.corp.test.",
		"NS":  "x.corp.test. 60 IN NS app.corp.test.",
	} {
		t.Run(qtype, func(t *testing.T) {
			perform(t, watchedConfig(), Options{Watch: []string{"app.corp.test"}}, func(t *testing.T, s *theatre) {
				s.has("x.corp.test. "+qtype, record, "additional "+oldA)
				s.has("y.corp.test. MX", "y.corp.test. 60 IN MX 1 b.corp.test.", "additional b.corp.test. 60 IN A 10.0.0.7")
				s.wants("app.corp.test. A", "app.corp.test. 0 IN A 10.0.0.1")
				for range 2 { // asked for, and from the cache
					s.wants("x.corp.test. "+qtype, record)
					s.wants("y.corp.test. MX", "y.corp.test. 60 IN MX 1 b.corp.test.", "b.corp.test. 60 IN A 10.0.0.7")
				}
				s.override("app.corp.test", "A", "10.0.0.9")
				s.wants("x.corp.test. "+qtype, record, "app.corp.test. 0 IN A 10.0.0.9", "EDE 4")
			})
		})
	}
}
