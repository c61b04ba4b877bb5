package watch

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"

	"github.com/miekg/dns"
)

// Who has asked may do what he likes with what he got: the table keeps its own.
func TestCopies(t *testing.T) {
	table, m := everything(t)
	table.Given([]byte("\x03www\x04corp\x07example\x00"), dns.TypeA, netip.MustParseAddr("192.0.2.77"), 5, m.Now)
	state, export := saved(t, table, m)
	sets := 0
	for _, name := range []string{"www.corp.example", "mx.corp.example", "var.corp.example"} {
		st, err := table.Status(name, true, m)
		must(t, err)
		sets += len(st.Overrides) + len(st.History) + len(st.Ledger)
		scribble(reflect.ValueOf(&st))
	}
	if sets < 10 {
		t.Fatalf("%d lists were had, which are few", sets)
	}
	changes, err := table.History("")
	must(t, err)
	scribble(reflect.ValueOf(changes))
	scribble(reflect.ValueOf(table.Overrides(m)))
	scribble(reflect.ValueOf(table.Sets()))
	scribble(reflect.ValueOf(table.Watching()))
	names, _ := table.NameStats(m)
	scribble(reflect.ValueOf(names))
	stateNow, exportNow := saved(t, table, m)
	if !bytes.Equal(stateNow, state) {
		t.Errorf("the state was\n%s\nand is\n%s", state, stateNow)
	}
	if !bytes.Equal(exportNow, export) {
		t.Errorf("the export was\n%s\nand is\n%s", export, exportNow)
	}
}

func saved(t *testing.T, table *Table, m Moment) (state, export []byte) {
	t.Helper()
	state, err := table.AppendState(nil, m)
	must(t, err)
	export, err = table.Export(ExportFrom{}, MinExport, m)
	must(t, err)
	return state, export
}

// scribble overwrites each text, and all that a list has.
func scribble(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString("scribbled")
		}
	case reflect.Slice:
		for i := range v.Len() {
			scribble(v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			scribble(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			scribble(v.Field(i))
		}
	}
}
